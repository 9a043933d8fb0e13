import { invalidParameter } from '../../http/refusal.ts'
import { formatTime, parseTime, unitLike } from '../../http/times.ts'
import { DAY_MS } from '../../../schemas/units.ts'

export interface RangeQuery {
  readonly from?: string
  readonly to?: string
}

/**
 * The half-open range that a request names: without `to` up to now, without `from` the day before `to`. Throws a Problem
 * that names the parameter at fault.
 */
export function rangeOf(
  query: RangeQuery,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  const toMs = query.to === undefined ? nowMs : timeOf('to', query.to)
  const fromMs = query.from === undefined ? Math.max(0, toMs - DAY_MS) : timeOf('from', query.from)
  if (fromMs >= toMs) throw invalidParameter('from', '"from" must be before "to".')
  return { fromMs, toMs }
}

function timeOf(name: 'from' | 'to', text: string): number {
  const unit = unitLike(text)
  if (unit !== null) {
    const meant = formatTime(unit.timeMs)
    throw invalidParameter(
      name,
      `"${name}" ${text} looks like ${unit.name}: ${meant}. Give milliseconds, ${unit.timeMs}, or RFC 3339.`,
    )
  }
  const timeMs = parseTime(text)
  if (timeMs !== null) return timeMs
  throw invalidParameter(
    name,
    `"${name}" is no time from 1970 to 2105. Give RFC 3339 with an offset or Z (2026-02-20T14:30:00Z), or epoch milliseconds.`,
  )
}
