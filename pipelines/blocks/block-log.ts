import { promisify } from 'node:util'
import { constants as zlib, zstdCompress } from 'node:zlib'
import { BLOCK_HEADER, TABLES } from '../../schemas/tables.ts'
import type { BlockFormat, TableSpec } from '../../schemas/tables.ts'
import { joined } from '../../schemas/native/block.ts'
import type { Provenance } from '../../schemas/native/block.ts'
import { rawOf, RowWriter } from '../../schemas/rowbinary.ts'
import type { Raw } from '../../schemas/rowbinary.ts'
import type { Clock } from '../clock.ts'
import type { TopicAppend } from '../log/records.ts'
import { outside } from '../log/outside.ts'
import { historyOf } from './fit.ts'
import type { TaskMark } from './fit.ts'
import { MIB } from '../../schemas/units.ts'

/**
 * A block is cut when its rows have this many bytes: one send carries it whole. The provenance columns are not counted,
 * because they are the same in every row and compress to almost nothing.
 */
export const BLOCK_BYTES_MAX = 800_000

/** Limits, by age and by bytes, of a group of blocks that is inserted together (design: "The loader"). */
export const GROUP_AGE_MS = 2_000
export const GROUP_BYTES_MAX = 32 * MIB

/**
 * The age of a group while ClickHouse does not yet show a border that was written long ago. A group costs the loader the
 * same number of INSERTs whatever its size, so larger groups are how it catches up after an outage: with borders every 500
 * ms a loader on two shared cores took 96 s to load what an outage of 130 s had left behind.
 */
export const GROUP_AGE_BEHIND_MS = 5_000
export const BEHIND_AFTER_MS = 5_000

/** Smaller blocks stay as they are: setting up the compressor costs more than their bytes do. */
export const PACK_BYTES_MIN = 8_192

const NO_ROOM = Buffer.alloc(0)

const compressed = promisify(zstdCompress)

/**
 * Blocks are packed on zlib's threads before kafkajs sees them: kafkajs would otherwise copy all of their bytes and compute
 * their checksum (CRC-32C in JavaScript) on the one thread that counts events. With level 1, rows shrink to a third or
 * less, so an output buffer of half their size takes them in one step; each further step is a turn of the event loop and a
 * copy.
 */
const packed = async (rows: Buffer): Promise<Buffer> =>
  await compressed(rows, {
    params: { [zlib.ZSTD_c_compressionLevel]: 1 },
    chunkSize: rows.length >> 1,
  })

/** Where a transaction ends: the input's position after it, and the watermark. */
export type LogMark = Pick<TaskMark, 'position' | 'watermarkMs'>

/** Holds the rows of an open block. */
export interface BlockBody {
  readonly format: BlockFormat
  /** Bytes of its rows so far, for `BLOCK_BYTES_MAX`. */
  readonly length: number
  /** Returns the rows so far as the block's value, in `room` if that is large enough. The body is empty afterwards. */
  take(provenance: Provenance, room: Buffer): Buffer
}

/** Rows in RowBinary; the code that writes them puts the provenance into each row. */
class RowBody implements BlockBody {
  readonly format = 'RowBinary'
  readonly writer = new RowWriter()

  get length(): number {
    return this.writer.length
  }

  take(_provenance: Provenance, room: Buffer): Buffer {
    const rows = joined([this.writer.written()], room)
    this.writer.clear()
    return rows
  }
}

const newRowBody = (): RowBody => new RowBody()

/** A block that still takes rows. */
interface OpenBlock<Body> {
  readonly seq: number
  readonly body: Body
  /** The provenance with which every row of RowBinary begins. */
  readonly prefix: Raw
}

interface ClosedBlock {
  readonly seq: number
  readonly table: TableSpec
  readonly month: string
  readonly format: BlockFormat
  readonly rows: Buffer
}

/**
 * Numbers the blocks of one task and writes the borders of groups into the log, so that every loader of a group makes the
 * same INSERTs, whenever it loads. Discarded with its task after any doubt; `nextSeq` comes from the task record.
 */
export class BlockLog {
  readonly #topic: string
  readonly #partition: number
  readonly #clock: Clock
  #nextSeq: number
  #beginsGroup = true
  #lastBorderMs = Number.NEGATIVE_INFINITY
  #bytesSinceBorder = 0
  /** The end of a group that ClickHouse is not yet known to have, and when it was written. */
  #awaited: { readonly lastSeq: number; readonly atMs: number } | null = null
  #groupOpen: boolean
  #after: string
  /** One past the offset of the newest block that is known to be committed; 0 before any is. */
  #blocksEnd = 0n
  /** Number of blocks in the transaction under way. */
  #unacknowledged = 0
  readonly #open = new Map<TableSpec, Map<string, OpenBlock<BlockBody>>>()
  #closed: ClosedBlock[] = []
  /** Bodies whose rows were taken: they are reused, since their buffers have grown. */
  readonly #idle = new Map<TableSpec, BlockBody[]>()
  /** Buffers of values that were packed, to be reused for the next ones. */
  readonly #rooms: Buffer[] = []

  constructor(options: {
    readonly topic: string
    readonly partition: number
    readonly nextSeq: number
    readonly clock: Clock
    /** Where the previous transaction ended, according to the task record. */
    readonly after: LogMark
  }) {
    this.#topic = options.topic
    this.#partition = options.partition
    this.#nextSeq = options.nextSeq
    // The task before may have left its last group open. That group ends with the first block of this one, so an end is
    // due.
    this.#groupOpen = options.nextSeq > 1
    this.#clock = options.clock
    this.#after = historyOf(options.after)
  }

  /** Number of the next block; numbers count from 1. */
  get nextSeq(): number {
    return this.#nextSeq
  }

  /**
   * True while the last transaction's blocks belong to a group that has not ended, or, after a restore, that may not have
   * ended.
   */
  get groupOpen(): boolean {
    return this.#groupOpen
  }

  /**
   * The block that takes the next row of a table's partition, in RowBinary. The caller writes one whole row, `prefix`
   * first, before it calls this again. `month` is `YYYYMM`, or empty where the table has no partitions.
   */
  rowsFor(table: TableSpec, month: string): { readonly rows: RowWriter; readonly prefix: Raw } {
    const { body, prefix } = this.#blockFor(table, month, newRowBody)
    return { rows: body.writer, prefix }
  }

  /** The same for a table whose rows are stored as columns. Every call for one table passes the same function `make`. */
  bodyFor<Body extends BlockBody>(table: TableSpec, month: string, make: () => Body): Body {
    return this.#blockFor(table, month, make).body
  }

  #blockFor<Body extends BlockBody>(table: TableSpec, month: string, make: () => Body): OpenBlock<Body> {
    let months = this.#open.get(table)
    if (months === undefined) this.#open.set(table, (months = new Map()))
    // A table has one kind of body, which `make` creates.
    const open = months.get(month) as OpenBlock<Body> | undefined
    if (open !== undefined && open.body.length < BLOCK_BYTES_MAX) return open
    if (open !== undefined) this.#cut(open, table, month)
    const seq = this.#nextSeq++
    const body = (this.#idle.get(table)?.pop() as Body | undefined) ?? make()
    const block = { seq, body, prefix: this.#prefix(seq) }
    months.set(month, block)
    return block
  }

  #cut({ seq, body }: OpenBlock<BlockBody>, table: TableSpec, month: string): void {
    const room = body.length < PACK_BYTES_MIN ? NO_ROOM : (this.#rooms.pop() ?? NO_ROOM)
    const rows = body.take({ topic: this.#topic, partition: this.#partition, seq }, room)
    this.#closed.push({ seq, table, month, format: body.format, rows })
    const idle = this.#idle.get(table)
    if (idle === undefined) this.#idle.set(table, [body])
    else idle.push(body)
  }

  /**
   * Ends the transaction's blocks with its one row of `watermarks` and returns them in the order of their numbers. The
   * group ends with it when `forceEnd` is true, or because of its age or bytes. `loadedSeq` is the number up to which
   * ClickHouse is known to have the task's blocks.
   */
  async finish(end: LogMark, forceEnd: boolean, loadedSeq: number): Promise<TopicAppend[]> {
    const last = this.rowsFor(TABLES.watermarks, '')
    last.rows.raw(last.prefix)
    last.rows.u64(end.watermarkMs)
    last.rows.u64(end.position)
    last.rows.u64(Number(this.#blocksEnd))
    const after = this.#after
    this.#after = historyOf(end)
    for (const [table, months] of this.#open) {
      for (const [month, block] of months) this.#cut(block, table, month)
    }
    const blocks = this.#closed.toSorted((left, right) => left.seq - right.seq)
    this.#closed = []
    this.#open.clear()

    for (const { rows } of blocks) this.#bytesSinceBorder += rows.length
    const nowMs = this.#clock.monotonicMs()
    const ageMsMax = this.#isBehind(loadedSeq, nowMs) ? GROUP_AGE_BEHIND_MS : GROUP_AGE_MS
    const ends =
      forceEnd || nowMs - this.#lastBorderMs >= ageMsMax || this.#bytesSinceBorder >= GROUP_BYTES_MAX
    if (ends) {
      this.#awaited ??= { lastSeq: this.#nextSeq - 1, atMs: nowMs }
      this.#lastBorderMs = nowMs
      this.#bytesSinceBorder = 0
    }
    this.#groupOpen = !ends
    this.#unacknowledged = blocks.length
    const begins = this.#beginsGroup
    this.#beginsGroup = false
    return await Promise.all(
      blocks.map((block, index) =>
        this.#append(block, {
          ...(index === 0 && { [BLOCK_HEADER.after]: after }),
          ...(index === 0 && begins && { [BLOCK_HEADER.groupBegins]: '1' }),
          ...(index === blocks.length - 1 && ends && { [BLOCK_HEADER.groupEnds]: '1' }),
        }),
      ),
    )
  }

  /** The transaction that began with the blocks of the last `finish` is committed; `offsets` are those of its records. */
  acknowledged(offsets: readonly bigint[]): void {
    const newest = offsets[this.#unacknowledged - 1]
    if (newest !== undefined) this.#blocksEnd = newest + 1n
    this.#unacknowledged = 0
  }

  #isBehind(loadedSeq: number, nowMs: number): boolean {
    if (this.#awaited !== null && loadedSeq >= this.#awaited.lastSeq) this.#awaited = null
    return this.#awaited !== null && nowMs - this.#awaited.atMs >= BEHIND_AFTER_MS
  }

  async #append(block: ClosedBlock, borders: Readonly<Record<string, string>>): Promise<TopicAppend> {
    const headers: Record<string, string> = {
      [BLOCK_HEADER.table]: block.table.name,
      [BLOCK_HEADER.columns]: block.table.columns.join(','),
      [BLOCK_HEADER.tablePartition]: block.month,
      [BLOCK_HEADER.seq]: String(block.seq),
      ...borders,
    }
    if (block.format !== 'RowBinary') headers[BLOCK_HEADER.format] = block.format
    const isPacked = block.rows.length >= PACK_BYTES_MIN
    if (isPacked) headers[BLOCK_HEADER.encoding] = 'zstd'
    const value = isPacked ? await outside(packed(block.rows)) : block.rows
    if (isPacked) this.#rooms.push(Buffer.from(block.rows.buffer))
    return { topic: this.#topic, partition: this.#partition, key: null, value, headers }
  }

  #prefix(seq: number): Raw {
    const writer = new RowWriter(this.#topic.length + 16)
    writer.string(this.#topic)
    writer.u16(this.#partition)
    writer.u64(seq)
    return rawOf(writer.take())
  }
}

/** The month of a time as table partitions name it, `YYYYMM` in UTC. */
export function monthOf(atMs: number): string {
  const at = new Date(atMs)
  return String(at.getUTCFullYear() * 100 + at.getUTCMonth() + 1)
}
