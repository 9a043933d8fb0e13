import { emptyPage } from './page-state.ts'
import type { PageState } from './page-state.ts'
import type { NumberColumn } from './rows.ts'
import type { SumTable } from './sum-table.ts'

/** Of the bytes of a page. Another order, kind or number of fields is another format. */
const FORMAT = 1
const COUNT_BYTES = 4
const TIME_BYTES = 8
/** Format, holes given up, slots settled early; log time, next scan. */
const HEAD_BYTES = 3 * COUNT_BYTES + 2 * TIME_BYTES

type NumberColumns = Readonly<Record<string, NumberColumn>>

/**
 * The bytes of a page: a head, then column after column in the order of their fields, little-endian as all machines that
 * Node runs on, then the tables, each after the number of its rows.
 */
export function bytesOfPage(page: PageState): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32LE(FORMAT, 0)
  head.writeUInt32LE(page.holesGivenUp, COUNT_BYTES)
  head.writeUInt32LE(page.settledEarly, 2 * COUNT_BYTES)
  head.writeDoubleLE(page.nowMs, 3 * COUNT_BYTES)
  head.writeDoubleLE(page.nextMinuteMs, 3 * COUNT_BYTES + TIME_BYTES)
  const { holes } = page
  return Buffer.concat([
    head,
    ...denseOf(page).flatMap((columns) => bytesOf(columns)),
    ...counted(holes.count, [holes.columns, holes.left, holes.right]),
    ...counted(page.late.count, [page.late.key, page.late.sums]),
    ...counted(page.minutes.count, [page.minutes.key, page.minutes.sums]),
  ])
}

/** Throws where the bytes are those of another format, or too few, or too many. */
export function pageOfBytes(bytes: Uint8Array): PageState {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const format = bytes.length < HEAD_BYTES ? 'none' : head.readUInt32LE(0)
  if (format !== FORMAT) throw new Error(`A page of format ${format}; this build reads format ${FORMAT}.`)
  const nowMs = head.readDoubleLE(3 * COUNT_BYTES)
  const page = emptyPage(nowMs, head.readDoubleLE(3 * COUNT_BYTES + TIME_BYTES))
  page.holesGivenUp = head.readUInt32LE(COUNT_BYTES)
  page.settledEarly = head.readUInt32LE(2 * COUNT_BYTES)
  const from = new ColumnBytes(head.subarray(HEAD_BYTES))
  for (const columns of denseOf(page)) from.into(columns)
  const { holes } = page
  const count = from.count()
  holes.reserve(count)
  for (const columns of [holes.columns, holes.left, holes.right]) from.into(columns, count)
  holes.count = count
  for (const table of [page.late, page.minutes]) intoTable(from, table)
  from.end()
  return page
}

function denseOf({ workers, edges, open, cells }: PageState): readonly NumberColumns[] {
  return [workers, edges, open, cells]
}

function intoTable(from: ColumnBytes, table: SumTable): void {
  const count = from.count()
  table.reserve(count)
  from.into(table.key, count)
  from.into(table.sums, count)
  table.restored(count)
}

function counted(count: number, tables: readonly NumberColumns[]): Buffer[] {
  const head = Buffer.alloc(COUNT_BYTES)
  head.writeUInt32LE(count)
  return [head, ...tables.flatMap((columns) => bytesOf(columns, count))]
}

function bytesOf(columns: NumberColumns, rows?: number): Buffer[] {
  return Object.values(columns).map((column) => viewOf(column, rows))
}

function viewOf(column: NumberColumn, rows = column.length): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, rows * column.BYTES_PER_ELEMENT)
}

/** Reads columns one after the other. */
class ColumnBytes {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  count(): number {
    return this.#take(COUNT_BYTES).readUInt32LE()
  }

  into(columns: NumberColumns, rows?: number): void {
    for (const column of Object.values(columns)) {
      const view = viewOf(column, rows)
      this.#take(view.length).copy(view)
    }
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Error('A page has more bytes than its format says.')
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    if (taken.length < length) throw new Error('A page has fewer bytes than its format says.')
    this.#at += length
    return taken
  }
}
