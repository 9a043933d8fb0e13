import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { decimalNumber, decimalText, divideHalfEven } from './decimal.ts'

test('halves go to the even neighbour, on both sides of zero', () => {
  const halves = [-25n, -15n, -5n, 5n, 15n, 25n, 35n].map((tenths) => divideHalfEven(tenths, 10n))
  assert.deepEqual(halves, [-2n, -2n, 0n, 0n, 2n, 2n, 4n])
})

test('decimals are exact text without trailing zeros', () => {
  assert.equal(decimalText(290_000_000n, 1_000_000_000n, 9), '0.29')
  assert.equal(decimalText(1n, 1_000_000_000n, 9), '0.000000001')
  assert.equal(decimalText(-1_500_000n, 1_000_000n, 6), '-1.5')
  assert.equal(decimalText(0n, 7n, 4), '0')
  assert.equal(
    decimalText(123_456_789_012_345_678_901_234_567n, 1_000_000_000n, 9),
    '123456789012345678.901234567',
  )
  assert.equal(decimalText(-1n, 1_000_000n, 4), '0')
})

test('a number prints as the decimal it was made from', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 15n), (nanoUsd) => {
      const text = decimalText(nanoUsd, 1_000_000_000n, 4)
      assert.equal(String(decimalNumber(nanoUsd, 1_000_000_000n, 4)), text)
    }),
  )
})

test('rounding is never off by more than a half, and nine decimals of nano-USD lose nothing', () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.bigInt(1n, 10n ** 12n), (numerator, denominator) => {
      const rest = 2n * (numerator - divideHalfEven(numerator, denominator) * denominator)
      assert.ok(rest <= denominator && -rest <= denominator)
    }),
  )
})
