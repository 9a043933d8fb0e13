import { IdTable } from './id-table.ts'
import type { Seen } from './id-table.ts'
import { DAY_MS, HOUR_MS } from '../../schemas/units.ts'

/** A bucket is closed at this many ids, or when its hour of log time ends. */
export const BUCKET_IDS = 65_536
export const BUCKET_MS = HOUR_MS

/** Buckets leave memory when their hour ended this long ago. */
export const ID_AGE_MS_MAX = 3 * DAY_MS

/** The number of ids that the tasks of one process hold together. */
export interface IdPool {
  held: number
  readonly max: number
}

/** A run of the partition's `usage.ids` records. */
interface Bucket {
  count: number
  /** Offset of its first record in usage.ids; null until its first commit is acknowledged. */
  firstOffset: bigint | null
  openedAtMs: number
  newestOccurredAt: number
  lastSeq: number
}

/** What an eviction removed from memory. It is in force with the transaction whose task record contains it. */
export interface Evicted {
  readonly ids: number
  readonly newestOccurredAt: number
  readonly lastSeq: number
}

/**
 * The ids that one task remembers, in buckets by the order of their acceptance, oldest first. A bucket leaves only when its
 * rows are in ClickHouse: from then on a repeat of one of its ids is found there.
 */
export class IdMemory {
  readonly #table = new IdTable()
  readonly #pool: IdPool
  #buckets: Bucket[] = []
  /** Ids of the open bucket that are in no record yet. */
  #unrecorded = 0
  #released = false

  constructor(pool: IdPool) {
    this.#pool = pool
  }

  get size(): number {
    return this.#table.size
  }

  find(entry: Int32Array, from = 0): Seen {
    return this.#table.find(entry, from)
  }

  /** Reads the places of `count` entries that will be looked up next. */
  touch(entries: Int32Array, count: number): void {
    this.#table.touch(entries, count)
  }

  /** Adds `entry[from, from + 6)` to the open bucket if it is new. */
  add(entry: Int32Array, from = 0): Seen {
    const seen = this.#table.add(entry, from)
    if (seen !== 'new') return seen
    this.#openBucket().count++
    this.#unrecorded++
    this.#pool.held++
    return 'new'
  }

  /** How many ids were added since the last `endRecord`. */
  get unrecorded(): number {
    return this.#unrecorded
  }

  /** The entries of the unrecorded ids `[from, to)`, in the order in which they were added. */
  unrecordedIds(from: number, to: number): Buffer {
    return this.#table.newest(this.#unrecorded - from, this.#unrecorded - to)
  }

  /**
   * Ends a record of usage.ids, which contains everything added since the last call. Closes the bucket where it is full or
   * its hour is over. `firstOffset` is null while the record's commit is not acknowledged.
   */
  endRecord(record: {
    readonly acceptedAtMs: number
    readonly newestOccurredAt: number
    readonly lastSeq: number
    readonly offset: bigint | null
  }): void {
    const bucket = this.#openBucket()
    this.#unrecorded = 0
    if (bucket.count === 0) return
    if (bucket.openedAtMs < 0) bucket.openedAtMs = record.acceptedAtMs
    bucket.firstOffset ??= record.offset
    bucket.newestOccurredAt = Math.max(bucket.newestOccurredAt, record.newestOccurredAt)
    bucket.lastSeq = Math.max(bucket.lastSeq, record.lastSeq)
    const hour = Math.floor(bucket.openedAtMs / BUCKET_MS)
    if (bucket.count >= BUCKET_IDS || Math.floor(record.acceptedAtMs / BUCKET_MS) !== hour) this.#newBucket()
  }

  /** The commit that wrote the buckets without an offset put their first records at `offset` or later. */
  acknowledged(offset: bigint): void {
    for (const bucket of this.#buckets) if (bucket.count > 0) bucket.firstOffset ??= offset
  }

  /** Offset of the oldest bucket's first record; null where nothing is held. */
  get oldestOffset(): bigint | null {
    return this.#buckets[0]?.firstOffset ?? null
  }

  /**
   * Forgets buckets, oldest first: those that are too old, and as many as make room for `room` more ids. Only buckets whose
   * rows are loaded up to `loadedSeq` are forgotten. The open bucket may be forgotten too, once its records are committed:
   * otherwise a memory full of open buckets would make its tasks rest for ever. Null where no bucket left.
   */
  evict(nowMs: number, loadedSeq: number, room: number): Evicted | null {
    let ids = 0
    let newestOccurredAt = Number.NEGATIVE_INFINITY
    let lastSeq = 0
    for (;;) {
      const [oldest] = this.#buckets
      if (oldest === undefined || !this.#isCommitted(oldest)) break
      const tooOld = nowMs - oldest.openedAtMs > ID_AGE_MS_MAX + BUCKET_MS
      const needed = this.#pool.held + room > this.#pool.max
      if (!(tooOld || needed) || oldest.lastSeq > loadedSeq) break
      this.#table.removeOldest(oldest.count)
      this.#buckets.shift()
      this.#pool.held -= oldest.count
      ids += oldest.count
      newestOccurredAt = Math.max(newestOccurredAt, oldest.newestOccurredAt)
      lastSeq = Math.max(lastSeq, oldest.lastSeq)
    }
    return ids === 0 ? null : { ids, newestOccurredAt, lastSeq }
  }

  /** True where `room` more ids would pass the bound of the process. */
  isFull(room: number): boolean {
    return this.#pool.held + room > this.#pool.max
  }

  /** Returns its ids to the pool: the task's state is discarded. */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#pool.held -= this.#table.size
  }

  #isCommitted(bucket: Bucket): boolean {
    const hasUnrecorded = this.#unrecorded > 0 && bucket === this.#buckets.at(-1)
    return bucket.count > 0 && bucket.firstOffset !== null && !hasUnrecorded
  }

  #openBucket(): Bucket {
    return this.#buckets.at(-1) ?? this.#newBucket()
  }

  #newBucket(): Bucket {
    const bucket: Bucket = {
      count: 0,
      firstOffset: null,
      openedAtMs: -1,
      newestOccurredAt: Number.NEGATIVE_INFINITY,
      lastSeq: 0,
    }
    this.#buckets.push(bucket)
    return bucket
  }
}
