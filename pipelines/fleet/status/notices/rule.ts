import type { Work } from '../../live/shares.ts'
import type { Observation } from '../observe.ts'
import type { NoticeKind, Severity } from './kinds.ts'

/** What a current sample says of a condition: nothing, that it is gone, or at which level it holds. */
export const LEVEL = { unknown: -1, gone: 0, mild: 1, severe: 2 } as const
export type Level = (typeof LEVEL)[keyof typeof LEVEL]

/** A current sample as the rules of notifications see it. */
export interface Sight extends Observation {
  readonly work: Work
  /** By how much chips are warmer than they were in the last 15 minutes; null while the machine comes up. */
  readonly riseC: number | null
  /** The set of pools is another one than before. */
  readonly arePoolsNew: boolean
}

/** One kind of notification. */
export interface NoticeRule {
  readonly kind: Exclude<NoticeKind, 'status'>
  /** Told inside windows and repairs too: somebody may get hurt, or something burn. */
  readonly isSafety: boolean
  /** It is about a window, so that the window itself does not silence it. */
  readonly isOfWindow?: boolean
  readonly severity: Severity
  /** Of the second level; a kind without one never becomes more severe. */
  readonly severeSeverity?: Severity
  readonly judge: (sight: Sight) => Level
  /** What was compared, with what. */
  readonly value: (sight: Sight) => number | null
  readonly threshold: (sight: Sight, level: Level) => number | null
}

/** A level by two limits from below; unknown without a value. */
export function levelFrom(value: number | null, mild: number, severe: number): Level {
  if (value === null) return LEVEL.unknown
  if (value >= severe) return LEVEL.severe
  return value >= mild ? LEVEL.mild : LEVEL.gone
}

/** A level of a condition that has one only; null: unknown. */
export function levelIf(holds: boolean | null): Level {
  if (holds === null) return LEVEL.unknown
  return holds ? LEVEL.mild : LEVEL.gone
}
