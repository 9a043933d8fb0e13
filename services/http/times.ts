import { parseRfc3339 } from '../../pipelines/json/rfc3339.ts'
import { SECOND_MS } from '../../schemas/units.ts'

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

const NUMBER = /^(\d+)(\.\d*)?$/

/** Seconds since 1973, which as milliseconds would be the first weeks of 1970: nobody means these. */
const SECONDS_MIN = 100_000_000

/** The same as a time: what is told apart by its unit lies between this and `TIME_MS_MAX`. */
const TIME_MS_MIN_TOLD = SECONDS_MIN * SECOND_MS

/** Units that programs count in since 1970, with what one has of a millisecond. */
const UNITS = [
  { name: 'seconds', perMs: 1 / SECOND_MS },
  { name: 'microseconds', perMs: 1_000 },
  { name: 'nanoseconds', perMs: 1_000_000 },
] as const

/**
 * Another unit than milliseconds that a number looks like, and the time that is meant then; null where it is none or
 * milliseconds will do. A time in seconds is no error by itself: it means January 1970, and an empty answer.
 */
export function unitLike(text: string): { readonly name: string; readonly timeMs: number } | null {
  const [, digits, fraction = ''] = NUMBER.exec(text) ?? []
  if (digits === undefined) return null
  const number = Number(digits)
  const isMs =
    fraction === '' && (number < SECONDS_MIN || number >= TIME_MS_MIN_TOLD) && number <= TIME_MS_MAX
  if (isMs) return null
  for (const { name, perMs } of UNITS) {
    const timeMs = Math.floor(Number(text) / perMs)
    if (timeMs >= TIME_MS_MIN_TOLD && timeMs <= TIME_MS_MAX) return { name, timeMs }
  }
  return null
}

/** RFC 3339 in UTC with milliseconds and Z. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

/** The same, null where there is no time. */
export function formatTimeOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : formatTime(timeMs)
}
