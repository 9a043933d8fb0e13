import { isUtf8 } from 'node:buffer'

/** Bytes that are none of the schema's: nothing can be read after them. */
export class NotPacked extends Error {
  override readonly name = 'NotPacked'
}

/** Bytes of a 64-bit number at most. */
const LONG_BYTES_MAX = 10

/** The only byte that a number of the most bytes may end with: its 64th bit. */
const LAST_BYTE_MAX = 1

const SEVEN_BITS = 128

const DOUBLE_BYTES = 8

/**
 * Reads Avro's encoding from its beginning to its end. Throws `NotPacked` where the bytes are cut off, or are no such value.
 * There are several ways to write some values; `isPlain` says whether everything since it was set was written in the one
 * way in which Hivemeter writes it, so that the bytes can be kept as they are.
 */
export class AvroBytes {
  readonly bytes: Buffer
  /** Of the next byte to be read. */
  at: number
  isPlain = true
  /** Where what is read now must have ended. */
  until = Number.POSITIVE_INFINITY
  readonly #view: DataView

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Throws where what is read now has gone on for too long: it is read in one turn. */
  requireEnd(): void {
    if (this.at > this.until) throw new NotPacked(`an item goes on beyond byte ${this.until}`)
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length
  }

  byte(): number {
    const byte = this.bytes[this.at]
    if (byte === undefined) throw new NotPacked(`they end after ${this.bytes.length} bytes, within a value`)
    this.at += 1
    return byte
  }

  /** A number of up to 64 bits; beyond 52 bits it is close to what was written, and not exact. */
  long(): number {
    const first = this.byte()
    if (first < SEVEN_BITS) return (first >>> 1) ^ -(first & 1)
    // The lowest bit is the sign, so the next byte counts from the 7th bit on.
    let value = (first - SEVEN_BITS) >>> 1
    let scale = SEVEN_BITS / 2
    for (let length = 2; length <= LONG_BYTES_MAX; length += 1) {
      const byte = this.byte()
      value += (byte & (SEVEN_BITS - 1)) * scale
      scale *= SEVEN_BITS
      if (byte >= SEVEN_BITS) continue
      if (length === LONG_BYTES_MAX && byte > LAST_BYTE_MAX) break
      if (byte === 0) this.isPlain = false
      return (first & 1) === 1 ? -value - 1 : value
    }
    throw new NotPacked(`the number before byte ${this.at} has more than 64 bits`)
  }

  double(): number {
    const { at } = this
    if (at + DOUBLE_BYTES > this.bytes.length) throw new NotPacked('they end within a number')
    this.at = at + DOUBLE_BYTES
    return this.#view.getFloat64(at, true)
  }

  flag(): void {
    if (this.byte() > 1) this.isPlain = false
  }

  /** Which of so many cases comes: of a union, or of an enumeration. */
  place(cases: number): number {
    const place = this.long()
    if (place < 0 || place >= cases) throw new NotPacked(`there is no case ${place} before byte ${this.at}`)
    return place
  }

  /** Goes to the end of a text; returns where it begins. */
  skipText(): number {
    const length = this.long()
    const start = this.at
    if (length < 0 || length > this.bytes.length - start)
      throw new NotPacked(`the text at byte ${start} has ${length} bytes`)
    this.at = start + length
    return start
  }

  text(): string {
    return this.textFrom(this.skipText())
  }

  /** The text that ends here. */
  textFrom(start: number): string {
    const bytes = this.bytes.subarray(start, this.at)
    if (!isUtf8(bytes)) throw new NotPacked(`the text at byte ${start} is not UTF-8`)
    return bytes.toString('utf8')
  }

  /**
   * The number of items of an array up to the next such number, which follows them; 0 at the end of the array.
   * `isFirst` at its beginning.
   */
  block(isFirst: boolean): number {
    const items = this.long()
    if (items === 0) return 0
    if (!isFirst) this.isPlain = false
    if (items > 0) return items
    // A negative number is followed by the bytes that the items have, for those who skip them.
    this.isPlain = false
    this.long()
    return -items
  }
}
