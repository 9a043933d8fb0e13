/** Bytes that a long takes at most. */
export const LONG_BYTES_MAX = 10

/**
 * A long or int of Avro, a length, or the number of a union's branch: zigzag, then seven bits a byte. Takes safe integers
 * that are not negative, and throws a RangeError for others. The caller has made room; returns the place behind it.
 */
export function putLong(view: DataView, at: number, value: number): number {
  if (value < 0) throw new RangeError(`${value} is negative.`)
  let place = at
  // Exact also above 2^52: it is even.
  let rest = value * 2
  for (; rest >= 2_147_483_648; rest = Math.floor(rest / 128)) view.setUint8(place++, (rest % 128) | 128)
  let word = rest | 0
  for (; word > 127; word >>>= 7) view.setUint8(place++, (word & 127) | 128)
  view.setUint8(place++, word)
  return place
}
