import { DAY_S } from '../../../../schemas/units.ts'

const HOUR_S = DAY_S / 24
const MINUTE_S = HOUR_S / 60

const DAYS = /^(\d{1,6})\s*days?\b[\s,]*(.*)$/i
const CLOCK = /^(\d{1,6})(?::(\d{1,2}))(?::(\d{1,2}))?(?::(\d{1,2}))?$/
const PARTS = /^(?:\d{1,9}\s*(?:d|h|m|min|s|sec)[a-z]*[\s,]*)+$/i
const PART = /(\d+)\s*([dhms])/gi
const PART_S: Readonly<Record<string, number>> = { d: DAY_S, h: HOUR_S, m: MINUTE_S, s: 1 }

/**
 * Seconds of a duration as a text: `9 days,  4:12` (hours and minutes), `02:05:17:20` (days first), `0:00:03`, `3h 20m`.
 * Null for any other text; a bare number is none.
 */
export function durationS(text: string): number | null {
  const [, days, rest = ''] = DAYS.exec(text.trim()) ?? []
  if (days !== undefined) {
    const more = rest === '' ? 0 : withoutDaysS(rest)
    return more === null ? null : Number(days) * DAY_S + more
  }
  return withoutDaysS(text.trim())
}

function withoutDaysS(text: string): number | null {
  if (PARTS.test(text)) {
    const parts = [...text.matchAll(PART)]
    return parts.reduce(
      (sum, [, count, unit = '']) => sum + Number(count) * (PART_S[unit.toLowerCase()] ?? 0),
      0,
    )
  }
  const numbers = CLOCK.exec(text)
    ?.slice(1)
    .filter((part) => part !== undefined)
    .map(Number)
  if (numbers === undefined) return null
  const [days, hours, minutes, seconds] = inOrder(numbers)
  return days * DAY_S + hours * HOUR_S + minutes * MINUTE_S + seconds
}

/** Two numbers are hours and minutes, three end with seconds, four begin with days. */
function inOrder(numbers: readonly number[]): [number, number, number, number] {
  const [first = 0, second = 0, third = 0, fourth = 0] = numbers
  return numbers.length === 4 ? [first, second, third, fourth] : [0, first, second, third]
}
