/**
 * Writes rows in ClickHouse's RowBinary directly into one growing buffer, without an object for a row or a copy of a
 * column. Other byte sequences (texts of a column, items of an Avro array) are written into its `room`. The caller writes
 * columns in the order of the block's column list; the types are the method names.
 */
export class RowWriter {
  #bytes: Buffer
  /** A view of the same memory: a word is written with one store, where bytes take four. */
  #view: DataView
  #length = 0

  constructor(initialBytes = 65_536) {
    this.#bytes = Buffer.allocUnsafe(initialBytes)
    this.#view = viewOf(this.#bytes)
  }

  get length(): number {
    return this.#length
  }

  /** The rows written so far, not copied: valid until the next write or `clear`. */
  written(): Buffer {
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

  /**
   * Makes room and returns where it begins. It may replace the buffer, so get the position first and the buffer after
   * it.
   */
  #reserve(bytes: number): number {
    const at = this.#length
    if (at + bytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, at + bytes))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
      this.#view = viewOf(grown)
    }
    this.#length = at + bytes
    return at
  }

  /**
   * Room for `bytes` more, for a frequently written row that uses the `put` functions: get the position, write into `view`
   * from there, then call `advance` with the position where the row ended.
   */
  room(bytes: number): number {
    const at = this.#reserve(bytes)
    this.#length = at
    return at
  }

  /** The memory in which `room` made room; a later call may replace it. */
  get view(): DataView {
    return this.#view
  }

  /** Ends the row that began at `room` before the position `end`. */
  advance(end: number): void {
    this.#length = end
  }

  u8(value: number): void {
    const at = this.#reserve(1)
    this.#bytes[at] = value
  }

  u16(value: number): void {
    const at = this.#reserve(2)
    this.#view.setUint16(at, value, true)
  }

  u32(value: number): void {
    const at = this.#reserve(4)
    this.#view.setUint32(at, value, true)
  }

  /** UInt64 or Int64 from a safe integer. */
  u64(value: number): void {
    const at = this.#reserve(8)
    // Most values are small, and a division of doubles costs as much as everything else here.
    const high = value >= 0 && value < 4_294_967_296 ? 0 : Math.floor(value / 4_294_967_296)
    this.#view.setUint32(at, high === 0 ? value : value - high * 4_294_967_296, true)
    this.#view.setInt32(at + 4, high, true)
  }

  /**
   * Int64 from a bigint. Where it does not fit, it writes the nearest value that does; another column then holds the exact
   * one.
   */
  i64AtMost(value: bigint): void {
    this.i64(value > I64_MAX ? I64_MAX : value < -I64_MAX ? -I64_MAX : value)
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

  /** Nullable(UInt32): a flag, then the value. A negative value means null. */
  nullableU32(value: number): void {
    if (value < 0) {
      this.u8(1)
      return
    }
    this.u8(0)
    this.u32(value)
  }

  /** Nullable(UInt64) from a safe integer that is not negative. */
  nullableU64(value: number | null): void {
    this.u8(value === null ? 1 : 0)
    if (value !== null) this.u64(value)
  }

  f64(value: number): void {
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value, true)
  }

  /** Nullable(Float64). */
  nullableF64(value: number | null): void {
    this.u8(value === null ? 1 : 0)
    if (value === null) return
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value, true)
  }

  /** UUID from 16 bytes at `start`: two little-endian halves. */
  uuid(source: Uint8Array, start = 0): void {
    const at = this.#reserve(16)
    putUuid(this.#view, at, viewOf(source), start)
  }

  string(text: string): void {
    const bytes = Buffer.byteLength(text, 'utf8')
    this.varint(bytes)
    const at = this.#reserve(bytes)
    this.#bytes.write(text, at, 'utf8')
  }

  /** A String column from bytes in another buffer; an empty range is the empty string. */
  stringBytes(source: Uint8Array, start: number, end: number): void {
    this.varint(end - start)
    const at = this.#reserve(end - start)
    const bytes = this.#bytes
    // A loop is faster than `set` for the short ids here.
    for (let from = start, to = at; from < end; from++, to++) bytes[to] = source[from] as number
  }

  /** Columns that already are RowBinary. */
  raw(source: Raw): void {
    const at = this.room(source.length + RAW_SLACK)
    const { words, length } = source
    for (let from = 0; from < length; from += 4) this.#view.setInt32(at + from, words.getInt32(from))
    this.#length = at + length
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
}

/** The bytes as a view: a word is read and written in one operation, where bytes take four. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Columns that are the same in many rows, as RowBinary. They are copied by whole words, so `words` is filled up to one. */
export interface Raw {
  readonly words: DataView
  readonly length: number
}

/** Bytes that `raw` may write after the columns. */
const RAW_SLACK = 3

/** Makes columns of bytes that already are RowBinary. */
export function rawOf(bytes: Uint8Array): Raw {
  const padded = new Uint8Array(bytes.length + RAW_SLACK)
  padded.set(bytes)
  return { words: viewOf(padded), length: bytes.length }
}

// Functions from position to position, for what is written in a hot loop: they avoid the bounds and field accesses of
// `RowWriter`. The caller must have made room.

/** Unsigned LEB128, below 2^31. Returns the position after it. */
export function putVarint(view: DataView, at: number, value: number): number {
  let place = at
  let rest = value
  for (; rest > 127; rest >>>= 7) view.setUint8(place++, (rest & 127) | 128)
  view.setUint8(place++, rest)
  return place
}

/** UUID from 16 bytes at `start`: two little-endian halves. */
export function putUuid(view: DataView, at: number, source: DataView, start: number): void {
  view.setInt32(at, source.getInt32(start + 4), true)
  view.setInt32(at + 4, source.getInt32(start), true)
  view.setInt32(at + 8, source.getInt32(start + 12), true)
  view.setInt32(at + 12, source.getInt32(start + 8), true)
}
const I64_MAX = 2n ** 63n - 1n
