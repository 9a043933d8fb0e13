import type { Column, TextBytes } from './columns.ts'
import { RowWriter } from '../rowbinary.ts'

/**
 * A column that a block has only where one of its rows was set: ClickHouse gives the rows of a block without it the table's
 * default, so a value that few rows have costs the others nothing. In a block with the column, the rows that were not set
 * have the value that `fill` sets, which must be that default.
 */
export class SparseColumn<Kind extends Column> implements Column {
  readonly width = 0
  readonly #values: Kind
  readonly #fill: (values: Kind, row: number) => void
  #room = 0
  /** Rows with a value in the column; none before the block has the column. */
  #rows = 0

  constructor(values: Kind, fill: (values: Kind, row: number) => void) {
    this.#values = values
    this.#fill = fill
  }

  get isLeftOut(): boolean {
    return this.#rows === 0
  }

  /** The column in which to set this row. Rows are set in order. */
  at(row: number): Kind {
    if (this.#rows === 0) this.#values.grow(this.#room)
    this.#fillTo(row)
    this.#rows = row + 1
    return this.#values
  }

  grow(rows: number): void {
    this.#room = rows
    if (this.#rows > 0) this.#values.grow(rows)
  }

  bytes(rows: number): readonly Uint8Array[] {
    this.#fillTo(rows)
    return this.#values.bytes(rows)
  }

  clear(): void {
    this.#rows = 0
    this.#values.clear()
  }

  #fillTo(row: number): void {
    for (; this.#rows < row; this.#rows++) this.#fill(this.#values, this.#rows)
  }
}

/** A key and its value, as bytes of `source`. */
export interface MapEntry {
  readonly nameStart: number
  readonly nameEnd: number
  readonly valueStart: number
  readonly valueEnd: number
}

/** Map(String, String): where each row's entries end, then all keys, then all values. Rows are set in order. */
export class TextMapColumn implements Column {
  readonly width = 8
  readonly #keys = new RowWriter(256)
  readonly #values = new RowWriter(256)
  readonly #ends = new RowWriter(256)
  readonly #total: TextBytes
  #entries = 0

  constructor(total: TextBytes) {
    this.#total = total
  }

  /** Adds the next row. */
  add(source: Uint8Array, entries: readonly MapEntry[]): void {
    for (const { nameStart, nameEnd, valueStart, valueEnd } of entries) {
      this.#keys.stringBytes(source, nameStart, nameEnd)
      this.#values.stringBytes(source, valueStart, valueEnd)
      this.#total.bytes += nameEnd - nameStart + valueEnd - valueStart
    }
    this.#entries += entries.length
    this.#ends.u64(this.#entries)
  }

  grow(): void {}

  bytes(): readonly Uint8Array[] {
    return [this.#ends.written(), this.#keys.written(), this.#values.written()]
  }

  clear(): void {
    for (const writer of [this.#keys, this.#values, this.#ends]) writer.clear()
    this.#entries = 0
  }
}
