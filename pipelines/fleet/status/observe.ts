import { UNKNOWN, valueAt } from '../live/memory.ts'
import { addMean, addRate, forgetMeans, meanOfNow } from '../live/rates.ts'
import { POWER_SOURCES } from '../live/sample.ts'
import type { LiveSample } from '../live/sample.ts'
import { addShares } from '../live/shares.ts'
import { comesUpSinceS, noteUptime, secondsOf } from '../live/start.ts'
import { hasHeld, moved } from './clocks.ts'
import type { WorkerContext } from './context.ts'
import { believedRates, noteFacts } from './facts.ts'
import { FACT, hasFact } from './memory.ts'
import type { WorkerPage } from './memory.ts'
import { isExcused, viewAt } from './view.ts'
import type { View } from './view.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

/** Two readings at most so many intervals apart say what the machine did in between. */
const BRIDGED_INTERVALS = 2.5

/** One current sample, and what the worker's memory says with it. */
export interface Observation {
  /** The worker under the windows and repairs of the sample's own time. */
  readonly view: View
  readonly sample: LiveSample
  readonly atS: number
  /** Seconds since the sample before by which clocks move; 0 if that was too long ago. */
  readonly stepS: number
  /** `UNKNOWN` where it is not known. */
  readonly r5Hs: number
  readonly isRestart: boolean
  /** Nobody slept, curtailed, repaired or cut off the machine: it restarted by itself. */
  readonly isRestartByFault: boolean
  /** Within the ramp after a start. */
  readonly comesUp: boolean
  /** Hashing is what the machine is set to. */
  readonly isIntended: boolean
  /** A fault would be one: hashing is intended, the machine has come up, no window or repair is on. */
  readonly isJudged: boolean
  /** Its performance can be judged: the same, and it does not tune; a window that lets it work is no excuse. */
  readonly isMeasured: boolean
  readonly isUnitSuspect: boolean
}

/** Takes a current sample into the worker's memory. Everything that rules look at later is in the columns after it. */
export function observe(
  page: WorkerPage,
  i: number,
  sample: LiveSample,
  context: WorkerContext,
): Observation {
  const { live, status } = page
  const lastMs = valueAt(live.sampleMs, i)
  const isBridged = lastMs > 0 && sample.tMs - lastMs <= BRIDGED_INTERVALS * context.intervalMs
  const stepMs = isBridged ? sample.tMs - lastMs : 0
  const stepS = isBridged ? secondsOf(sample.tMs) - secondsOf(lastMs) : 0
  if (sample.deviceNominalHs !== null) live.deviceNominalHs[i] = sample.deviceNominalHs
  if (lastMs === 0 && sample.uptimeS === null) live.resumedS[i] = secondsOf(sample.tMs)
  const wasAsleep = hasFact(page, i, FACT.asleep)
  const wasAway = context.node.returnedAtMs > valueAt(status.goodAtMs, i)
  const isRestart = noteUptime(page, i, sample)
  const comesUp = secondsOf(sample.tMs) - comesUpSinceS(page, i) < context.model.rampMs / SECOND_MS
  const view = viewAt(page, i, sample.tMs, context)
  const rates = believedRates(view, sample, isRestart)
  addShares(page, i, sample, { ms: stepMs, rateHs: rates.nowHs ?? rates.fiveMinutesHs, isRestart })
  addRate(page, i, sample.tMs, rates.nowHs)
  const r5Hs = r5Of(view, rates.fiveMinutesHs)
  live.r5Hs[i] = r5Hs
  live.sampleMs[i] = sample.tMs
  live.powerW[i] = sample.powerW ?? 0
  live.powerSource[i] = sample.powerW === null ? 0 : POWER_SOURCES.indexOf(sample.powerSource)
  const isIntended = sample.isMining !== false && sample.mode !== 'sleep'
  const isFree = isIntended && !isExcused(view)
  moveTuning(page, i, sample, stepS)
  const isTuning =
    sample.mode === 'tuning' && !hasHeld(valueAt(status.tuningClock, i), context.thresholds.tuningS)
  const { window, repair } = view
  const isWork = window.targetPct > 0 && !window.isRamping && repair === null
  const observation: Observation = {
    view,
    sample,
    atS: secondsOf(sample.tMs),
    stepS,
    r5Hs,
    isRestart,
    isRestartByFault: isRestart && isFree && !wasAsleep && !wasAway,
    comesUp,
    isIntended,
    isJudged: isFree && !comesUp,
    isMeasured: isIntended && isWork && !comesUp && !isTuning,
    isUnitSuspect: rates.isSuspect && !comesUp && isIntended,
  }
  noteFacts(observation, rates)
  noteMean(observation)
  return observation
}

function r5Of({ page, i, context }: View, fiveMinutesHs: number | null): number {
  if (context.model.isDevice5mTrusted && fiveMinutesHs !== null) return fiveMinutesHs
  return meanOfNow(page, i, context.intervalMs)
}

function moveTuning({ status }: WorkerPage, i: number, { mode }: LiveSample, stepS: number): void {
  const verdict = mode === null ? 'unknown' : mode === 'tuning' ? 'holds' : 'gone'
  status.tuningClock[i] = moved(valueAt(status.tuningClock, i), verdict, stepS)
}

/**
 * r10 is made of what the machine did while it could be measured: r10 looks back about as far as a ramp is long, so with
 * the readings of the ramp a machine that came up well would stand below its mark right after it.
 */
function noteMean({ view: { page, i }, sample, r5Hs, isMeasured }: Observation): void {
  if (!isMeasured) forgetMeans(page, i)
  addMean(page, i, sample.tMs, isMeasured ? r5Hs : UNKNOWN)
}
