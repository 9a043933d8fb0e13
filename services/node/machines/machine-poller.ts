import type { Clock } from '../../../pipelines/clock.ts'
import type { RawAnswer } from '../../../pipelines/fleet/poll.ts'
import type { Random } from '../../../pipelines/random.ts'
import { HOUR_MS } from '../../../schemas/units.ts'
import type { Machine } from '../config/agent-config.ts'
import { askCgminer } from '../transports/cgminer.ts'
import { deadline } from '../transports/deadline.ts'
import { askFramed } from '../transports/framed.ts'
import { HttpMachine } from '../transports/http/http-machine.ts'
import { REQUEST_TIMEOUT_MS } from '../transports/read-outcome.ts'
import type { ReadOutcome } from '../transports/read-outcome.ts'
import { PLANS } from './plans.ts'
import type { Ask, PlannedRequest } from './plans.ts'

/** How long a port that a machine can do without, and that nobody answers on, is not asked again. */
const OPTIONAL_PAUSE_MS = HOUR_MS

/** What a request that a machine was asked has come to. */
export interface Asked {
  readonly request: string
  readonly isNeeded: boolean
  readonly outcome: ReadOutcome
}

export interface MachinePollerParts {
  readonly machine: Machine
  readonly clock: Clock
  readonly random: Random
}

/** Asks one machine all that its adapter reads: requests to one port one after the other, ports beside each other. */
export class MachinePoller {
  readonly machine: Machine
  readonly #clock: Clock
  readonly #web: HttpMachine
  /** The variant of its plan that answered last; null where none has yet. */
  #variant: number | null = null
  /** Until when a port that is not needed rests, by port. */
  readonly #restsUntilMs = new Map<number, number>()

  constructor({ machine, clock, random }: MachinePollerParts) {
    this.machine = machine
    this.#clock = clock
    this.#web = new HttpMachine(machine, random)
  }

  /** Never rejects; ends at the latest with the signal. */
  async poll(signal: AbortSignal): Promise<readonly Asked[]> {
    const variants = PLANS.get(this.machine.adapter)?.variants ?? []
    let asked: readonly Asked[] = []
    for (let tried = 0; tried < variants.length && !signal.aborted; tried += 1) {
      const at = ((this.#variant ?? 0) + tried) % variants.length
      const now = await this.#ask(variants[at] ?? [], signal)
      // The first one is what the machine should speak: where none answers, it says why.
      if (tried === 0 || now.some(isHeard)) asked = now
      if (now.some(isHeard)) {
        this.#variant = at
        break
      }
      // It spoke this before: where no way leads to it, another form would only be waited for as long.
      if (this.#variant !== null && now.every(({ outcome }) => outcome.kind === 'timeout')) break
    }
    return asked
  }

  async #ask(requests: readonly PlannedRequest[], signal: AbortSignal): Promise<readonly Asked[]> {
    const due = requests.filter((one) => this.#isAsked(one))
    const ports = [...Map.groupBy(due, ({ ask }) => this.#portOf(ask))]
    const asked = await Promise.all(ports.map(([port, those]) => this.#askPort(port, those, signal)))
    return asked.flat()
  }

  async #askPort(
    port: number,
    requests: readonly PlannedRequest[],
    signal: AbortSignal,
  ): Promise<readonly Asked[]> {
    const asked: Asked[] = []
    let away: ReadOutcome | null = null
    for (const { request, ask, isNeeded } of requests) {
      // Who does not answer one question in time is not kept waiting for by the next.
      const outcome: ReadOutcome = away ?? (await this.#put(ask, port, signal))
      if (outcome.kind === 'timeout' || outcome.kind === 'refused') away = outcome
      asked.push({ request, isNeeded, outcome })
    }
    if (away !== null && requests.every(({ isNeeded }) => !isNeeded)) {
      this.#restsUntilMs.set(port, this.#clock.monotonicMs() + OPTIONAL_PAUSE_MS)
    }
    return asked
  }

  async #put(ask: Ask, port: number, signal: AbortSignal): Promise<ReadOutcome> {
    using limit = deadline(this.#clock, REQUEST_TIMEOUT_MS, signal)
    const to = { host: this.machine.host, port, signal: limit.signal }
    switch (ask.via) {
      case 'cgminer':
        return await askCgminer({ ...to, command: ask.command })
      case 'framed':
        return await askFramed({ ...to, command: ask.command })
      default: {
        const { method, path, needsLogin } = ask
        return await this.#web.ask({ port, method, path, needsLogin, signal: limit.signal })
      }
    }
  }

  #isAsked({ ask, isNeeded }: PlannedRequest): boolean {
    if (ask.via === 'http' && ask.needsLogin === 'digest' && this.machine.login === null) return false
    const restsUntilMs = this.#restsUntilMs.get(this.#portOf(ask)) ?? 0
    return isNeeded || restsUntilMs <= this.#clock.monotonicMs()
  }

  #portOf({ via, port }: Ask): number {
    const { ports, port: given, adapter } = this.machine
    const [first] = PLANS.get(adapter)?.variants[0] ?? []
    return ports[via] ?? (given !== null && port === first?.ask.port ? given : port)
  }
}

/** Whether somebody was there. */
function isHeard({ outcome: { kind } }: Asked): boolean {
  return kind !== 'timeout' && kind !== 'refused'
}

/** The answers among these, for the adapter. */
export function answersIn(asked: readonly Asked[]): RawAnswer[] {
  return asked.flatMap(({ request, outcome }) =>
    outcome.kind === 'answer' ? [{ request, body: { text: outcome.text } }] : [],
  )
}
