import { columnsOf } from '../pages/layout.ts'
import type { Columns } from '../pages/layout.ts'
import { clearRow, copyRow, withRoom } from './rows.ts'
import type { NumberColumn, NumberFields } from './rows.ts'
import type { SumColumns, SumName } from './sums.ts'

/** Whose sums they are (a worker's place or a group's number), and of which cell or minute. */
const SUM_KEY = { owner: 'u32', time: 'u32' } as const satisfies NumberFields

/** Owners are below 2^21 and times below 2^32, so that a pair is one exact number. */
const TIMES = 2 ** 32

type SumFields = Readonly<Record<SumName, NumberFields[string]>>

/** Sums by owner and time, in the order in which they came: for those that are few, or do not stay for long. */
export class SumTable {
  readonly fields: SumFields
  /** A row has its key and its sums at the same place. */
  key: Columns<typeof SUM_KEY>
  sums: SumColumns
  #count = 0
  readonly #rows = new Map<number, number>()

  constructor(fields: SumFields) {
    this.fields = fields
    this.key = columnsOf(SUM_KEY, 0)
    this.sums = columnsOf(fields, 0)
  }

  get count(): number {
    return this.#count
  }

  /** The row of an owner's time: a new one, all 0, where there is none. */
  rowOf(owner: number, time: number): number {
    const pair = owner * TIMES + time
    const known = this.#rows.get(pair)
    if (known !== undefined) return known
    const row = this.#count
    this.reserve(row + 1)
    this.#count++
    this.key.owner[row] = owner
    this.key.time[row] = time
    this.#rows.set(pair, row)
    return row
  }

  /** Takes a row out; the last one moves to its place. */
  remove(row: number): void {
    const last = this.#count - 1
    this.#rows.delete(this.#pairOf(row))
    if (row !== last) {
      copyRow(this.key, last, this.key, row)
      copyRow(this.sums, last, this.sums, row)
      this.#rows.set(this.#pairOf(row), row)
    }
    clearRow(this.sums, last)
    this.#count--
  }

  clear(): void {
    if (this.#count === 0) return
    for (const column of Object.values<NumberColumn>(this.sums)) column.fill(0, 0, this.#count)
    this.#rows.clear()
    this.#count = 0
  }

  /** Makes room for so many rows. */
  reserve(rows: number): void {
    this.key = withRoom(SUM_KEY, this.key, rows)
    this.sums = withRoom(this.fields, this.sums, rows)
  }

  /** Counts rows whose keys and sums were written into the columns, after `reserve`. */
  restored(rows: number): void {
    this.#count = rows
    for (let row = 0; row < rows; row++) this.#rows.set(this.#pairOf(row), row)
  }

  #pairOf(row: number): number {
    return (this.key.owner[row] as number) * TIMES + (this.key.time[row] as number)
  }
}
