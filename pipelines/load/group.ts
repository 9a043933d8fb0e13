import { RULES } from '../../schemas/since.ts'
import { BLOCK_FORMATS, BLOCK_HEADER, TABLES } from '../../schemas/tables.ts'
import type { BlockFormat } from '../../schemas/tables.ts'
import { endOf } from '../blocks/fit.ts'
import { HaltError } from '../log/records.ts'
import { isTick as isTickBy } from '../log/tick.ts'
import type { LogRecord } from '../log/records.ts'

/** A block as it is in the log. */
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
  /**
   * On a transaction's first block: what the transaction before it ended with. Null on others, and in blocks of earlier
   * versions.
   */
  readonly after: string | null
  /** Rows as the log holds them: packed where `packed` says so. */
  readonly rows: Buffer
  readonly packed: boolean
}

/** Rows as one block holds them. */
export type PackedRows = Pick<Block, 'rows' | 'packed'>

/** Blocks that are inserted together: the borders in the log decide where they begin and end. */
export interface Group {
  readonly blocks: readonly Block[]
  readonly firstSeq: number
  readonly lastSeq: number
  readonly firstOffset: bigint
  /** One past its last block: the offset at which loading continues. */
  readonly endOffset: bigint
}

/** One INSERT: all rows of a group for one partition of one table. */
export interface Insert {
  readonly table: string
  readonly columns: readonly string[]
  readonly format: BlockFormat
  readonly month: string
  /** Number of the first of its blocks: the last part of the token, and what a look compares with. */
  readonly firstSeq: number
  /** The rows of its blocks; joined by the store. */
  readonly body: readonly PackedRows[]
}

/** Numbers that bound the blocks that the gatherer takes. */
export interface KnownSeqs {
  /** ClickHouse has everything up to this number. */
  readonly loadedSeq: number
  /** An operator allows blocks up to this number to be missing. */
  readonly missingThrough: number
}

/** Two records with one number, or one that no task wrote: which of them ClickHouse must have cannot be guessed. */
const FOREIGN_REMEDY =
  'Only the tasks may write to this topic (docs/backup.md, "A log that is damaged"): find out who did, and put back copies of Kafka and ClickHouse that belong together, Kafka as the newer one.'

/** For numbers that the log lacks: right whether retention took them, a broker lost them or a tool deleted them. */
const GONE_REMEDY =
  'Put back a newer copy of ClickHouse and start the loader again; without one, say that they may be missing (docs/backup.md, "Blocks that are gone"): the rest is then loaded, and npm run verify says what is not there.'

/** The tick that a task's fence leaves among its blocks: nothing to load. */
export function isTick(record: LogRecord): boolean {
  if (record.headers[BLOCK_HEADER.table] !== undefined) return false
  // Ticks of earlier versions have no key. Only tasks write here, and none of their records says where the rule for keys
  // began.
  return isTickBy(record, record.key === null ? 0 : RULES)
}

/** Reads a block from its record. Halts where the record is not a block: only tasks write to block topics. */
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
    throw new HaltError('not_a_block', `The record at ${record.offset} is no block.`, FOREIGN_REMEDY)
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
    after: text(BLOCK_HEADER.after) ?? null,
    rows: record.value ?? Buffer.alloc(0),
    packed: text(BLOCK_HEADER.encoding) === 'zstd',
  }
}

/**
 * Gathers the blocks of one partition into groups, by nothing but the borders in the log. It takes numbers without gaps;
 * anything that a redelivery cannot explain halts.
 */
export class GroupGatherer {
  #open: Block[] = []
  #lastSeq: number | null = null
  #lastOffset = -1n

  /** Offset at which the open group begins; null where none is open. */
  get openOffset(): bigint | null {
    return this.#open[0]?.offset ?? null
  }

  /** The group assigned the partition anew, or an outcome is unknown: what was gathered is dropped. */
  reset(): void {
    this.#open = []
    this.#lastSeq = null
    this.#lastOffset = -1n
  }

  /**
   * Whether blocks are missing before this first one: none was taken since the last reset, and it does not follow the known
   * ones.
   */
  isGap(block: Block, known: KnownSeqs): boolean {
    return this.#lastSeq === null && block.seq > nextOf(known)
  }

  /** Takes a block. Returns the groups that it completes (the one before it, its own, or both). */
  take(block: Block, known: KnownSeqs): Group[] {
    if (block.offset <= this.#lastOffset) return []
    this.#checkNumber(block, known)
    this.#lastSeq = block.seq
    this.#lastOffset = block.offset
    const complete: Group[] = []
    if (block.groupBegins && this.#open.length > 0) complete.push(this.#close())
    this.#open.push(block)
    if (block.groupEnds) complete.push(this.#close())
    return complete
  }

  #checkNumber(block: Block, known: KnownSeqs): void {
    if (this.#lastSeq === null) {
      if (!this.isGap(block, known)) return
      throw new HaltError(
        'blocks_gone',
        `The log begins with block ${block.seq} at ${block.offset}; ClickHouse has loaded up to ${known.loadedSeq}, and those between are gone.`,
        GONE_REMEDY,
      )
    }
    const expected = this.#lastSeq + 1
    if (block.seq === expected || (block.seq > expected && block.seq <= known.missingThrough + 1)) return
    const found = `Block ${block.seq} stands at ${block.offset}, where number ${expected} is due.`
    throw block.seq > expected
      ? new HaltError('block_gap', found, GONE_REMEDY)
      : new HaltError('block_repeated', found, FOREIGN_REMEDY)
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

/**
 * The INSERTs of a group: one for each table and table partition. `watermarks` is last, since it says that all rows are
 * there.
 */
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
        'The version that wrote these blocks has a defect: keep the topic as it is, and report this line.',
      )
    }
  }
  return [...inserts.values()].toSorted((left, right) => Number(isLast(left)) - Number(isLast(right)))
}

function nextOf({ loadedSeq, missingThrough }: KnownSeqs): number {
  return Math.max(loadedSeq, missingThrough) + 1
}

function isLast({ table }: Insert): boolean {
  return table === TABLES.watermarks.name
}

function formatOf(header: string | undefined): BlockFormat | undefined {
  return header === undefined ? 'RowBinary' : BLOCK_FORMATS.find((format) => format === header)
}

/**
 * The watermark of the group's last transaction but one, which the first block of the last transaction names; UTC ms. Null
 * where the group has only one transaction and none came before it. The watermark of the last transaction is in a row, and
 * rows are not decoded here.
 */
export function watermarkIn({ blocks }: Group): number | null {
  const after = blocks.findLast((block) => block.after !== null)?.after ?? null
  return after === null ? null : endOf(after).watermarkMs
}
