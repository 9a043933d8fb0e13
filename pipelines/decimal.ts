/**
 * Fractions of integers as decimal text. Money and sums never pass through a double: a double shows 0.1 + 0.2 wrong, and a
 * rounded sum is not the sum of the rounded values.
 */

/** `numerator / denominator` as an integer, with halves rounded to the even neighbour. `denominator` is above 0. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n
  const size = negative ? -numerator : numerator
  const whole = size / denominator
  const twiceRest = (size - whole * denominator) * 2n
  const up = twiceRest > denominator || (twiceRest === denominator && whole % 2n === 1n)
  const rounded = up ? whole + 1n : whole
  return negative ? -rounded : rounded
}

/** `numerator / denominator` with at most `decimals` decimals, half-even, without trailing zeros: "4.82", "-0.5", "3". */
export function decimalText(numerator: bigint, denominator: bigint, decimals: number): string {
  const scaled = divideHalfEven(numerator * 10n ** BigInt(decimals), denominator)
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return `${scaled < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** The same as a number: the double nearest to the rounded decimal, which prints as that decimal. */
export function decimalNumber(numerator: bigint, denominator: bigint, decimals: number): number {
  return Number(decimalText(numerator, denominator, decimals))
}
