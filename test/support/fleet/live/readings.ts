import type { LiveSample } from '../../../../pipelines/fleet/live/sample.ts'
import { RATE_HS, T0_MS } from './worker.ts'

/** What the model of `status-model.ts` reads from single samples, and from rows of them. */

/** A current sample, and what was known with it. */
export interface Kept {
  readonly sample: LiveSample
  readonly tS: number
  readonly stepS: number
  readonly r5Hs: number | null
  readonly comesUp: boolean
  /** Windows and repairs at the sample's own time. */
  readonly intent: Intent
  readonly isRestart: boolean
  readonly isFaultRestart: boolean
}

/** What windows and repairs say at one time. */
export interface Intent {
  readonly isWindow: boolean
  readonly isRamp: boolean
  readonly isMaintenance: boolean
  readonly repair: string | null
  readonly pct: number
}

export type Told = 'yes' | 'no' | 'unknown'

export const slot = (tS: number, lengthS: number): number => Math.floor((T0_MS / 1_000 + tS) / lengthS)
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
const refusedOf = (sample: LiveSample): number => (sample.sharesRejected ?? 0) + (sample.sharesStale ?? 0)
export const isAsleep = (sample: LiveSample): boolean => sample.isMining === false || sample.mode === 'sleep'
export const isTicket = ({ repair }: Intent): boolean => repair !== null && repair !== 'manual'
export const scaled = ({ pct }: Intent): number => (pct === 0 ? RATE_HS : (RATE_HS * pct) / 100)
export const sustained = (told: Told, heldS: number, sustainS: number): Told | 'between' =>
  told !== 'yes' || heldS >= sustainS ? told : 'between'

export function isLow({ r5Hs, intent }: Kept): Told {
  if (r5Hs === null) return 'unknown'
  return r5Hs * 100 <= 10 * scaled(intent) ? 'yes' : 'no'
}

export function hashes(one: Kept): Told {
  if (one.r5Hs === null) return 'unknown'
  return isLow(one) === 'no' && !isAsleep(one.sample) ? 'yes' : 'no'
}

export function fault(one: Kept, faults: number): Told {
  const { intent } = one
  if (faults === 0) return 'no'
  const isExcused = intent.isWindow || intent.isRamp || intent.isMaintenance || intent.repair !== null
  return isAsleep(one.sample) || one.comesUp || isExcused ? 'unknown' : 'yes'
}

export function isMeasured(one: Kept, tunedS: number, tuningS: number): boolean {
  const { intent, sample } = one
  const isTuning = sample.mode === 'tuning' && tunedS < tuningS
  return (
    !isAsleep(sample) &&
    intent.pct > 0 &&
    !intent.isRamp &&
    intent.repair === null &&
    !one.comesUp &&
    !isTuning
  )
}

/** For how many seconds a condition has held up to the last of these samples. What is unknown changes nothing. */
export function held(samples: readonly Kept[], told: (one: Kept) => Told): number {
  let heldS = -1
  for (const one of samples) {
    const now = told(one)
    if (now === 'yes') heldS = heldS < 0 ? 0 : heldS + one.stepS
    if (now === 'no') heldS = -1
  }
  return heldS
}

/** What the pools took and refused of the last half hour, sample by sample. */
export function workOf(samples: readonly Kept[], newest: Kept) {
  const work = { accepted: 0, refused: 0, judged: 0, delivered: 0, reported: 0 }
  for (const [n, { sample, tS, stepS, isRestart }] of samples.entries()) {
    const before = samples[n - 1]?.sample
    if (before === undefined || isRestart || slot(tS, 600) <= slot(newest.tS, 600) - 3) continue
    const accepted = (sample.sharesAccepted ?? 0) - (before.sharesAccepted ?? 0)
    const refused = refusedOf(sample) - refusedOf(before)
    const delivered = (sample.difficultyAccepted ?? 0) - (before.difficultyAccepted ?? 0)
    if (accepted < 0 || refused < 0) continue
    work.accepted += accepted
    work.refused += refused
    if (stepS === 0 || sample.rateNowHs === null || delivered < 0) continue
    work.judged += accepted
    work.delivered += delivered
    work.reported += sample.rateNowHs * stepS
  }
  return work
}
