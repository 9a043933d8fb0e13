/** Decimal numbers, read exactly: from their text where a double would round them. */

/**
 * Decimals of up to 15 digits correspond one to one to their doubles, so such a number is exactly what was written. With
 * more digits, or an exponent, the text itself must be read.
 */
export const DIGITS_EXACT_MAX = 15

/** A JSON number whose double may differ from what was written; its text does not. */
export class NumberText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type DecimalFault = 'out_of_range' | 'too_precise'

const PARTS = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/**
 * The value of a decimal text × 10^`decimals` as an exact integer in `[0, max]` (max below 2^53), or what is wrong with it.
 * Every digit below the last decimal must be zero: nothing is rounded. The text is one that JSON allows.
 */
export function scaledDecimal(text: string, decimals: number, max: number): number | DecimalFault {
  const [, sign, whole, fraction = '', exponent = '0'] = PARTS.exec(text) ?? []
  if (whole === undefined) throw new Error(`Not a decimal number: ${text.slice(0, 40)}`)
  const digits = `${whole}${fraction}`
  const significant = trimZeros(digits)
  if (significant === '') return 0
  if (sign === '-') return 'out_of_range'
  const trailingZeros = digits.length - digits.lastIndexOf(significant.at(-1) as string) - 1
  const shift = Number(exponent) - fraction.length + trailingZeros + decimals
  if (significant.length + shift > INTEGER_DIGITS_MAX) return 'out_of_range'
  if (shift < 0) return 'too_precise'
  const value = Number(significant + '0'.repeat(shift))
  return value > max ? 'out_of_range' : value
}

/** Most digits that an amount may have, written out: a decimal of 128 bits holds 38. */
export const AMOUNT_DIGITS_MAX = 40

/** Whether a decimal text has no more digits than an amount may have. Leading zeros count too. */
export function hasAmountDigits(text: string): boolean {
  if (text.length <= AMOUNT_DIGITS_MAX) return true
  const [, , whole = '', fraction = ''] = PARTS.exec(text) ?? []
  return whole.length + fraction.length <= AMOUNT_DIGITS_MAX
}

/**
 * The value of a decimal text × 10^`decimals`, rounded half-even to an integer in `[0, max]` (max below 2^53). It is
 * rounded once, from the digits as they were written. A value above `max` is out of range, even where it would be rounded
 * to `max`.
 */
export function roundedDecimal(text: string, decimals: number, max: number): number | 'out_of_range' {
  const exact = scaledDecimal(text, decimals, max)
  if (exact !== 'too_precise') return exact
  const [, , whole = '', fraction = '', exponent = '0'] = PARTS.exec(text) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const kept = digits.length - fraction.length + Number(exponent) + decimals
  // The value is below a tenth of the unit.
  if (kept < 0) return 0
  const floor = Number(digits.slice(0, kept))
  const dropped = digits.slice(kept)
  if (floor >= max) return 'out_of_range'
  return isUp(dropped, floor) ? floor + 1 : floor
}

/** Whether the dropped digits are more than half of the unit, or exactly half of it after an odd number. */
function isUp(dropped: string, floor: number): boolean {
  const isHalf = /^50*$/.test(dropped)
  return isHalf ? floor % 2 === 1 : dropped >= '5'
}

/** The whole part of a decimal text; the fraction is cut off. Infinite where it is beyond 2^53. */
export function wholeDecimal(text: string): number {
  const [, sign, whole, fraction = '', exponent = '0'] = PARTS.exec(text) ?? []
  if (whole === undefined) throw new Error(`Not a decimal number: ${text.slice(0, 40)}`)
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const wholeDigits = digits.length - fraction.length + Number(exponent)
  if (digits === '' || wholeDigits <= 0) return 0
  const value =
    wholeDigits > INTEGER_DIGITS_MAX
      ? Number.POSITIVE_INFINITY
      : Number(digits.slice(0, wholeDigits).padEnd(wholeDigits, '0'))
  return sign === '-' ? -value : value
}

/** 2^53 has 16 digits. */
const INTEGER_DIGITS_MAX = 16

/** The digits without leading and trailing zeros. */
function trimZeros(digits: string): string {
  let start = 0
  while (digits[start] === '0') start += 1
  let end = digits.length
  while (end > start && digits[end - 1] === '0') end -= 1
  return digits.slice(start, end)
}

const UNITS = { 0: 1, 6: 1e6, 9: 1e9 } as const

/**
 * The same as `scaledDecimal` for a double that is exactly what was written (at most 15 digits). `max` / 10^`decimals` is
 * at most 10^15 of the smallest unit, so that k / 10^decimals gives the written double for exactly one integer k, if any.
 */
export function scaledDouble(value: number, decimals: 0 | 6 | 9, max: number): number | DecimalFault {
  const unit = UNITS[decimals]
  if (!(value >= 0 && value <= max / unit)) return 'out_of_range'
  const scaled = Math.round(value * unit)
  return scaled / unit === value ? scaled + 0 : 'too_precise'
}
