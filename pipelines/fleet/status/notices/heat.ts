import { UNKNOWN } from '../../live/memory.ts'
import { isMeasured } from '../../live/sample.ts'
import { FACT, hasFact } from '../memory.ts'
import { LEVEL, levelFrom, levelIf } from './rule.ts'
import type { Level, NoticeRule, Sight } from './rule.ts'

/** Notifications of heat, fans and power: safety. Windows and repairs do not silence them. */

const limits = (sight: Sight) => sight.view.context.thresholds.limits
const chipLimit = (sight: Sight) => sight.view.context.model.chipLimitC

/** Fans of a machine that does not hash may stand. */
const hashes = ({ view, sample, r5Hs }: Sight): boolean =>
  hasFact(view.page, view.i, FACT.hashing) && (sample.rateNowHs ?? r5Hs) !== 0 && r5Hs !== UNKNOWN

const isSevere = (level: Level): boolean => level === LEVEL.severe

/** A spread over fans means something only where there are several; one fan stands for itself. */
const spreadPct = ({ sample }: Sight): number | null =>
  sample.fanMinRpm === null || sample.fanMaxRpm === null || sample.fanMaxRpm === 0
    ? null
    : (sample.fanMinRpm * 100) / sample.fanMaxRpm

const capPct = ({ sample, view }: Sight): number | null => {
  const { powerCapW } = view.context
  if (powerCapW === null || powerCapW === 0 || sample.powerW === null) return null
  return isMeasured(sample.powerSource) ? (sample.powerW * 100) / powerCapW : null
}

/** The air that comes in, or the water. */
const inletC = ({ sample }: Sight): number | null => sample.inletC ?? sample.coolantInC

const severeToo = { isSafety: true, severity: 'warning', severeSeverity: 'critical' } as const

export const SAFETY_NOTICES: readonly NoticeRule[] = [
  {
    kind: 'temperature_chip',
    ...severeToo,
    judge: (sight) => {
      const limit = chipLimit(sight)
      if (limit === null) return LEVEL.unknown
      return levelFrom(sight.sample.chipMaxC, limit - limits(sight).chipMarginC, limit)
    },
    value: ({ sample }) => sample.chipMaxC,
    threshold: (sight, level) => (chipLimit(sight) ?? 0) - (isSevere(level) ? 0 : limits(sight).chipMarginC),
  },
  {
    kind: 'temperature_board',
    ...severeToo,
    judge: (sight) => levelFrom(sight.sample.boardMaxC, limits(sight).boardWarnC, limits(sight).boardSevereC),
    value: ({ sample }) => sample.boardMaxC,
    threshold: (sight, level) => (isSevere(level) ? limits(sight).boardSevereC : limits(sight).boardWarnC),
  },
  {
    kind: 'temperature_inlet',
    ...severeToo,
    judge: (sight) => levelFrom(inletC(sight), limits(sight).inletWarnC, limits(sight).inletSevereC),
    value: inletC,
    threshold: (sight, level) => (isSevere(level) ? limits(sight).inletSevereC : limits(sight).inletWarnC),
  },
  {
    kind: 'coolant_low',
    ...severeToo,
    judge: (sight) => {
      const { coolantLowWarnC, coolantLowSevereC } = limits(sight)
      const { coolantInC } = sight.sample
      return levelFrom(coolantInC === null ? null : -coolantInC, -coolantLowWarnC, -coolantLowSevereC)
    },
    value: ({ sample }) => sample.coolantInC,
    threshold: (sight, level) =>
      isSevere(level) ? limits(sight).coolantLowSevereC : limits(sight).coolantLowWarnC,
  },
  {
    kind: 'temperature_rise',
    isSafety: true,
    severity: 'warning',
    judge: (sight) => levelIf(sight.riseC === null ? null : sight.riseC >= limits(sight).riseC),
    value: ({ riseC }) => riseC,
    threshold: (sight) => limits(sight).riseC,
  },
  {
    kind: 'fan_stopped',
    isSafety: true,
    severity: 'critical',
    judge: (sight) => {
      const { fanMinRpm } = sight.sample
      if (fanMinRpm === null) return LEVEL.unknown
      return fanMinRpm > 0 ? LEVEL.gone : hashes(sight) ? LEVEL.mild : LEVEL.unknown
    },
    value: ({ sample }) => sample.fanMinRpm,
    threshold: () => 0,
  },
  {
    kind: 'fan_spread',
    isSafety: true,
    severity: 'warning',
    judge: (sight) => {
      const pct = spreadPct(sight)
      return pct === null || !hashes(sight) ? LEVEL.unknown : levelIf(pct < limits(sight).fanSpreadPct)
    },
    value: spreadPct,
    threshold: (sight) => limits(sight).fanSpreadPct,
  },
  {
    kind: 'power_over_cap',
    ...severeToo,
    judge: (sight) => levelFrom(capPct(sight), limits(sight).powerWarnPct, limits(sight).powerSeverePct),
    value: ({ sample }) => sample.powerW,
    threshold: (sight, level) => {
      const pct = isSevere(level) ? limits(sight).powerSeverePct : limits(sight).powerWarnPct
      return ((sight.view.context.powerCapW ?? 0) * pct) / 100
    },
  },
]
