import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { hasAmountDigits, roundedDecimal, scaledDecimal, scaledDouble, wholeDecimal } from './number-text.ts'

const NANO_MAX = 1e15

test('decimal text is scaled exactly or refused', () => {
  for (const [text, expected] of [
    ['0', 0],
    ['-0', 0],
    ['0.000', 0],
    ['0e999999999999', 0],
    ['0.29', 290_000_000],
    ['0.2900000000', 290_000_000],
    ['0.29000000000000000000000000000000000000', 290_000_000],
    ['0.0000000001', 'too_precise'],
    ['0.2900000001', 'too_precise'],
    ['1e-9', 1],
    ['1E-10', 'too_precise'],
    ['10e-10', 1],
    ['2.9e-1', 290_000_000],
    ['29E+2', 2_900_000_000_000],
    ['1000000', NANO_MAX],
    ['1e6', NANO_MAX],
    ['1000000.000000001', 'out_of_range'],
    ['1000000.0000000001', 'too_precise'],
    ['999999.999999999', 999_999_999_999_999],
    ['-0.000000001', 'out_of_range'],
    ['1e400', 'out_of_range'],
    ['1e-400', 'too_precise'],
    ['1e99999999999999999999', 'out_of_range'],
    ['1e-99999999999999999999', 'too_precise'],
    ['9'.repeat(4_000), 'out_of_range'],
  ] as const) {
    assert.equal(scaledDecimal(text, 9, NANO_MAX), expected, text)
  }
  assert.throws(() => scaledDecimal('1,5', 9, NANO_MAX))
})

test('doubles of up to 15 digits are scaled as their text', () => {
  const cases = fc.tuple(
    fc.integer({ min: 0, max: 999_999_999_999_999 }),
    fc.integer({ min: 0, max: 14 }),
    fc.constantFrom<6 | 9>(6, 9),
  )
  fc.assert(
    fc.property(cases, ([digits, decimals, scale]) => {
      const padded = String(digits).padStart(decimals + 1, '0')
      const text = `${padded.slice(0, padded.length - decimals)}.${padded.slice(padded.length - decimals)}0`
      const max = scale === 9 ? NANO_MAX : 1e12
      const double = scaledDouble(Number(text), scale, max)
      const exact = scaledDecimal(text, scale, max)
      // Both refuse the same texts; a number that is both too large and too precise may get either code.
      if (typeof exact === 'number') assert.equal(double, exact, text)
      else assert.equal(typeof double, 'string', text)
    }),
    { numRuns: 20_000 },
  )
})

test('amounts are rounded half-even, once, from their digits', () => {
  for (const [text, expected] of [
    ['0.00022500000000000002', 225_000],
    ['0.0000000005', 0],
    ['0.00000000050', 0],
    ['0.00000000050000000000000000000001', 1],
    ['0.0000000015', 2],
    ['0.0000000025', 2],
    ['0.00000000249999999999', 2],
    ['15e-10', 2],
    ['2.5E-9', 2],
    ['1e-10', 0],
    ['9e-10', 1],
    ['5e-10', 0],
    ['1e-400', 0],
    ['1e-99999999999999999999', 0],
    ['0e999999', 0],
    ['999999.9999999994', 999_999_999_999_999],
    ['999999.9999999996', NANO_MAX],
    ['1000000', NANO_MAX],
    ['1000000.0000000000000001', 'out_of_range'],
    ['1e400', 'out_of_range'],
    ['-1e-30', 'out_of_range'],
    ['-0.0', 0],
  ] as const) {
    assert.equal(roundedDecimal(text, 9, NANO_MAX), expected, text)
  }
})

test('rounding is that of exact fractions', () => {
  const parts = fc.tuple(
    fc.bigInt({ min: 0n, max: 10n ** 39n }),
    fc.integer({ min: -60, max: 6 }),
    fc.constantFrom<0 | 6 | 9>(0, 6, 9),
  )
  fc.assert(
    fc.property(parts, ([digits, exponent, decimals]) => {
      const text = `${digits}e${exponent}`
      const power = exponent + decimals
      const [dividend, divisor] =
        power < 0 ? [digits, 10n ** BigInt(-power)] : [digits * 10n ** BigInt(power), 1n]
      const whole = dividend / divisor
      const twice = (dividend % divisor) * 2n
      const isUp = twice > divisor || (twice === divisor && whole % 2n === 1n)
      const isOver = dividend > BigInt(NANO_MAX) * divisor
      const expected = isOver ? 'out_of_range' : Number(isUp ? whole + 1n : whole)
      assert.equal(roundedDecimal(text, decimals, NANO_MAX), expected, text)
    }),
    { numRuns: 20_000 },
  )
})

test('AMOUNT_DIGITS_MAX: digits are counted as they are written, exponents are none', () => {
  assert.ok(hasAmountDigits('1'.repeat(40)))
  assert.ok(hasAmountDigits(`-0.${'1'.repeat(39)}e-123456789`))
  assert.ok(!hasAmountDigits('1'.repeat(41)))
  assert.ok(!hasAmountDigits(`0.${'0'.repeat(40)}`))
})

test('doubles at the bounds', () => {
  assert.equal(scaledDouble(1_000_000, 9, NANO_MAX), NANO_MAX)
  assert.equal(scaledDouble(1_000_000.00000001, 9, NANO_MAX), 'out_of_range')
  assert.equal(scaledDouble(999_999.999999999, 9, NANO_MAX), 999_999_999_999_999)
  assert.equal(scaledDouble(1e-9, 9, NANO_MAX), 1)
  assert.equal(scaledDouble(1e-10, 9, NANO_MAX), 'too_precise')
  assert.equal(scaledDouble(-1e-9, 9, NANO_MAX), 'out_of_range')
  assert.ok(Object.is(scaledDouble(-0, 9, NANO_MAX), 0))
  assert.equal(scaledDouble(Number.NaN, 9, NANO_MAX), 'out_of_range')
})

test('the whole part is cut, never rounded', () => {
  for (const [text, expected] of [
    ['1771597800123.99999999999999999999', 1_771_597_800_123],
    ['1.771597800123e12', 1_771_597_800_123],
    ['177159780012.39e1', 1_771_597_800_123],
    ['1771597800123999e-3', 1_771_597_800_123],
    ['0.00123e5', 123],
    ['0.9', 0],
    ['1e-5', 0],
    ['-1771597800123.5', -1_771_597_800_123],
    ['1e300', Number.POSITIVE_INFINITY],
    ['-1e300', Number.NEGATIVE_INFINITY],
    ['000', 0],
  ] as const) {
    assert.equal(wholeDecimal(text), expected, text)
  }
})
