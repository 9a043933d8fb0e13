import { UNKNOWN, valueAt } from '../live/memory.ts'
import { meanOfR5 } from '../live/rates.ts'
import { isMeasured as isMeasuredSource } from '../live/sample.ts'
import { deliveredPct, workOf } from '../live/shares.ts'
import type { Work } from '../live/shares.ts'
import { hasHeld, moved } from './clocks.ts'
import type { Verdict } from './clocks.ts'
import type { Observation } from './observe.ts'
import type { WorkerPage } from './memory.ts'
import { scaledHs } from './view.ts'

/** The causes of Underperforming, in the order in which they are named. A place in this list is a bit of the column. */
export const UNDER_CAUSES = [
  'low_rate',
  'low_delivered',
  'shares_refused',
  'chips_missing',
  'inefficient',
] as const

const CAUSES = UNDER_CAUSES.length

/** `between`: not bad enough to enter, and not good enough to leave. */
type Judgement = Verdict | 'between'

/** Whether a cause is latched. */
export function isUnder({ status }: WorkerPage, i: number, cause: number): boolean {
  return (valueAt(status.under, i) & (1 << cause)) !== 0
}

/** Opens all latches: of a worker that stands still nothing is known about how well it does. */
export function forgetUnder({ status, clean }: WorkerPage, i: number): void {
  if (valueAt(status.under, i) === 0) return
  status.under[i] = 0
  clean.clock.fill(0, i * CAUSES, (i + 1) * CAUSES)
}

/** Moves the latches of Underperforming with a current sample. While it cannot be measured they stay as they are. */
export function judgePerformance(observation: Observation): void {
  const { view, isMeasured } = observation
  moveClocks(observation)
  if (!isMeasured) return
  const work = workOf(view.page, view.i)
  move(observation, 0, rateJudgement(observation))
  move(observation, 1, deliveredJudgement(observation, work))
  move(observation, 2, refusedJudgement(observation, work))
  move(observation, 3, clockJudgement(chipsVerdict(observation), observation, 'chipsClock'))
  move(observation, 4, clockJudgement(efficiencyVerdict(observation), observation, 'efficiencyClock'))
}

function moveClocks(observation: Observation): void {
  const { view, isMeasured, stepS } = observation
  if (!isMeasured) return
  const { status } = view.page
  const { i } = view
  status.chipsClock[i] = moved(valueAt(status.chipsClock, i), chipsVerdict(observation), stepS)
  status.efficiencyClock[i] = moved(valueAt(status.efficiencyClock, i), efficiencyVerdict(observation), stepS)
}

function move({ view, stepS }: Observation, cause: number, judgement: Judgement): void {
  const { page, i, context } = view
  const { status, clean } = page
  const bit = 1 << cause
  const place = i * CAUSES + cause
  const latched = valueAt(status.under, i)
  if (judgement === 'holds') {
    status.under[i] = latched | bit
    clean.clock[place] = 0
  } else if ((latched & bit) !== 0) {
    const clock = judgement === 'gone' ? 'holds' : judgement === 'between' ? 'gone' : 'unknown'
    clean.clock[place] = moved(valueAt(clean.clock, place), clock, stepS)
    if (!hasHeld(valueAt(clean.clock, place), context.thresholds.cleanS)) return
    status.under[i] = latched & ~bit
    clean.clock[place] = 0
  }
}

function rateJudgement({ view }: Observation): Judgement {
  const { page, i, context } = view
  const { underPct, recoveredPct } = context.thresholds
  const r10Hs = meanOfR5(page, i, context.intervalMs)
  const intendedHs = scaledHs(view)
  if (r10Hs === UNKNOWN || intendedHs === 0) return 'unknown'
  if (r10Hs * 100 < underPct * intendedHs) return 'holds'
  return r10Hs * 100 >= recoveredPct * intendedHs ? 'gone' : 'between'
}

/** Whether a pool was given less than the machine says it did, by more than chance explains. */
export function deliveredJudgement({ view: { context } }: Observation, work: Work): Verdict {
  const { deliveredPct: limitPct, deliveredMargin, sharesMin } = context.thresholds
  const delivered = deliveredPct(work, context.model.shareMultiplier)
  if (delivered === null || work.judged < sharesMin) return 'unknown'
  return delivered < limitPct - (100 * deliveredMargin) / Math.sqrt(work.judged) ? 'holds' : 'gone'
}

function refusedJudgement({ view: { context } }: Observation, { accepted, refused }: Work): Verdict {
  const { refusedPct, sharesMin } = context.thresholds
  if (accepted + refused < sharesMin) return 'unknown'
  return refused * 100 > refusedPct * (accepted + refused) ? 'holds' : 'gone'
}

function chipsVerdict({ view: { context }, sample }: Observation): Verdict {
  const { chipsOnline, chipsExpected } = sample
  if (chipsOnline === null || chipsExpected === null) return 'unknown'
  return chipsOnline * 100 < context.thresholds.chipsPct * chipsExpected ? 'holds' : 'gone'
}

/** Joules per hash are compared without the target of a window: a machine on a part of its rate needs fewer, not more. */
function efficiencyVerdict({ view, sample, r5Hs }: Observation): Verdict {
  const { intendedHs, intendedW, context } = view
  const { efficiencyPct, efficiencyRatePct } = context.thresholds
  if (sample.powerW === null || !isMeasuredSource(sample.powerSource)) return 'unknown'
  if (intendedHs === 0 || intendedW === 0 || r5Hs === UNKNOWN) return 'unknown'
  if (r5Hs * 100 < efficiencyRatePct * scaledHs(view)) return 'unknown'
  return sample.powerW * intendedHs * 100 > efficiencyPct * intendedW * r5Hs ? 'holds' : 'gone'
}

/** A cause with a clock: what has begun is not yet a cause, but it is not clean either. */
function clockJudgement(
  verdict: Verdict,
  { view: { page, i, context } }: Observation,
  clock: 'chipsClock' | 'efficiencyClock',
): Judgement {
  if (verdict !== 'holds') return verdict
  const { chipsS, efficiencyS } = context.thresholds
  const sustainS = clock === 'chipsClock' ? chipsS : efficiencyS
  return hasHeld(valueAt(page.status[clock], i), sustainS) ? 'holds' : 'between'
}
