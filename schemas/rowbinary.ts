/**
 * Writes rows in ClickHouse's RowBinary straight into one growing buffer: no object a row, no copy a column.
 * The caller writes columns in the order of the block's column list; the types are the method names.
 */
export class RowWriter {
  #bytes: Buffer
  #length = 0

  constructor(initialBytes = 65_536) {
    this.#bytes = Buffer.allocUnsafe(initialBytes)
  }

  get length(): number {
    return this.#length
  }

  /** The rows written so far, not copied: valid until the next write or `clear`. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Forgets the rows and keeps the buffer. */
  clear(): void {
    this.#length = 0
  }

  /** The rows written since the last `take`, as a copy that stays valid; the writer keeps its buffer. */
  take(): Buffer {
    const rows = Buffer.from(this.#bytes.subarray(0, this.#length))
    this.#length = 0
    return rows
  }

  /** Makes room and returns where it begins. May replace the buffer: take the place first, then the buffer. */
  #reserve(bytes: number): number {
    const at = this.#length
    if (at + bytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, at + bytes))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    this.#length = at + bytes
    return at
  }

  u8(value: number): void {
    const at = this.#reserve(1)
    this.#bytes[at] = value
  }

  u16(value: number): void {
    const at = this.#reserve(2)
    this.#bytes[at] = value
    this.#bytes[at + 1] = value >>> 8
  }

  u32(value: number): void {
    this.#word(this.#reserve(4), value)
  }

  /** UInt64 or Int64 from a safe integer. */
  u64(value: number): void {
    const at = this.#reserve(8)
    // Most values are small, and a division of doubles costs as much as the eight stores.
    const high = value >= 0 && value < 4_294_967_296 ? 0 : Math.floor(value / 4_294_967_296)
    this.#word(at, high === 0 ? value : value - high * 4_294_967_296)
    this.#word(at + 4, high)
  }

  /** UInt64 from its two 32-bit halves. */
  u64Halves(low: number, high: number): void {
    const at = this.#reserve(8)
    this.#word(at, low)
    this.#word(at + 4, high)
  }

  /** Int64 from a bigint. */
  i64(value: bigint): void {
    const at = this.#reserve(8)
    this.#bytes.writeBigInt64LE(value, at)
  }

  /** Int128 from a bigint. */
  i128(value: bigint): void {
    const at = this.#reserve(16)
    this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at)
    this.#bytes.writeBigInt64LE(BigInt.asIntN(64, value >> 64n), at + 8)
  }

  /** Nullable(UInt32): a flag, then the value. Negative stands for null. */
  nullableU32(value: number): void {
    if (value < 0) {
      this.u8(1)
      return
    }
    this.u8(0)
    this.u32(value)
  }

  /** UUID from 16 bytes at `start`: two little-endian halves. */
  uuid(source: Uint8Array, start = 0): void {
    const at = this.#reserve(16)
    for (let index = 0; index < 8; index++) {
      this.#bytes[at + index] = source[start + 7 - index] as number
      this.#bytes[at + 8 + index] = source[start + 15 - index] as number
    }
  }

  string(text: string): void {
    const bytes = Buffer.byteLength(text, 'utf8')
    this.varint(bytes)
    const at = this.#reserve(bytes)
    this.#bytes.write(text, at, 'utf8')
  }

  /** A String column from bytes that stand in another buffer; an empty range is the empty string. */
  stringBytes(source: Uint8Array, start: number, end: number): void {
    this.varint(end - start)
    const at = this.#reserve(end - start)
    const bytes = this.#bytes
    // A loop beats `set` for the short ids that these are.
    for (let from = start, to = at; from < end; from++, to++) bytes[to] = source[from] as number
  }

  /** Bytes that are RowBinary already: columns that are the same in every row. */
  raw(source: Uint8Array): void {
    const { length } = source
    const at = this.#reserve(length)
    const bytes = this.#bytes
    // A loop beats `set` for the few bytes that these are.
    for (let index = 0; index < length; index++) bytes[at + index] = source[index] as number
  }

  /** Unsigned LEB128: lengths of strings and arrays. */
  varint(value: number): void {
    let rest = value
    while (rest > 127) {
      this.u8((rest & 127) | 128)
      rest = Math.floor(rest / 128)
    }
    this.u8(rest)
  }

  #word(at: number, value: number): void {
    const bytes = this.#bytes
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
  }
}
