import { DAY_MS, MINUTE_MS } from '../../../../schemas/units.ts'
import { invalidParameter } from '../../../http/refusal.ts'
import { CHART_BUCKETS } from './buckets.ts'

/** The longest range of a chart or an uptime: minutes are kept for 45 days. */
export const CHART_DAYS_MAX = 31

/** A slot settles at most 10 minutes after its end, and its minute leaves with the next full one: older minutes are whole. */
export const WHOLE_AFTER_MS = 11 * MINUTE_MS

/** A range of whole buckets, and how long each of them is: as many minutes as `CHART_BUCKETS` of them need. */
export interface ChartRange {
  readonly range: { readonly fromMs: number; readonly toMs: number }
  readonly lengthMs: number
}

/** The range that is asked for, widened to whole buckets. Throws a Problem (422) where it is too long. */
export function chartRange({ fromMs, toMs }: ChartRange['range']): ChartRange {
  if (toMs - fromMs > CHART_DAYS_MAX * DAY_MS)
    throw invalidParameter('from', `The range is longer than ${CHART_DAYS_MAX} days: ask for a shorter one.`)
  const lengthMs = Math.ceil((toMs - fromMs) / CHART_BUCKETS / MINUTE_MS) * MINUTE_MS
  const range = {
    fromMs: Math.floor(fromMs / lengthMs) * lengthMs,
    toMs: Math.ceil(toMs / lengthMs) * lengthMs,
  }
  return { range, lengthMs }
}

/** Up to when minutes are whole where blocks are loaded up to this watermark; null where nothing is. */
export function wholeTo(watermarkMs: number | null): number | null {
  return watermarkMs === null ? null : watermarkMs - WHOLE_AFTER_MS
}
