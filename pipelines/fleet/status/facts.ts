import { believedRateHs } from '../live/intended.ts'
import { UNKNOWN, valueAt } from '../live/memory.ts'
import type { LiveSample } from '../live/sample.ts'
import { FACT, hasFact } from './memory.ts'
import type { Observation } from './observe.ts'
import { scaledHs } from './view.ts'
import type { View } from './view.ts'

/** What can be believed of the rates of a sample. */
export interface BelievedRates {
  readonly nowHs: number | null
  readonly fiveMinutesHs: number | null
  /** A rate was told that cannot be. */
  readonly isSuspect: boolean
  /** A rate above 0 was told that can be. */
  readonly isProven: boolean
}

/** The rates of a sample, those that cannot be left out: a unit is off by a thousand more often than a machine is. */
export function believedRates(
  { page, i, context, intendedHs }: View,
  sample: LiveSample,
  isRestart: boolean,
): BelievedRates {
  const { plausible } = context.thresholds
  const nominalHs = context.intent.modelRateHs ?? intendedHs
  const isLowBelieved = !isRestart && hasFact(page, i, FACT.proven)
  const nowHs = believedRateHs(sample.rateNowHs, nominalHs, plausible, isLowBelieved)
  const fiveMinutesHs = believedRateHs(sample.rate5mHs, nominalHs, plausible, isLowBelieved)
  const isProvenBy = (rateHs: number | null): boolean =>
    rateHs !== null && rateHs > 0 && believedRateHs(rateHs, nominalHs, plausible, false) !== null
  return {
    nowHs,
    fiveMinutesHs,
    isSuspect: nowHs !== sample.rateNowHs || fiveMinutesHs !== sample.rate5mHs,
    isProven: isProvenBy(nowHs) || isProvenBy(fiveMinutesHs),
  }
}

/** Whether a rate is above a part of H* in percent; where H* is not known, whether it is above 0. */
function isAbove(rateHs: number, pct: number, intendedHs: number): boolean {
  return rateHs * 100 > (intendedHs === 0 ? 0 : pct * intendedHs)
}

/** Notes what a sample says of the machine, in one column that rules read also when only time has passed. */
export function noteFacts(observation: Observation, rates: BelievedRates): void {
  const { view, sample, r5Hs, comesUp, isIntended, isRestart } = observation
  const { page, i, context } = view
  const isKnown = r5Hs !== UNKNOWN
  const isLow = isKnown && !isAbove(r5Hs, context.thresholds.stoppedPct, scaledHs(view))
  const kept = isRestart ? FACT.rated : FACT.rated | FACT.proven
  let facts = valueAt(page.status.facts, i) & kept
  if (rates.nowHs !== null || rates.fiveMinutesHs !== null) facts |= FACT.rated
  if (rates.isProven) facts |= FACT.proven
  if (!isIntended) facts |= FACT.asleep
  if (sample.isHeatStopped) facts |= FACT.heatStopped
  if (isLow) facts |= FACT.low
  if (isKnown && !isLow && isIntended) facts |= FACT.hashing
  if (comesUp) facts |= FACT.comesUp
  page.status.facts[i] = facts
  noteGood(observation)
}

/** A good sample shows that the machine hashes again. Of a machine that never told a rate, that it is there. */
function noteGood({ view, sample, r5Hs, atS, isIntended }: Observation): void {
  const { page, i, context } = view
  const hasRate =
    r5Hs === UNKNOWN
      ? !hasFact(page, i, FACT.rated)
      : isAbove(r5Hs, context.thresholds.resumedPct, scaledHs(view))
  const isGood = hasRate && isIntended && !sample.isHeatStopped
  if (!isGood) page.status.goodSinceS[i] = 0
  else if (valueAt(page.status.goodSinceS, i) === 0) page.status.goodSinceS[i] = atS
}
