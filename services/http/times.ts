import { parseRfc3339 } from '../../pipelines/usage/rfc3339.ts'

/** Times as they come in and go out (http-api: "Times"). */

/** From the epoch to the end of what ClickHouse keeps as 32-bit seconds, rounded down to a year. */
export const TIME_MS_MAX = Date.UTC(2106, 0, 1)

const EPOCH_MS = /^\d{1,15}$/
const LOST_PLUS = / (?=\d\d:\d\d$)/

/**
 * Milliseconds since the epoch of RFC 3339 text with any offset, or of epoch milliseconds; digits below the millisecond
 * are cut. Null where it is no time from 1970 to 2105 (a 60th second neither). In a URL an unescaped "+" arrives as a
 * blank, and is read as the plus that it was.
 */
export function parseTime(text: string): number | null {
  const timeMs = EPOCH_MS.test(text) ? Number(text) : parseRfc3339(text.replace(LOST_PLUS, '+'))
  return timeMs !== null && timeMs >= 0 && timeMs <= TIME_MS_MAX ? timeMs : null
}

/** RFC 3339 in UTC with milliseconds and Z. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

/** The same, null where there is no time. */
export function formatTimeOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : formatTime(timeMs)
}
