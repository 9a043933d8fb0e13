import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../schemas/units.ts'

/** Times as clients write them: RFC 3339 with any offset. */

const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

/**
 * Epoch milliseconds of an RFC 3339 time, or null where the text is not one. Digits below the millisecond are cut off.
 * Second 60 is refused, because no epoch millisecond corresponds to it.
 */
export function parseRfc3339(text: string): number | null {
  // 0123-56-89T12:45:78
  if (text.length < 20 || !isShaped(text)) return null
  const year = digitsAt(text, 0, 4)
  const month = digitsAt(text, 5, 2)
  const day = digitsAt(text, 8, 2)
  const hour = digitsAt(text, 11, 2)
  const minute = digitsAt(text, 14, 2)
  const second = digitsAt(text, 17, 2)
  // Each of these comparisons fails for NaN, which stands for a missing digit.
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysOfMonth(year, month))) return null
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return null

  let at = 19
  let millisecond = 0
  if (text.charCodeAt(at) === DOT) {
    const first = at + 1
    at = first
    while (isDigit(text.charCodeAt(at))) at += 1
    if (at === first) return null
    millisecond = digitsAt(text.slice(first, at).padEnd(3, '0'), 0, 3)
  }
  const offsetMs = parseOffset(text, at)
  if (offsetMs === null) return null
  const timeOfDayMs = ((hour * 60 + minute) * 60 + second) * SECOND_MS + millisecond
  return daysSinceEpoch(year, month, day) * DAY_MS + timeOfDayMs - offsetMs
}

const DOT = 0x2e
const COLON = 0x3a
const DASH = 0x2d
const PLUS = 0x2b
const ZERO = 0x30
const NINE = 0x39
const LETTER_T = 0x74
const LETTER_Z = 0x7a
const LOWER_CASE = 0x20

function isShaped(text: string): boolean {
  return (
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    (text.charCodeAt(10) | LOWER_CASE) === LETTER_T &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON
  )
}

/** `Z`, or the hours and minutes by which local time is ahead of UTC; null where the text does not end with either. */
function parseOffset(text: string, at: number): number | null {
  const sign = text.charCodeAt(at)
  if ((sign | LOWER_CASE) === LETTER_Z) return text.length === at + 1 ? 0 : null
  if ((sign !== PLUS && sign !== DASH) || text.length !== at + 6 || text.charCodeAt(at + 3) !== COLON)
    return null
  const hours = digitsAt(text, at + 1, 2)
  const minutes = digitsAt(text, at + 4, 2)
  if (!(hours <= 23 && minutes <= 59)) return null
  const offsetMs = (hours * 60 + minutes) * MINUTE_MS
  return sign === PLUS ? offsetMs : -offsetMs
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE
}

/** The number that `count` digits make, or NaN where one of them is no digit. */
function digitsAt(text: string, from: number, count: number): number {
  let value = 0
  for (let at = from; at < from + count; at += 1) {
    const code = text.charCodeAt(at)
    if (!isDigit(code)) return Number.NaN
    value = value * 10 + (code - ZERO)
  }
  return value
}

function daysOfMonth(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && isLeap ? 29 : (DAYS_OF_MONTH[month - 1] as number)
}

/** Days of the proleptic Gregorian calendar. Years are counted from March, so that the leap day comes last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year
  const monthFromMarch = (month + 9) % 12
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400)
  return marchYear * 365 + leapDays + dayOfYear - DAYS_TO_EPOCH
}

/** Days from 0000-03-01 to 1970-01-01. */
const DAYS_TO_EPOCH = 719_468
