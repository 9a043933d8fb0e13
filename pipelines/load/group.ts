import { SCHEMA_ID, schemaIdOf } from '../../schemas/avro.ts'
import { BLOCK_FORMATS, BLOCK_HEADER, TABLES } from '../../schemas/tables.ts'
import type { BlockFormat } from '../../schemas/tables.ts'
import { HaltError } from '../kafka/records.ts'
import type { LogRecord } from '../kafka/records.ts'

/** A block as it stands in the log. */
export interface Block {
  readonly offset: bigint
  readonly seq: number
  readonly table: string
  readonly columns: string
  readonly format: BlockFormat
  /** `YYYYMM`, or empty. */
  readonly month: string
  readonly groupBegins: boolean
  readonly groupEnds: boolean
  /** Rows as the log holds them: packed where `packed` says so. */
  readonly rows: Buffer
  readonly packed: boolean
}

/** Rows as one block holds them. */
export type PackedRows = Pick<Block, 'rows' | 'packed'>

/** Blocks that are inserted together: the log says where they begin and end. */
export interface Group {
  readonly blocks: readonly Block[]
  readonly firstSeq: number
  readonly lastSeq: number
  readonly firstOffset: bigint
  /** Offset to commit once all of it is loaded. */
  readonly endOffset: bigint
}

/** One INSERT: all rows of a group for one partition of one table. */
export interface Insert {
  readonly table: string
  readonly columns: readonly string[]
  readonly format: BlockFormat
  readonly month: string
  /** Number of the first of its blocks: its token's last part, and what a look compares with. */
  readonly firstSeq: number
  /** The rows of its blocks; joined by the store. */
  readonly body: readonly PackedRows[]
}

const BROKEN_LOG_REMEDY =
  'Compare the topic with ClickHouse (npm run verify); where records are gone, load the topic into an empty database.'

/** The tick that a task's fence leaves among its blocks: nothing to load. */
export function isTick({ headers, value }: LogRecord): boolean {
  return headers[BLOCK_HEADER.table] === undefined && value !== null && schemaIdOf(value) === SCHEMA_ID.tick
}

/** Reads a block from its record. Halts where it is none: nothing but tasks writes to block topics. */
export function toBlock(record: LogRecord): Block {
  const text = (name: string): string | undefined => record.headers[name]?.toString('utf8')
  const table = text(BLOCK_HEADER.table)
  const columns = text(BLOCK_HEADER.columns)
  const month = text(BLOCK_HEADER.tablePartition)
  const seq = Number(text(BLOCK_HEADER.seq))
  const format = formatOf(text(BLOCK_HEADER.format))
  if (
    format === undefined ||
    table === undefined ||
    columns === undefined ||
    month === undefined ||
    !Number.isSafeInteger(seq)
  ) {
    throw new HaltError('not_a_block', `The record at ${record.offset} is no block.`, BROKEN_LOG_REMEDY)
  }
  return {
    offset: record.offset,
    seq,
    table,
    columns,
    format,
    month,
    groupBegins: text(BLOCK_HEADER.groupBegins) === '1',
    groupEnds: text(BLOCK_HEADER.groupEnds) === '1',
    rows: record.value ?? Buffer.alloc(0),
    packed: text(BLOCK_HEADER.encoding) === 'zstd',
  }
}

/**
 * Gathers the blocks of one partition into groups, by the borders in the log and nothing else. Takes numbers without
 * gaps; anything that cannot be explained by a redelivery halts.
 */
export class GroupGatherer {
  #open: Block[] = []
  #lastSeq: number | null = null
  #lastOffset = -1n

  /** Offset at which the open group begins; null where none is open. */
  get openOffset(): bigint | null {
    return this.#open[0]?.offset ?? null
  }

  /** The group gave the partition anew, or an outcome is unknown: what is gathered is dropped. */
  reset(): void {
    this.#open = []
    this.#lastSeq = null
    this.#lastOffset = -1n
  }

  /** Takes a block; returns the groups that it completes (the one before it, its own, or both). `loadedSeq` bounds the first. */
  take(block: Block, loadedSeq: number): Group[] {
    if (block.offset <= this.#lastOffset) return []
    this.#checkNumber(block, loadedSeq)
    this.#lastSeq = block.seq
    this.#lastOffset = block.offset
    const complete: Group[] = []
    if (block.groupBegins && this.#open.length > 0) complete.push(this.#close())
    this.#open.push(block)
    if (block.groupEnds) complete.push(this.#close())
    return complete
  }

  #checkNumber(block: Block, loadedSeq: number): void {
    const expected = this.#lastSeq === null ? null : this.#lastSeq + 1
    if (expected === null) {
      if (block.seq <= loadedSeq + 1) return
      throw new HaltError(
        'block_gap',
        `The first block is number ${block.seq} at ${block.offset}; ClickHouse has loaded up to ${loadedSeq}.`,
        BROKEN_LOG_REMEDY,
      )
    }
    if (block.seq === expected) return
    throw new HaltError(
      block.seq > expected ? 'block_gap' : 'block_repeated',
      `Block ${block.seq} stands at ${block.offset}, where number ${expected} is due.`,
      BROKEN_LOG_REMEDY,
    )
  }

  #close(): Group {
    const blocks = this.#open
    this.#open = []
    const first = blocks[0] as Block
    const last = blocks.at(-1) as Block
    return {
      blocks,
      firstSeq: first.seq,
      lastSeq: last.seq,
      firstOffset: first.offset,
      endOffset: last.offset + 1n,
    }
  }
}

/** The INSERTs of a group: one a (table, table partition), `watermarks` last, since it says that all are there. */
export function insertsOf(group: Group): Insert[] {
  const inserts = new Map<string, Insert & { body: PackedRows[]; columnList: string }>()
  for (const { table, columns, format, month, seq, rows, packed } of group.blocks) {
    const place = `${table}/${month}`
    const insert = inserts.get(place)
    if (insert === undefined) {
      inserts.set(place, {
        table,
        columns: columns.split(','),
        columnList: columns,
        format,
        month,
        firstSeq: seq,
        body: [{ rows, packed }],
      })
    } else if (insert.columnList === columns && insert.format === format) {
      insert.body.push({ rows, packed })
    } else {
      throw new HaltError(
        'columns_changed',
        `Block ${seq} changes the columns or the format of ${table} within a group.`,
        BROKEN_LOG_REMEDY,
      )
    }
  }
  return [...inserts.values()].toSorted((left, right) => Number(isLast(left)) - Number(isLast(right)))
}

function isLast({ table }: Insert): boolean {
  return table === TABLES.watermarks.name
}

function formatOf(header: string | undefined): BlockFormat | undefined {
  return header === undefined ? 'RowBinary' : BLOCK_FORMATS.find((format) => format === header)
}
