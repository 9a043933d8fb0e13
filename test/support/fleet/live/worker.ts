import type { FailedPoll, LiveSample, PollFailure } from '../../../../pipelines/fleet/live/sample.ts'
import {
  applyCurrent,
  applyFailedPoll,
  commission,
  fireTimers,
} from '../../../../pipelines/fleet/status/apply.ts'
import type { WorkerContext } from '../../../../pipelines/fleet/status/context.ts'
import { classOf } from '../../../../pipelines/fleet/status/counts.ts'
import type { Decision, NoticeChange, StatusChange } from '../../../../pipelines/fleet/status/decisions.ts'
import { ENGINES } from '../../../../pipelines/fleet/status/engine.ts'
import { newPage } from '../../../../pipelines/fleet/status/memory.ts'
import type { WorkerPage } from '../../../../pipelines/fleet/status/memory.ts'
import { DEFAULT_THRESHOLDS } from '../../../../pipelines/fleet/status/thresholds.ts'
import { MINUTE_MS, SECOND_MS } from '../../../../schemas/units.ts'

/** Test time begins here: a full hour, so that seconds of a test are easy to read. */
export const T0_MS = Date.UTC(2026, 4, 4, 6)
export const RATE_HS = 200_000_000_000_000
export const POWER_W = 3_500

const [engine] = ENGINES
if (engine === undefined) throw new Error('The build carries no engine.')

/** A worker of 200 TH/s and 3,500 W, heard every 30 s by a node that is there, without windows or repairs. */
export const ORDINARY: WorkerContext = {
  engine,
  thresholds: DEFAULT_THRESHOLDS,
  model: { rampMs: 15 * MINUTE_MS, isDevice5mTrusted: false, shareMultiplier: 1, chipLimitC: 95 },
  intent: { profileRateHs: null, profilePowerW: null, modelRateHs: RATE_HS, modelPowerW: POWER_W },
  powerCapW: null,
  intervalMs: 30 * SECOND_MS,
  node: { silentAtMs: Number.POSITIVE_INFINITY, returnedAtMs: 0, deaf: [] },
  windows: [],
  repairs: [],
  isConflict: false,
  changesAtMs: Number.POSITIVE_INFINITY,
  versions: { thresholds: 1 },
}

/** A sample of a healthy machine, `atS` seconds into the test, that has run for ten days. */
export function healthy(atS: number): LiveSample {
  return {
    tMs: T0_MS + atS * SECOND_MS,
    rateNowHs: RATE_HS,
    rate5mHs: null,
    deviceNominalHs: null,
    powerW: POWER_W,
    powerSource: 'miner',
    uptimeS: 864_000 + atS,
    mode: 'normal',
    isMining: true,
    isHeatStopped: false,
    boardsOnline: 3,
    boardsExpected: 3,
    boardsDisabled: 0,
    chipsOnline: 330,
    chipsExpected: 330,
    criticalErrors: 0,
    chipMaxC: 70,
    boardMaxC: 60,
    inletC: 25,
    coolantInC: null,
    fanMinRpm: 5_000,
    fanMaxRpm: 5_200,
    hwErrorRatio: 0,
    poolsAlive: 3,
    activePoolPriority: 0,
    poolsDigest: 77,
    arePoolsAllowed: true,
    sharesAccepted: null,
    sharesRejected: null,
    sharesStale: null,
    difficultyAccepted: null,
  }
}

/** One worker on a page of its own, driven by seconds into the test. */
export class LiveWorker {
  page: WorkerPage = newPage()
  readonly i = 17
  context: WorkerContext
  /** What was decided so far. */
  readonly decisions: Decision[] = []
  #seq = 0

  constructor(context: Partial<WorkerContext> = {}) {
    this.context = { ...ORDINARY, ...context }
    this.#tell(commission(this.page, this.i, this.#place(-3_600), this.context))
  }

  /** Applies a healthy sample but for what is named, after the timers that are due; gives what was decided then. */
  sample(atS: number, but: Partial<LiveSample> = {}, arrivesS = atS): readonly Decision[] {
    return [
      ...this.until(arrivesS),
      ...this.#tell(
        applyCurrent(
          this.page,
          this.i,
          { ...healthy(atS), ...but },
          this.#origin(),
          this.#place(arrivesS),
          this.context,
        ),
      ),
    ]
  }

  /** Samples every 30 s from `fromS` to `toS`, both included. */
  samples(
    fromS: number,
    toS: number,
    but: Partial<LiveSample> | ((atS: number) => Partial<LiveSample>) = {},
  ): void {
    const stepS = this.context.intervalMs / SECOND_MS
    for (let atS = fromS; atS <= toS; atS += stepS)
      this.sample(atS, typeof but === 'function' ? but(atS) : but)
  }

  /** An hour of healthy samples up to second 0, so that the worker is known, warm and working. */
  warm(): this {
    this.samples(-3_600, 0)
    this.decisions.length = 0
    return this
  }

  poll(atS: number, result: PollFailure = 'timeout'): readonly Decision[] {
    const poll: FailedPoll = { tMs: T0_MS + atS * SECOND_MS, result }
    return [
      ...this.until(atS),
      ...this.#tell(applyFailedPoll(this.page, this.i, poll, this.#origin(), this.#place(atS), this.context)),
    ]
  }

  /** Fires what is due. */
  until(atS: number): readonly Decision[] {
    return this.#tell(fireTimers(this.page, this.i, T0_MS + atS * SECOND_MS, () => this.context))
  }

  /** Goes on under a context that differs in this. */
  change(but: Partial<WorkerContext>): void {
    this.context = { ...this.context, ...but }
  }

  /** `status/reason` now. */
  get now(): string {
    const { status, reason } = classOf(this.page, this.i) ?? { status: 'none', reason: 'none' }
    return `${status}/${reason}`
  }

  get changes(): StatusChange[] {
    return this.decisions.filter((one) => one.type === 'status')
  }

  get notices(): NoticeChange[] {
    return this.decisions.filter((one) => one.type === 'notice')
  }

  /** `second status/reason` of each change. */
  get history(): string[] {
    return this.changes.map(({ atMs, status, reason }) => `${secondOf(atMs)} ${status}/${reason}`)
  }

  /** `second action kind severity` of each change of a record, those of statuses apart. */
  get told(): string[] {
    return this.notices
      .filter(({ kind }) => kind !== 'status')
      .map(({ atMs, action, kind, severity }) => `${secondOf(atMs)} ${action} ${kind} ${severity}`)
  }

  #origin() {
    return { nodeId: 'n1', epoch: 1, seq: ++this.#seq }
  }

  #place(atS: number) {
    return { nowMs: T0_MS + atS * SECOND_MS, offset: BigInt(this.#seq), index: 0 }
  }

  #tell(decisions: readonly Decision[]): readonly Decision[] {
    this.decisions.push(...decisions)
    return decisions
  }
}

/** Seconds into the test. */
export function secondOf(atMs: number): number {
  return (atMs - T0_MS) / SECOND_MS
}

/** A context in which the device's own five minutes are r5, so that a test says r5 in so many words. */
export const TRUSTED: Partial<WorkerContext> = { model: { ...ORDINARY.model, isDevice5mTrusted: true } }

/** A sample whose r5 is so many percent of the intended rate, and so many H/s more. */
export function atPct(pct: number, moreHs = 0): Partial<LiveSample> {
  return { rate5mHs: (RATE_HS / 100) * pct + moreHs }
}
