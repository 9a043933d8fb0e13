import { Refusal } from '../../json/refusal.ts'
import { AMOUNT_DIGITS_MAX, NumberText } from '../../json/number-text.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

/** Other units in which programs count since 1970, each with the milliseconds in one of them. */
const UNITS = [
  { name: 'seconds', ms: SECOND_MS },
  { name: 'microseconds', ms: 1e-3 },
  { name: 'nanoseconds', ms: 1e-6 },
] as const

/**
 * The answer where a number that should be epoch milliseconds is too old or in the future according to `problem`: it names
 * the number as it was sent, and the unit that it looks like. A time in another form keeps its problem.
 */
export function timeProblem(value: unknown, receiptMs: number, problem: Refusal | null): Refusal | null {
  if (problem === null || !(typeof value === 'number' || value instanceof NumberText)) return problem
  const text = value instanceof NumberText ? value.text : String(value)
  const number = Number(text)
  const unit = UNITS.find(({ ms }) => number * ms > receiptMs / 2 && number * ms < receiptMs * 2)
  if (unit === undefined && Math.abs(number) <= Number.MAX_SAFE_INTEGER) return problem
  const looks = unit === undefined ? 'no time that clocks show' : `${unit.name} since 1970`
  return new Refusal(
    'invalid_time',
    problem.path,
    `Is ${text.slice(0, AMOUNT_DIGITS_MAX)}, which looks like ${looks}: give milliseconds, or RFC 3339.`,
  )
}
