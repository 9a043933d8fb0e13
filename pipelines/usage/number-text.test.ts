import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { scaledDecimal, scaledDouble, wholeDecimal } from './number-text.ts'

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
      // Both refuse the same; a number that is both too large and too precise may be called either.
      if (typeof exact === 'number') assert.equal(double, exact, text)
      else assert.equal(typeof double, 'string', text)
    }),
    { numRuns: 20_000 },
  )
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
