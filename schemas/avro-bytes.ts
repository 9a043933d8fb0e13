/** Most bytes that a long takes. */
export const LONG_BYTES_MAX = 10

/** The largest number that avsc reads back exactly; below the least, twice the number is no exact double any more. */
const LONG_MAX = Number.MAX_SAFE_INTEGER - 1
const LONG_MIN = -(2 ** 52)

/**
 * Writes a long or int of Avro, a length, or the number of a union's branch: zigzag, then seven bits in each byte. Throws a
 * RangeError for what is no whole number from -2^52 to 2^53 - 2. The caller must have made room. Returns the position after
 * it.
 */
export function putLong(view: DataView, at: number, value: number): number {
  if (!Number.isInteger(value) || value > LONG_MAX || value < LONG_MIN) {
    throw new RangeError(`${value} is no long that can be read back.`)
  }
  let place = at
  // This is exact above 2^52 too, because it is even.
  let rest = value < 0 ? -2 * value - 1 : value * 2
  for (; rest >= 2_147_483_648; rest = Math.floor(rest / 128)) view.setUint8(place++, (rest % 128) | 128)
  let word = rest | 0
  for (; word > 127; word >>>= 7) view.setUint8(place++, (word & 127) | 128)
  view.setUint8(place++, word)
  return place
}
