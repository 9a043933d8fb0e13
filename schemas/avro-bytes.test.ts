import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import * as fc from 'fast-check'
import { LONG_BYTES_MAX, putLong } from './avro-bytes.ts'

const long = avsc.Type.forSchema('long')

test('a long has the bytes that avsc gives it', () => {
  const numbers = fc.oneof(
    fc.nat(200),
    fc.integer(),
    fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 2 }),
    fc.constantFrom(-1, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 52, 2 ** 53 - 2, -(2 ** 31), -(2 ** 52)),
  )
  fc.assert(
    fc.property(numbers, (number) => {
      const bytes = Buffer.alloc(LONG_BYTES_MAX + 3)
      const end = putLong(new DataView(bytes.buffer, bytes.byteOffset), 3, number)
      assert.deepEqual(bytes.subarray(3, end), long.toBuffer(number))
      assert.equal(long.fromBuffer(bytes.subarray(3, end)), number)
    }),
  )
})

test('what cannot be read back is refused', () => {
  const view = new DataView(new ArrayBuffer(LONG_BYTES_MAX))
  for (const number of [Number.NaN, Infinity, 0.5, 1.5, 2 ** 53 - 1, 2 ** 53, -(2 ** 52) - 1]) {
    assert.throws(() => putLong(view, 0, number), RangeError, String(number))
  }
})
