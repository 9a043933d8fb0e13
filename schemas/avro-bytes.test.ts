import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import * as fc from 'fast-check'
import { LONG_BYTES_MAX, putLong } from './avro-bytes.ts'

const long = avsc.Type.forSchema('long')

test('a long has the bytes that avsc gives it', () => {
  const numbers = fc.oneof(
    fc.nat(200),
    fc.nat(),
    fc.maxSafeNat(),
    fc.constantFrom(2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 52 - 1),
  )
  fc.assert(
    fc.property(numbers, (number) => {
      const bytes = Buffer.alloc(LONG_BYTES_MAX + 3)
      const end = putLong(new DataView(bytes.buffer, bytes.byteOffset), 3, number)
      // avsc refuses longs from 2^52 on that it could not read back.
      const expected = number < 2 ** 52 ? long.toBuffer(number) : zigzag(BigInt(number))
      assert.deepEqual(bytes.subarray(3, end), expected)
    }),
  )
})

test('what is negative is refused', () => {
  assert.throws(() => putLong(new DataView(new ArrayBuffer(10)), 0, -1), RangeError)
})

function zigzag(number: bigint): Buffer {
  const bytes: number[] = []
  let rest = number * 2n
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}
