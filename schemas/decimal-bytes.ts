import avsc from 'avsc'

/**
 * Sums with a bound that is never reached, as Avro's `decimal` of 38 digits: the whole number in two's complement,
 * big-endian, in as few bytes as it takes. 10^6 events a second of one node, each at every upper bound, add up to less than
 * 10^31 in 100 years.
 */

/** Digits of a sum. */
export const DECIMAL_DIGITS = 38
const DECIMAL_END = 10n ** BigInt(DECIMAL_DIGITS)

/** Up to this many bytes a double is used: most numbers are small, and a double is read and written ten times as fast. */
const SMALL_BYTES = 6
const SMALL_END = 2n ** 47n

/** The bytes of a sum. Throws a RangeError where it has more than 38 digits. */
export function decimalBytes(value: bigint): Buffer {
  if (value >= DECIMAL_END || value <= -DECIMAL_END) {
    throw new RangeError(`A sum has at most ${DECIMAL_DIGITS} digits, not ${value}.`)
  }
  if (value < SMALL_END && value >= -SMALL_END) return smallBytes(Number(value))
  const bytes = Buffer.alloc(16)
  bytes.writeBigInt64BE(value >> 64n, 0)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value), 8)
  return bytes.subarray(firstByte(bytes))
}

function smallBytes(value: number): Buffer {
  let size = 1
  while (size < SMALL_BYTES && (value >= 2 ** (8 * size - 1) || value < -(2 ** (8 * size - 1)))) size++
  const bytes = Buffer.alloc(size)
  bytes.writeIntBE(value, 0, size)
  return bytes
}

/** The position at which the number begins: bytes before it repeat its sign. */
function firstByte(bytes: Buffer): number {
  let at = 0
  for (; at < bytes.length - 1; at++) {
    const isNegative = ((bytes[at + 1] ?? 0) & 0x80) !== 0
    if (bytes[at] !== (isNegative ? 0xff : 0)) break
  }
  return at
}

/** The sum in these bytes; 0 where there are none. */
export function decimalOf(bytes: Buffer): bigint {
  const { length } = bytes
  if (length === 0) return 0n
  if (length <= SMALL_BYTES) return BigInt(bytes.readIntBE(0, length))
  return BigInt.asIntN(8 * length, BigInt(`0x${bytes.toString('hex')}`))
}

/** For avsc: `bytes` with the `logicalType` decimal are read and written as bigints. */
export class DecimalType extends avsc.types.LogicalType {
  override _fromValue(bytes: Buffer): bigint {
    return decimalOf(bytes)
  }

  override _toValue(value: unknown): Buffer | undefined {
    return typeof value === 'bigint' ? decimalBytes(value) : undefined
  }
}
