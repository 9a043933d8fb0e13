import { promisify } from 'node:util'
import { constants as zlib, zstdCompress } from 'node:zlib'
import { BLOCK_HEADER, TABLES } from '../../schemas/tables.ts'
import type { TableSpec } from '../../schemas/tables.ts'
import { rawOf, RowWriter } from '../../schemas/rowbinary.ts'
import type { Raw } from '../../schemas/rowbinary.ts'
import type { Clock } from '../clock.ts'
import type { TopicAppend } from '../kafka/records.ts'

/** A block is cut before it passes this: one send carries it whole. */
export const BLOCK_BYTES_MAX = 800_000

/** Borders of what is inserted together (design: "The loader"): by age and by bytes. */
export const GROUP_AGE_MS = 2_000
export const GROUP_BYTES_MAX = 32 * 1_048_576

/**
 * The age while ClickHouse does not show what a border ended so long ago. A group costs the loader the same INSERTs
 * whatever its size, so after an outage larger ones are what it catches up by: with borders every 500 ms a loader on two
 * shared cores took 96 s to load what 130 s had left behind.
 */
export const GROUP_AGE_BEHIND_MS = 5_000
export const BEHIND_AFTER_MS = 5_000

/** Smaller blocks stay as they are: to set the packer up costs more than their bytes do. */
export const PACK_BYTES_MIN = 8_192

const compressed = promisify(zstdCompress)

/**
 * Blocks are packed before kafkajs sees them, on zlib's threads: it would otherwise copy and sum (CRC-32C in
 * JavaScript) all of their bytes on the one thread that counts events. Level 1: rows shrink to a fifth.
 */
const ZSTD_OPTIONS = {
  params: { [zlib.ZSTD_c_compressionLevel]: 1 },
  // A step of packing is a turn of the event loop: with the default of 16 kB an event cost about a twentieth more.
  chunkSize: 65_536,
}

/** A block that takes rows. `prefix` is the provenance that every row begins with. */
export interface OpenBlock {
  readonly seq: number
  readonly rows: RowWriter
  readonly prefix: Raw
}

interface PendingBlock extends OpenBlock {
  readonly table: TableSpec
  readonly month: string
}

/**
 * Numbers the blocks of one task and writes the borders of groups into the log, so that whoever loads a group,
 * whenever, makes the same INSERTs. Thrown away with its task after any doubt; `nextSeq` comes from the task record.
 */
export class BlockLog {
  readonly #topic: string
  readonly #partition: number
  readonly #clock: Clock
  #nextSeq: number
  #beginsGroup = true
  #lastBorderMs = Number.NEGATIVE_INFINITY
  #bytesSinceBorder = 0
  /** The end of a group that ClickHouse is not known to have, and when it was written. */
  #awaited: { readonly lastSeq: number; readonly atMs: number } | null = null
  #groupOpen: boolean
  readonly #open = new Map<TableSpec, Map<string, PendingBlock>>()
  #closed: PendingBlock[] = []
  /** Writers whose rows were taken: they keep their grown buffers. */
  readonly #idle: RowWriter[] = []

  constructor(options: {
    readonly topic: string
    readonly partition: number
    readonly nextSeq: number
    readonly clock: Clock
  }) {
    this.#topic = options.topic
    this.#partition = options.partition
    this.#nextSeq = options.nextSeq
    // The task before may have left its last group open: it ends with the first block of this one, so that is due.
    this.#groupOpen = options.nextSeq > 1
    this.#clock = options.clock
  }

  /** Number of the next block; numbers count from 1. */
  get nextSeq(): number {
    return this.#nextSeq
  }

  /** True while the last transaction's blocks belong to a group that has not ended, or may, after a restore. */
  get groupOpen(): boolean {
    return this.#groupOpen
  }

  /**
   * The block that takes the next row of a table's partition. The caller writes one whole row, `prefix` first, before
   * it asks again. `month` is `YYYYMM`, or empty where the table has no partitions.
   */
  blockFor(table: TableSpec, month: string): OpenBlock {
    let months = this.#open.get(table)
    if (months === undefined) this.#open.set(table, (months = new Map()))
    const open = months.get(month)
    if (open !== undefined && open.rows.length < BLOCK_BYTES_MAX) return open
    if (open !== undefined) this.#closed.push(open)
    const seq = this.#nextSeq++
    const rows = this.#idle.pop() ?? new RowWriter()
    const block = { seq, rows, prefix: this.#prefix(seq), table, month }
    months.set(month, block)
    return block
  }

  /**
   * Ends the transaction's blocks with its one row of `watermarks` and returns them in the order of their numbers.
   * The group ends with it when `forceEnd` says so, or by age or bytes. `loadedSeq` is how far ClickHouse is known to have
   * the task's blocks.
   */
  async finish(watermarkMs: number, forceEnd: boolean, loadedSeq: number): Promise<TopicAppend[]> {
    const last = this.blockFor(TABLES.watermarks, '')
    last.rows.raw(last.prefix)
    last.rows.u64(watermarkMs)
    for (const months of this.#open.values()) this.#closed.push(...months.values())
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
    const begins = this.#beginsGroup
    this.#beginsGroup = false
    return await Promise.all(
      blocks.map((block, index) =>
        this.#append(block, begins && index === 0, ends && index === blocks.length - 1),
      ),
    )
  }

  #isBehind(loadedSeq: number, nowMs: number): boolean {
    if (this.#awaited !== null && loadedSeq >= this.#awaited.lastSeq) this.#awaited = null
    return this.#awaited !== null && nowMs - this.#awaited.atMs >= BEHIND_AFTER_MS
  }

  async #append(block: PendingBlock, groupBegins: boolean, groupEnds: boolean): Promise<TopicAppend> {
    const headers: Record<string, string> = {
      [BLOCK_HEADER.table]: block.table.name,
      [BLOCK_HEADER.columns]: block.table.columns.join(','),
      [BLOCK_HEADER.tablePartition]: block.month,
      [BLOCK_HEADER.seq]: String(block.seq),
    }
    if (groupBegins) headers[BLOCK_HEADER.groupBegins] = '1'
    if (groupEnds) headers[BLOCK_HEADER.groupEnds] = '1'
    const isPacked = block.rows.length >= PACK_BYTES_MIN
    if (isPacked) headers[BLOCK_HEADER.encoding] = 'zstd'
    const value = isPacked ? await compressed(block.rows.written(), ZSTD_OPTIONS) : block.rows.take()
    block.rows.clear()
    this.#idle.push(block.rows)
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
