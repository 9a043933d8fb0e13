import { UNKNOWN } from '../../live/memory.ts'
import { deliveredPct } from '../../live/shares.ts'
import { boardsMissing, recentRestarts } from '../broken.ts'
import { deliveredJudgement } from '../underperforming.ts'
import { LEVEL, levelIf } from './rule.ts'
import type { NoticeRule, Sight } from './rule.ts'

/** Notifications of faults, pools and windows: silent while a window or a repair is on. */

const limits = (sight: Sight) => sight.view.context.thresholds.limits
const ordinary = { isSafety: false, severity: 'warning' } as const

/** A condition that is a fault only where it would be one; that it is gone is believed at any time. */
const faultIf = (sight: Sight, isFault: boolean | null) =>
  isFault === true && !sight.isJudged ? LEVEL.unknown : levelIf(isFault)

const chipsPct = ({ sample: { chipsOnline, chipsExpected } }: Sight): number | null =>
  chipsOnline === null || chipsExpected === null || chipsExpected === 0
    ? null
    : (chipsOnline * 100) / chipsExpected

/** What a machine uses in percent of what it is meant to: its watts, or its rate where it tells no watts. */
const usedPct = ({ sample, view, r5Hs }: Sight): number | null => {
  if (sample.powerW !== null && view.intendedW > 0) return (sample.powerW * 100) / view.intendedW
  return r5Hs === UNKNOWN || view.intendedHs === 0 ? null : (r5Hs * 100) / view.intendedHs
}

const allowedPct = (sight: Sight): number => sight.view.window.targetPct + limits(sight).notObeyedPct

const hasHadTime = (sight: Sight): boolean =>
  sight.sample.tMs - sight.view.window.fellAtMs >= limits(sight).rampDownMs

const FAULTS: readonly NoticeRule[] = [
  {
    kind: 'hashboard',
    isSafety: false,
    severity: 'critical',
    judge: (sight) => {
      const missing = boardsMissing(sight)
      return faultIf(sight, missing === null ? null : missing > 0)
    },
    value: ({ sample }) => sample.boardsOnline,
    threshold: ({ sample }) => sample.boardsExpected,
  },
  {
    kind: 'chips_falling',
    ...ordinary,
    judge: (sight) => {
      const pct = chipsPct(sight)
      return faultIf(sight, pct === null ? null : pct < limits(sight).chipsFallingPct)
    },
    value: ({ sample }) => sample.chipsOnline,
    threshold: (sight) => ((sight.sample.chipsExpected ?? 0) * limits(sight).chipsFallingPct) / 100,
  },
  {
    kind: 'hw_errors',
    ...ordinary,
    judge: (sight) => {
      const { hwErrorRatio } = sight.sample
      return levelIf(hwErrorRatio === null ? null : hwErrorRatio * 100 > limits(sight).hwErrorPct)
    },
    value: ({ sample }) => sample.hwErrorRatio,
    threshold: (sight) => limits(sight).hwErrorPct / 100,
  },
  {
    kind: 'restarts',
    ...ordinary,
    judge: (sight) => levelIf(recentRestarts(sight) >= limits(sight).restarts),
    value: recentRestarts,
    threshold: (sight) => limits(sight).restarts,
  },
  {
    kind: 'unit_suspect',
    ...ordinary,
    judge: ({ isUnitSuspect, r5Hs }) =>
      isUnitSuspect ? LEVEL.mild : r5Hs === UNKNOWN ? LEVEL.unknown : LEVEL.gone,
    value: ({ sample }) => sample.rateNowHs ?? sample.rate5mHs,
    threshold: ({ view }) => view.intendedHs,
  },
]

const POOLS: readonly NoticeRule[] = [
  {
    kind: 'pool_backup',
    ...ordinary,
    judge: ({ sample, isIntended }) =>
      levelIf(sample.activePoolPriority === null || !isIntended ? null : sample.activePoolPriority > 0),
    value: ({ sample }) => sample.activePoolPriority,
    threshold: () => 0,
  },
  {
    kind: 'pool_dead',
    isSafety: false,
    severity: 'critical',
    judge: ({ sample, isIntended }) =>
      levelIf(sample.poolsAlive === null || !isIntended ? null : sample.poolsAlive === 0),
    value: ({ sample }) => sample.poolsAlive,
    threshold: () => 0,
  },
  {
    kind: 'pool_foreign',
    isSafety: false,
    severity: 'critical',
    judge: ({ sample }) => levelIf(sample.arePoolsAllowed === null ? null : !sample.arePoolsAllowed),
    value: () => null,
    threshold: () => null,
  },
  {
    kind: 'pool_changed',
    isSafety: false,
    severity: 'info',
    judge: ({ arePoolsNew, sample }) => levelIf(sample.poolsDigest === null ? null : arePoolsNew),
    value: () => null,
    threshold: () => null,
  },
  {
    kind: 'pool_redirected',
    ...ordinary,
    judge: (sight) => {
      const verdict = sight.isMeasured ? deliveredJudgement(sight, sight.work) : 'unknown'
      return verdict === 'unknown' ? LEVEL.unknown : levelIf(verdict === 'holds')
    },
    value: (sight) => deliveredPct(sight.work, sight.view.context.model.shareMultiplier),
    threshold: (sight) => sight.view.context.thresholds.deliveredPct,
  },
]

const WINDOWS: readonly NoticeRule[] = [
  {
    kind: 'window_not_obeyed',
    isSafety: false,
    isOfWindow: true,
    severity: 'critical',
    judge: (sight) => {
      const { window } = sight.view
      if (!window.isActive || !hasHadTime(sight)) return LEVEL.gone
      const used = usedPct(sight)
      return levelIf(used === null ? null : used > allowedPct(sight))
    },
    value: usedPct,
    threshold: allowedPct,
  },
]

export const OTHER_NOTICES: readonly NoticeRule[] = [...FAULTS, ...POOLS, ...WINDOWS]
