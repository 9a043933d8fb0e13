/** Times as they come in and go out (http-api: "Times"). */

/** From the epoch to the end of what ClickHouse keeps as 32-bit seconds, rounded down to a year. */
export const TIME_MS_MAX = Date.UTC(2106, 0, 1)

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:([Zz])|([+\- ])(\d\d):(\d\d))$/
const EPOCH_MS = /^\d{1,15}$/
const MINUTE_MS = 60_000

/**
 * Milliseconds since the epoch of RFC 3339 text with any offset, or of epoch milliseconds; digits below the millisecond
 * are cut. Null where it is no time from 1970 to 2105 (a 60th second neither). In a URL an unescaped "+" arrives as a
 * blank, and is read as the plus that it was.
 */
export function parseTime(text: string): number | null {
  const timeMs = EPOCH_MS.test(text) ? Number(text) : parseRfc3339(text)
  return timeMs !== null && timeMs >= 0 && timeMs <= TIME_MS_MAX ? timeMs : null
}

function parseRfc3339(text: string): number | null {
  const match = RFC3339.exec(text)
  if (match === null) return null
  const part = (index: number): number => Number(match[index] ?? '0')
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)]
  const offsetHours = part(10)
  const offsetMinutes = part(11)
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) return null
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  const wall = Date.UTC(year, month - 1, day, hour, minute, second, milliseconds)
  // The 31st of a month that has none would be the 1st of the next.
  const date = new Date(wall)
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day)
    return null
  const sign = match[9] === '-' ? -1 : 1
  return wall - sign * (offsetHours * 60 + offsetMinutes) * MINUTE_MS
}

/** RFC 3339 in UTC with milliseconds and Z. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

/** The same, null where there is no time. */
export function formatTimeOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : formatTime(timeMs)
}
