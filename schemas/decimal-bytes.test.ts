import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { DECIMAL_DIGITS, decimalBytes, decimalOf } from './decimal-bytes.ts'

const MOST = 10n ** BigInt(DECIMAL_DIGITS) - 1n

test('a sum stands in as few bytes as it takes, in two’s complement', () => {
  const known: readonly (readonly [bigint, string])[] = [
    [0n, '00'],
    [1n, '01'],
    [-1n, 'ff'],
    [127n, '7f'],
    [128n, '0080'],
    [-128n, '80'],
    [-129n, 'ff7f'],
    [2n ** 47n - 1n, '7fffffffffff'],
    [2n ** 47n, '00800000000000'],
    [-(2n ** 47n), '800000000000'],
    [-(2n ** 47n) - 1n, 'ff7fffffffffff'],
    [2n ** 63n, '008000000000000000'],
    [-(2n ** 63n), '8000000000000000'],
    [2n ** 64n, '010000000000000000'],
    [MOST, '4b3b4ca85a86c47a098a223fffffffff'],
  ]
  for (const [value, hex] of known) assert.equal(decimalBytes(value).toString('hex'), hex, String(value))
})

test('every sum of 38 digits comes back, and one of more is refused', () => {
  const edges = [47n, 48n, 53n, 63n, 64n, 126n].flatMap((bits) => [
    2n ** bits - 1n,
    2n ** bits,
    2n ** bits + 1n,
  ])
  const edge = fc.constantFrom(...edges, ...edges.map((value) => -value), MOST, -MOST)
  fc.assert(
    fc.property(fc.oneof(fc.bigInt({ min: -MOST, max: MOST }), fc.bigInt(), edge), (value) => {
      if (value > MOST || value < -MOST) assert.throws(() => decimalBytes(value), RangeError)
      else assert.equal(decimalOf(decimalBytes(value)), value)
    }),
    { numRuns: 2_000 },
  )
  for (const value of [MOST + 1n, -MOST - 1n]) assert.throws(() => decimalBytes(value), /at most 38 digits/)
})
