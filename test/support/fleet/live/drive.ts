import { deafBetween, withSpan } from '../../../../pipelines/fleet/live/listening.ts'
import type { Span } from '../../../../pipelines/fleet/live/listening.ts'
import {
  applyCurrent,
  applyFailedPoll,
  commission,
  fireTimers,
} from '../../../../pipelines/fleet/status/apply.ts'
import type { WorkerContext } from '../../../../pipelines/fleet/status/context.ts'
import type { Decision } from '../../../../pipelines/fleet/status/decisions.ts'
import { newPage } from '../../../../pipelines/fleet/status/memory.ts'
import type { WorkerPage } from '../../../../pipelines/fleet/status/memory.ts'
import type { Thresholds } from '../../../../pipelines/fleet/status/thresholds.ts'
import { DEFAULT_THRESHOLDS } from '../../../../pipelines/fleet/status/thresholds.ts'
import { MINUTE_MS, SECOND_MS } from '../../../../schemas/units.ts'
import { ORDINARY, T0_MS } from './worker.ts'
import type { Life, LifeRecord } from './random-machine.ts'

/** Short times, so that a random life of two hours meets every rule. */
export const QUICK: Thresholds = {
  ...DEFAULT_THRESHOLDS,
  boardsS: 300,
  errorS: 120,
  restartsS: 3_600,
  restartHashingS: 300,
  repairedS: 600,
  cleanS: 120,
  chipsS: 300,
  efficiencyS: 120,
  tuningS: 600,
}
export const QUICK_RAMP_MS = 3 * MINUTE_MS

/** What the task does around the live plane, for one worker: contacts, versions, the order of timers and records. */
export interface Drive {
  readonly life: Life
  /** Further times at which timers are fired, besides those before each record of the worker. */
  readonly ticksS?: readonly number[]
  /** Every record twice. */
  readonly isDoubled?: boolean
  /** Where given, the page goes through it after every so many records: a codec, say. */
  readonly renew?: (page: WorkerPage) => WorkerPage
  readonly renewEach?: number
  readonly after?: (page: WorkerPage, i: number, decisions: readonly Decision[]) => void
}

const I = 5
const ms = (atS: number): number => T0_MS + atS * SECOND_MS

/** Drives the engine through a life, and gives all that it decides. */
export function drive({
  life,
  ticksS = [],
  isDoubled = false,
  renew,
  renewEach = 1,
  after,
}: Drive): Decision[] {
  let page = newPage()
  const told: Decision[] = []
  const node = new Contacts(life.intervalS)
  const contextAt = (): WorkerContext => contextOf(life, node)
  const tell = (decisions: readonly Decision[]): void => {
    told.push(...decisions)
    after?.(page, I, decisions)
  }
  node.add(ms(-1))
  tell(commission(page, I, { nowMs: ms(-1), offset: 0n, index: 0 }, contextAt()))
  const ticks = ticksS.map((atS): LifeRecord | { kind: 'tick'; atS: number } => ({ kind: 'tick', atS }))
  const all = [...ticks, ...life.records].toSorted((left, right) => left.atS - right.atS)
  for (const [n, record] of all.entries()) {
    const place = { nowMs: ms(record.atS), offset: BigInt(n + 1), index: 0 }
    const origin = { nodeId: 'n1', epoch: 1, seq: n + 1 }
    tell(fireTimers(page, I, place.nowMs, contextAt))
    for (let time = 0; time < (isDoubled ? 2 : 1); time++) {
      if (record.kind === 'contact') node.add(place.nowMs)
      if (record.kind === 'sample') tell(applyCurrent(page, I, record.sample, origin, place, contextAt()))
      if (record.kind === 'poll') {
        const poll = { tMs: ms(record.tS), result: record.result }
        tell(applyFailedPoll(page, I, poll, origin, place, contextAt()))
      }
    }
    if (renew !== undefined && n % renewEach === 0) page = renew(page)
  }
  tell(fireTimers(page, I, ms(life.endS), contextAt))
  return told
}

/** The contacts of a node, and what follows from them: see `NodeHearing`. */
class Contacts {
  #lastMs = 0
  #returnedAtMs = 0
  #deaf: readonly Span[] = []
  readonly #silenceMs: number

  constructor(intervalS: number) {
    this.#silenceMs = Math.max(5 * MINUTE_MS, 3 * intervalS * SECOND_MS)
  }

  add(atMs: number): void {
    if (this.#lastMs > 0) {
      const span = deafBetween(this.#lastMs, atMs)
      if (span !== null) this.#deaf = withSpan(this.#deaf, span)
      if (atMs - this.#lastMs >= this.#silenceMs) this.#returnedAtMs = atMs
    }
    this.#lastMs = atMs
  }

  get hearing() {
    const open = deafBetween(this.#lastMs, Number.POSITIVE_INFINITY)
    return {
      silentAtMs: this.#lastMs + this.#silenceMs,
      returnedAtMs: this.#returnedAtMs,
      deaf: open === null ? this.#deaf : withSpan(this.#deaf, open),
    }
  }
}

function contextOf({ windows, repairs, intervalS }: Life, node: Contacts): WorkerContext {
  return {
    ...ORDINARY,
    thresholds: QUICK,
    model: { ...ORDINARY.model, rampMs: QUICK_RAMP_MS },
    intervalMs: intervalS * SECOND_MS,
    node: node.hearing,
    windows: windows.map(({ fromS, toS, target }) => ({
      kind: target === 'maintenance' ? 'maintenance' : 'curtailment',
      target: target === 'maintenance' ? 'off' : target,
      startsAtMs: ms(fromS),
      endsAtMs: ms(toS),
    })),
    repairs: repairs.map(({ fromS, toS, state }) => ({ state, fromMs: ms(fromS), toMs: ms(toS) })),
  }
}
