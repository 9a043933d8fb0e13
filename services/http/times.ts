import { parseRfc3339 } from '../../pipelines/json/rfc3339.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** Times as they come in and go out (http-api: "Times"). */

/** From the epoch to the end of what ClickHouse keeps as 32-bit seconds, rounded down to a year. */
export const TIME_MS_MAX = Date.UTC(2106, 0, 1)

const EPOCH_MS = /^\d{1,15}$/
const LOST_PLUS = / (?=\d\d:\d\d$)/

/**
 * Milliseconds since the epoch, from RFC 3339 text with any offset or from epoch milliseconds; digits below the
 * millisecond are cut. Null where it is not a time from 1970 to 2105 (a 60th second is none either). In a URL an
 * unescaped "+" arrives as a blank, and is read as the plus that it was.
 */
export function parseTime(text: string): number | null {
  const timeMs = EPOCH_MS.test(text) ? Number(text) : parseRfc3339(text.replace(LOST_PLUS, '+'))
  return timeMs !== null && timeMs >= 0 && timeMs <= TIME_MS_MAX ? timeMs : null
}

const NUMBER = /^(\d+)(\.\d*)?$/

/** Seconds since 1973. As milliseconds they would be the first weeks of 1970, which no client means. */
const SECONDS_MIN = 100_000_000

/** The same as a time: the unit of a number can be recognised between this and `TIME_MS_MAX`. */
const TIME_MS_MIN_TOLD = SECONDS_MIN * SECOND_MS

/** Units in which programs count since 1970, each with its number in a millisecond. */
const UNITS = [
  { name: 'seconds', perMs: 1 / SECOND_MS },
  { name: 'microseconds', perMs: 1_000 },
  { name: 'nanoseconds', perMs: 1_000_000 },
] as const

/**
 * The unit other than milliseconds that a number seems to have, and the time that it then means; null where it seems to
 * have none, or milliseconds are plausible. A time in seconds is not an error by itself: read as milliseconds it means
 * January 1970, and an empty answer.
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
