import type { Clock } from '../../../pipelines/clock.ts'
import { normalise } from '../../../pipelines/fleet/normalise.ts'
import type { Telemetry } from '../../../pipelines/fleet/telemetry.ts'
import type { Random } from '../../../pipelines/random.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import type { Machine } from '../config/agent-config.ts'
import { deadline } from '../transports/deadline.ts'
import { pollItem, reportItem, reportText, sampleItem } from './items.ts'
import type { Made, MachineNames } from './items.ts'
import { answersIn, MachinePoller } from './machine-poller.ts'
import type { Asked } from './machine-poller.ts'
import { pollResult } from './poll-result.ts'
import type { PollWord } from './poll-result.ts'
import type { Fingerprint, Roster } from './roster.ts'

/** All requests to one machine together. */
const POLL_TIMEOUT_MS = 20 * SECOND_MS
/** A poll ends before the next one of the same machine is due. */
const POLL_SHARE_OF_INTERVAL = 0.9
/** The texts of a machine are sent again after this, whether or not they have changed. */
const REPORT_EVERY_MS = 10 * MINUTE_MS

/** What one poll of one machine gave. */
export interface Polled {
  readonly result: PollWord
  /** In the order in which they get their numbers. */
  readonly made: readonly Made[]
  readonly asked: readonly Asked[]
}

export interface MachinePollsParts {
  readonly machine: Machine
  readonly intervalS: number
  readonly roster: Roster
  /** The MAC that the node's ARP table has for an address. */
  readonly macOf: (host: string) => string | null
  /** UTC, as well as the node knows it; null where it does not. */
  readonly presentMs: () => number | null
  readonly clock: Clock
  readonly random: Random
}

/** The polls of one machine: what it was asked, who it is, and what is made of it. */
export class MachinePolls {
  readonly #parts: MachinePollsParts
  readonly #poller: MachinePoller
  #reportText = ''
  #reportedMs = Number.NEGATIVE_INFINITY

  constructor(parts: MachinePollsParts) {
    this.#parts = parts
    const { machine, clock, random } = parts
    this.#poller = new MachinePoller({ machine, clock, random })
  }

  get machine(): Machine {
    return this.#parts.machine
  }

  /** `atMs` is the time of the poll, by the clock of the spool. Never rejects. */
  async poll(atMs: number, signal: AbortSignal): Promise<Polled> {
    const { clock, intervalS } = this.#parts
    const longestMs = Math.min(POLL_TIMEOUT_MS, intervalS * SECOND_MS * POLL_SHARE_OF_INTERVAL)
    using limit = deadline(clock, longestMs, signal)
    const asked = await this.#poller.poll(limit.signal)
    return this.#read(atMs, asked)
  }

  #read(atMs: number, asked: readonly Asked[]): Polled {
    const { machine, macOf, presentMs } = this.#parts
    const { adapter, context, host } = machine
    const collectedAtMs = presentMs()
    const normalised = normalise({
      adapter,
      context,
      collectedAtMs: collectedAtMs ?? 0,
      answers: answersIn(asked),
    })
    if (normalised === 'unsupported' || !('telemetry' in normalised)) {
      return this.#failed(atMs, 'unreadable', asked)
    }
    const { warnings } = normalised
    const result = pollResult(asked, normalised.telemetry, warnings)
    if (result !== 'ok' && result !== 'partial') return this.#failed(atMs, result, asked)
    const telemetry = collectedAtMs === null ? withoutAges(normalised.telemetry) : normalised.telemetry
    const names = this.#nameOf(telemetry, macOf(host))
    const observed = { ...names, observed_at: atMs }
    const sample = sampleItem(observed, telemetry, warnings)
    const poll = pollItem(observed, result)
    return { result, asked, made: [sample, poll, ...this.#reports(observed, telemetry)] }
  }

  /** A poll without an answer is about the machine that last answered there. */
  #failed(atMs: number, result: PollWord, asked: readonly Asked[]): Polled {
    const { machine, roster } = this.#parts
    const names = { ...roster.of(machine.address), address: machine.address }
    return { result, asked, made: [pollItem({ ...names, observed_at: atMs }, result)] }
  }

  /**
   * Who answered. A machine whose answer names none is the one of the roster, where its MAC on the network says so; else it has
   * its address alone.
   */
  #nameOf({ serial, mac }: Telemetry, macArp: string | null): MachineNames {
    const { machine, roster } = this.#parts
    const known = roster.of(machine.address)
    const isSame = macArp !== null && macArp === known.mac_arp
    const said: Fingerprint = { serial, mac, mac_arp: macArp }
    const fingerprint = serial === null && mac === null && isSame ? known : said
    roster.learn(machine.address, fingerprint)
    return { ...fingerprint, address: machine.address }
  }

  #reports(observed: MachineNames & { readonly observed_at: number }, telemetry: Telemetry): Made[] {
    const nowMs = this.#parts.clock.monotonicMs()
    const text = `${observed.serial} ${observed.mac} ${reportText(telemetry)}`
    if (text === this.#reportText && nowMs < this.#reportedMs + REPORT_EVERY_MS) return []
    this.#reportText = text
    this.#reportedMs = nowMs
    return [reportItem(observed, telemetry)]
  }
}

/** Without a clock nobody can say when something was that the machine says the age of. */
function withoutAges(telemetry: Telemetry): Telemetry {
  const pools = telemetry.pools?.map((pool) => ({ ...pool, last_share_at: null })) ?? null
  return { ...telemetry, pools }
}
