import type { TimeRange, WindowCut } from '../../../pipelines/clickhouse/queries/usage-windows.ts'
import { MINUTES_KEPT_DAYS, WINDOWS_MAX } from '../../../schemas/http/usage.ts'
import type { WindowName } from '../../../schemas/http/usage.ts'
import { MINUTE_WINDOW_MS, QUARTER_HOUR_WINDOW_MS } from '../../../schemas/usage.ts'
import { Problem } from '../../http/problem.ts'
import { invalidParameter } from '../../http/refusal.ts'
import { formatTime } from '../../http/times.ts'
import { TimeZone, ceilTo, floorTo, tileLocally } from './local-windows.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../schemas/units.ts'

/** What to read for a range and a window. */
export interface UsagePlan {
  /** The range, widened to whole windows. */
  readonly range: TimeRange
  /** Null: one window over the whole range. */
  readonly windows: { readonly table: 'usage_1m' | 'usage_15m'; readonly cut: WindowCut } | null
  /** End of the window that starts at a time. */
  readonly endOf: (startMs: number) => number
}

/** ClickHouse's clock decides when minutes expire; minutes that are about to expire count as gone. */
const EXPIRY_MARGIN_MS = 5 * MINUTE_MS

const UTC_WINDOW_MS = { '1h': HOUR_MS, '1d': DAY_MS } as const

/** Plans an answer. Throws a Problem (422) for too many windows, windows no longer kept, or an unknown zone. */
export async function planUsage(
  request: TimeRange & { readonly window: WindowName; readonly tz: string },
  nowMs: number,
  pause: () => Promise<void>,
): Promise<UsagePlan> {
  // Gives each of many requests a turn: opening a zone takes a part of a millisecond.
  if (request.tz !== 'UTC') await pause()
  const zone = zoneOf(request.tz)
  const minutesKeptFromMs = nowMs - MINUTES_KEPT_DAYS * DAY_MS + EXPIRY_MARGIN_MS
  if (request.window === 'total') {
    const stepMs = request.fromMs >= minutesKeptFromMs ? MINUTE_WINDOW_MS : QUARTER_HOUR_WINDOW_MS
    const range = widened(request, stepMs)
    return { range, windows: null, endOf: () => range.toMs }
  }
  if (request.window === '1m') {
    if (request.fromMs < minutesKeptFromMs) throw minutesExpired(minutesKeptFromMs)
    return evenWindows('usage_1m', request, MINUTE_WINDOW_MS)
  }
  if (zone.name === 'UTC') return evenWindows('usage_15m', request, UTC_WINDOW_MS[request.window])
  const tiling = await tileLocally(zone, request.window, request, WINDOWS_MAX, pause)
  if (tiling === null) throw tooManyWindows()
  const { starts, endMs } = tiling
  return {
    range: { fromMs: starts[0] ?? endMs, toMs: endMs },
    windows: { table: 'usage_15m', cut: { startsMs: starts } },
    // Computed only when it is needed: most windows of years are empty.
    endOf: (startMs) => starts[after(starts, startMs)] ?? endMs,
  }
}

/** Index of the first of the sorted times that is after `timeMs`. */
function after(sortedMs: readonly number[], timeMs: number): number {
  let low = 0
  let high = sortedMs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sortedMs[middle] as number) <= timeMs) low = middle + 1
    else high = middle
  }
  return low
}

/** More rows than this, windows times groups, are refused like more windows. */
export function tooManyWindows(): Problem {
  return new Problem(
    'too_many_windows',
    `That is more than ${WINDOWS_MAX} windows. Ask for longer windows, a shorter range or fewer groups.`,
  )
}

function evenWindows(table: 'usage_1m' | 'usage_15m', request: TimeRange, lengthMs: number): UsagePlan {
  const range = widened(request, lengthMs)
  if ((range.toMs - range.fromMs) / lengthMs > WINDOWS_MAX) throw tooManyWindows()
  return { range, windows: { table, cut: { lengthMs } }, endOf: (startMs) => startMs + lengthMs }
}

function widened(range: TimeRange, stepMs: number): TimeRange {
  return { fromMs: floorTo(range.fromMs, stepMs), toMs: ceilTo(range.toMs, stepMs) }
}

function zoneOf(tz: string): TimeZone {
  let zone: TimeZone
  try {
    zone = new TimeZone(tz)
  } catch {
    throw invalidParameter('tz', `"tz" is no time zone: ${JSON.stringify(tz)}. Give an IANA name or +hh:mm.`)
  }
  const minutes = /^[+-]\d\d:(\d\d)$/.exec(zone.name)?.[1] ?? '00'
  if (Number(minutes) % 15 === 0) return zone
  throw invalidParameter('tz', '"tz" must be whole quarters of an hour from UTC: usage is kept by these.')
}

function minutesExpired(keptFromMs: number): Problem {
  return new Problem(
    'windows_expired',
    `Minutes are kept ${MINUTES_KEPT_DAYS} days: from ${formatTime(keptFromMs)} on. Ask for window=1h, or a later "from".`,
  )
}
