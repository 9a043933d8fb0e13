import { putUuid, putVarint, RowWriter, viewOf } from '../rowbinary.ts'

/** The number of bytes that the texts of a block take, over all of its columns. */
export interface TextBytes {
  bytes: number
}

/**
 * The values of one column of a block in ClickHouse's Native format. Rows are counted from 0 and set in order. Words are in
 * the order of the processor: little-endian, as on x86-64 and ARM64.
 */
export interface Column {
  /** Bytes of a value, without texts. */
  readonly width: number
  /** Makes room for `rows` values; the values that are set stay. */
  grow(rows: number): void
  /** The bytes of the first `rows` values, in pieces that are valid until the next write. */
  bytes(rows: number): readonly Uint8Array[]
  /** Forgets the values and keeps the room. */
  clear(): void
}

/** UInt8, Int8 and enums. */
export class U8Column implements Column {
  readonly width = 1
  #values = new Uint8Array(0)

  /** The value to which a row was set. */
  get(row: number): number {
    return this.#values[row] as number
  }

  set(row: number, value: number): void {
    this.#values[row] = value
  }

  grow(rows: number): void {
    this.#values = grown(this.#values, new Uint8Array(rows))
  }

  bytes(rows: number): readonly Uint8Array[] {
    return [this.#values.subarray(0, rows)]
  }

  clear(): void {}
}

/** UInt16. */
export class U16Column implements Column {
  readonly width = 2
  #values = new Uint16Array(0)

  set(row: number, value: number): void {
    this.#values[row] = value
  }

  grow(rows: number): void {
    this.#values = grown(this.#values, new Uint16Array(rows))
  }

  bytes(rows: number): readonly Uint8Array[] {
    return [bytesOf(this.#values.subarray(0, rows))]
  }

  clear(): void {}
}

/** UInt32 and DateTime. */
export class U32Column implements Column {
  readonly width = 4
  #values = new Uint32Array(0)

  /** The value to which a row was set. */
  get(row: number): number {
    return this.#values[row] as number
  }

  set(row: number, value: number): void {
    this.#values[row] = value
  }

  grow(rows: number): void {
    this.#values = grown(this.#values, new Uint32Array(rows))
  }

  bytes(rows: number): readonly Uint8Array[] {
    return [bytesOf(this.#values.subarray(0, rows))]
  }

  clear(): void {}
}

/** UInt64 and DateTime64 (which may be negative), from safe integers or from two halves. */
export class U64Column implements Column {
  readonly width = 8
  #words = new Uint32Array(0)

  /** The value to which a row was set, where it is a safe integer that is not negative. */
  get(row: number): number {
    return (this.#words[row * 2] as number) + (this.#words[row * 2 + 1] as number) * 4_294_967_296
  }

  set(row: number, value: number): void {
    const high = value >= 0 && value < 4_294_967_296 ? 0 : Math.floor(value / 4_294_967_296)
    this.setHalves(row, value - high * 4_294_967_296, high)
  }

  /** `low` + `high` × 2^32, where `low` may be any safe integer that is not negative. */
  setSum(row: number, low: number, high: number): void {
    const carry = Math.floor(low / 4_294_967_296)
    this.setHalves(row, low - carry * 4_294_967_296, carry + high)
  }

  /** Each half may be given as a signed number. */
  setHalves(row: number, low: number, high: number): void {
    this.#words[row * 2] = low
    this.#words[row * 2 + 1] = high
  }

  grow(rows: number): void {
    this.#words = grown(this.#words, new Uint32Array(rows * 2))
  }

  bytes(rows: number): readonly Uint8Array[] {
    return [bytesOf(this.#words.subarray(0, rows * 2))]
  }

  clear(): void {}
}

/** Nullable of another column: its nulls, then its values. */
export class NullableColumn implements Column {
  readonly width: number
  readonly #nulls = new U8Column()
  readonly #values: U32Column | U64Column

  /** The value to which a row was set; -1 for null. */
  get(row: number): number {
    return this.#nulls.get(row) === 1 ? -1 : this.#values.get(row)
  }

  constructor(values: U32Column | U64Column) {
    this.#values = values
    this.width = this.#nulls.width + values.width
  }

  /** A negative value means null. */
  set(row: number, value: number): void {
    this.#nulls.set(row, value < 0 ? 1 : 0)
    this.#values.set(row, value < 0 ? 0 : value)
  }

  grow(rows: number): void {
    this.#nulls.grow(rows)
    this.#values.grow(rows)
  }

  bytes(rows: number): readonly Uint8Array[] {
    return [...this.#nulls.bytes(rows), ...this.#values.bytes(rows)]
  }

  clear(): void {}
}

/** Int128. */
export class I128Column implements Column {
  readonly width = 16
  #words = new BigInt64Array(0)

  set(row: number, value: bigint): void {
    this.#words[row * 2] = BigInt.asIntN(64, value)
    this.#words[row * 2 + 1] = BigInt.asIntN(64, value >> 64n)
  }

  grow(rows: number): void {
    this.#words = grown(this.#words, new BigInt64Array(rows * 2))
  }

  bytes(rows: number): readonly Uint8Array[] {
    return [bytesOf(this.#words.subarray(0, rows * 2))]
  }

  clear(): void {}
}

/** UUID, from 16 bytes in another buffer. */
export class UuidColumn implements Column {
  readonly width = 16
  #values = new Uint8Array(0)
  #view = viewOf(this.#values)

  set(row: number, source: DataView, start: number): void {
    putUuid(this.#view, row * 16, source, start)
  }

  grow(rows: number): void {
    this.#values = grown(this.#values, new Uint8Array(rows * 16))
    this.#view = viewOf(this.#values)
  }

  bytes(rows: number): readonly Uint8Array[] {
    return [this.#values.subarray(0, rows * 16)]
  }

  clear(): void {}
}

function grown<Values extends Uint8Array | Uint16Array | Uint32Array | BigInt64Array>(
  from: Values,
  to: Values,
): Values {
  // Both columns are of the same kind.
  to.set(from as never)
  return to
}

function bytesOf(values: Uint16Array | Uint32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** String, as in RowBinary. Rows that are skipped are empty. */
export class StringColumn implements Column {
  readonly width = 1
  readonly #writer = new RowWriter(256)
  readonly #total: TextBytes
  #rows = 0

  constructor(total: TextBytes) {
    this.#total = total
  }

  /** Sets the text in `source[start, end)`. */
  set(row: number, source: Uint8Array, start: number, end: number): void {
    for (; this.#rows < row; this.#rows++) this.#writer.u8(0)
    this.#writer.stringBytes(source, start, end)
    this.#rows++
    this.#total.bytes += end - start
  }

  grow(): void {}

  bytes(rows: number): readonly Uint8Array[] {
    // An empty text is the length 0.
    return [this.#writer.written(), Buffer.alloc(rows - this.#rows)]
  }

  clear(): void {
    this.#writer.clear()
    this.#rows = 0
  }
}

/** Texts that have numbers. */
export interface NumberedTexts {
  lengthOf(number: number): number
  /** Copies a text to `at`, and up to three bytes more. Returns the position after the text. */
  copy(number: number, to: DataView, at: number): number
}

/** Bytes of a text's length, and those after the text that copying may write. */
const TEXT_ROOM_BYTES = 5 + 3

/** Most rows of a block: the index of a row's text takes two bytes. */
export const ROWS_MAX = 65_536

const KEYS_VERSION = 1
/** Flags: two bytes for each row; the keys are in the block; there are no others to keep. */
const KEYS_FLAGS = 0x601
const KEYS_PREFIX_BYTES = 24

/** LowCardinality(String): each text once, and in every row its index among them. */
export class NumberedColumn implements Column {
  readonly width = 2
  readonly #writer = new RowWriter(256)
  readonly #total: TextBytes
  #rows = new Uint16Array(0)
  /**
   * By a text's number + 1, its index, which continues over all blocks; an index below `#base` belongs to an earlier
   * block.
   */
  #places = new Float64Array(64)
  #base = 1
  #next = 1

  constructor(total: TextBytes) {
    this.#total = total
  }

  /** -1 means the empty text. */
  set(row: number, number: number, texts: NumberedTexts): void {
    const known = this.#places[number + 1] ?? 0
    this.#rows[row] = known >= this.#base ? known - this.#base : this.#add(number, texts)
  }

  grow(rows: number): void {
    this.#rows = grown(this.#rows, new Uint16Array(rows))
  }

  bytes(rows: number): readonly Uint8Array[] {
    const head = new RowWriter(KEYS_PREFIX_BYTES)
    head.u64(KEYS_VERSION)
    head.u64(KEYS_FLAGS)
    head.u64(this.#next - this.#base)
    const count = new RowWriter(8)
    count.u64(rows)
    return [head.take(), this.#writer.written(), count.take(), bytesOf(this.#rows.subarray(0, rows))]
  }

  clear(): void {
    this.#writer.clear()
    this.#base = this.#next
  }

  #add(number: number, texts: NumberedTexts): number {
    while (number + 1 >= this.#places.length) {
      const places = new Float64Array(this.#places.length * 2)
      places.set(this.#places)
      this.#places = places
    }
    const place = this.#next++
    this.#places[number + 1] = place
    const length = number < 0 ? 0 : texts.lengthOf(number)
    const at = this.#writer.room(length + TEXT_ROOM_BYTES)
    const { view } = this.#writer
    const from = putVarint(view, at, length)
    this.#writer.advance(length === 0 ? from : texts.copy(number, view, from))
    this.#total.bytes += length
    return place - this.#base
  }
}
