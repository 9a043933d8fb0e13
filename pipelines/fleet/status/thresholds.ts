import type { Plausibility } from '../live/intended.ts'
import type { NoticeKind } from './notices/kinds.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'

/** When a notification opens and closes. Seconds of observation time. */
export interface NoticeTiming {
  /** So long the condition must hold before a record opens. */
  readonly sustainS: number
  /** The same for the more severe of two levels. */
  readonly severeSustainS: number
  /** So long the condition must be gone before the record closes; what comes back meanwhile belongs to the open record. */
  readonly cooldownS: number
}

/** The limits that a notification compares with. A provider's, or those of one of its models or locations. */
export interface NoticeLimits {
  /** Warn so many degrees below the limit of the model's chips. */
  readonly chipMarginC: number
  readonly boardWarnC: number
  readonly boardSevereC: number
  readonly inletWarnC: number
  readonly inletSevereC: number
  readonly coolantLowWarnC: number
  readonly coolantLowSevereC: number
  readonly riseC: number
  readonly chipsFallingPct: number
  readonly hwErrorPct: number
  readonly fanSpreadPct: number
  readonly restarts: number
  readonly powerWarnPct: number
  readonly powerSeverePct: number
  /** Percent of W* that a machine may use above its target in a window, once it has had `rampDownMs` to obey. */
  readonly notObeyedPct: number
  readonly rampDownMs: number
}

/**
 * Every number that a rule compares with: versions of a provider, model or location, put together by the caller. Percent
 * are of the intended rate H* or watts W* unless said otherwise; …S are seconds of observation time, …Ms of log time.
 */
export interface Thresholds {
  /** A silence counts from max(`silenceMs`, `silenceIntervals` × interval) on, after at least `failedPolls` failed polls. */
  readonly silenceMs: number
  readonly silenceIntervals: number
  readonly failedPolls: number
  /** After a node's return its workers have max(`graceMs`, `graceIntervals` × interval) to be heard. */
  readonly graceMs: number
  readonly graceIntervals: number

  readonly stoppedPct: number
  readonly resumedPct: number
  readonly resumedApartS: number
  readonly notHashingS: number
  readonly noPoolS: number

  readonly boardsS: number
  readonly errorS: number
  readonly errorRatePct: number
  /** So many restarts by fault within `restartsS`, none of them followed by `restartHashingS` of hashing. At most 4. */
  readonly restarts: number
  readonly restartsS: number
  readonly restartHashingS: number
  readonly repairedS: number

  readonly underPct: number
  readonly recoveredPct: number
  /** A cause must be gone for so long before a worker leaves Underperforming. */
  readonly cleanS: number
  readonly dwellMs: number
  readonly tuningS: number
  /** delivered30 below this percent of what was reported, less 100 × `deliveredMargin` ÷ √shares. */
  readonly deliveredPct: number
  readonly deliveredMargin: number
  readonly sharesMin: number
  /** Percent of the shares that the pool refused as wrong or stale. */
  readonly refusedPct: number
  /** Percent of the expected chips. */
  readonly chipsPct: number
  readonly chipsS: number
  /** Percent of the intended joules per hash, at a rate of at least `efficiencyRatePct`, for `efficiencyS`. */
  readonly efficiencyPct: number
  readonly efficiencyRatePct: number
  readonly efficiencyS: number

  readonly plausible: Plausibility
  readonly limits: NoticeLimits
  readonly notices: Readonly<Record<NoticeKind, NoticeTiming>>
}

const MINUTE_S = MINUTE_MS / SECOND_MS
const HOUR_S = 60 * MINUTE_S

function timing(sustainS: number, cooldownS: number, severeSustainS = sustainS): NoticeTiming {
  return { sustainS, severeSustainS, cooldownS }
}

/** A temperature warns after 5 minutes and is severe after 2. */
const HEAT = timing(5 * MINUTE_S, 5 * MINUTE_S, 2 * MINUTE_S)

const LIMITS: NoticeLimits = {
  chipMarginC: 5,
  boardWarnC: 75,
  boardSevereC: 80,
  inletWarnC: 40,
  inletSevereC: 45,
  coolantLowWarnC: 25,
  coolantLowSevereC: 20,
  riseC: 10,
  chipsFallingPct: 97,
  hwErrorPct: 1,
  fanSpreadPct: 70,
  restarts: 2,
  powerWarnPct: 95,
  powerSeverePct: 100,
  notObeyedPct: 20,
  rampDownMs: 5 * MINUTE_MS,
}

const NOTICES: Readonly<Record<NoticeKind, NoticeTiming>> = {
  temperature_chip: HEAT,
  temperature_board: HEAT,
  temperature_inlet: HEAT,
  coolant_low: HEAT,
  temperature_rise: timing(0, 15 * MINUTE_S),
  hashboard: timing(2 * MINUTE_S, 2 * MINUTE_S),
  chips_falling: timing(10 * MINUTE_S, 10 * MINUTE_S),
  hw_errors: timing(30 * MINUTE_S, 30 * MINUTE_S),
  fan_stopped: timing(2 * MINUTE_S, 5 * MINUTE_S),
  fan_spread: timing(5 * MINUTE_S, 10 * MINUTE_S),
  pool_backup: timing(3 * MINUTE_S, 10 * MINUTE_S),
  pool_dead: timing(3 * MINUTE_S, 3 * MINUTE_S),
  pool_foreign: timing(0, 5 * MINUTE_S),
  pool_changed: timing(0, 30 * MINUTE_S),
  pool_redirected: timing(0, 10 * MINUTE_S),
  restarts: timing(0, 0),
  power_over_cap: HEAT,
  unit_suspect: timing(5 * MINUTE_S, 5 * MINUTE_S),
  window_not_obeyed: timing(2 * MINUTE_S, 0),
  status: timing(0, 0),
}

/** What holds where nobody has said otherwise. */
export const DEFAULT_THRESHOLDS: Thresholds = {
  silenceMs: 5 * MINUTE_MS,
  silenceIntervals: 3,
  failedPolls: 3,
  graceMs: 2 * MINUTE_MS,
  graceIntervals: 2,
  stoppedPct: 10,
  resumedPct: 15,
  resumedApartS: 30,
  notHashingS: 5 * MINUTE_S,
  noPoolS: 3 * MINUTE_S,
  boardsS: 30 * MINUTE_S,
  errorS: 10 * MINUTE_S,
  errorRatePct: 95,
  restarts: 3,
  restartsS: 6 * HOUR_S,
  restartHashingS: 30 * MINUTE_S,
  repairedS: HOUR_S,
  underPct: 90,
  recoveredPct: 93,
  cleanS: 10 * MINUTE_S,
  dwellMs: MINUTE_MS,
  tuningS: 12 * HOUR_S,
  deliveredPct: 95,
  deliveredMargin: 3,
  sharesMin: 100,
  refusedPct: 5,
  chipsPct: 90,
  chipsS: HOUR_S,
  efficiencyPct: 115,
  efficiencyRatePct: 50,
  efficiencyS: 5 * MINUTE_S,
  plausible: { nominalMinPct: 20, nominalMaxPct: 130, rateMinPct: 1, rateMaxPct: 200 },
  limits: LIMITS,
  notices: NOTICES,
}
