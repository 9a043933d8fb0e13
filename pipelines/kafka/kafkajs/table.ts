import type { Admin } from 'kafkajs'
import { logRanges } from './admin.ts'
import { createKafka } from './client.ts'
import type { KafkaOptions } from './client.ts'
import { LogReader } from './log-reader.ts'
import type { LogRecord } from '../../log/records.ts'

/** A read waits this long for the table to reach the log's end; after that its answer has the older `as_of`. */
export const REACH_TIMEOUT_MS = 250

/** How often a waiting read checks the positions. */
const REACH_STEP_MS = 5

/** Tries after the first one of a request for the ends: a read must not wait long. */
const LOOK_RETRIES_MAX = 2

/** A compacted topic, followed to its end and beyond. */
export interface StateTable {
  /** Resolves when the table has read what the topic held at the start; rejects if it can no longer follow. */
  start(): Promise<void>
  readonly loaded: boolean
  /** What the table still waits for, in words. */
  waitingFor(): string[]
  /**
   * Waits until the table has reached the partition's end as of now. Reads that come while a request for the ends is under
   * way share the next one. False: 250 ms were not enough.
   */
  reach(partition: number): Promise<boolean>
  stop(): Promise<void>
  /** Resolves if the table can no longer follow. */
  readonly failed: Promise<Error>
}

export interface CompactedTableOptions extends KafkaOptions {
  readonly topic: string
  readonly groupId: string
  readonly partitions: number
  readonly onRecord: (record: LogRecord) => void
}

export class CompactedTable implements StateTable {
  readonly failed: Promise<Error>
  readonly #options: CompactedTableOptions
  readonly #reader: LogReader
  readonly #admin: Admin
  readonly #positions: bigint[]
  #ends: Promise<ReadonlyMap<number, bigint>> | undefined
  #nextEnds: Promise<ReadonlyMap<number, bigint>> | undefined
  #loaded = false
  #failure: Error | undefined
  #behind: number[] = []
  #stopped = false

  constructor(options: CompactedTableOptions) {
    this.#options = options
    this.#positions = Array.from({ length: options.partitions }, () => 0n)
    this.#admin = createKafka(options).admin({ retry: { retries: LOOK_RETRIES_MAX } })
    const { promise, resolve } = Promise.withResolvers<Error>()
    this.failed = promise
    this.#reader = new LogReader({
      ...options,
      paused: false,
      onRecords: (_partition, records) => {
        for (const record of records) options.onRecord(record)
      },
      onPosition: (partition, position) => {
        if (position > (this.#positions[partition] ?? 0n)) this.#positions[partition] = position
      },
      onJoined: () => {
        for (const [partition, position] of this.#positions.entries()) {
          if (position > 0n) this.#reader.seek(partition, position)
        }
      },
      onFailed: (error) => {
        this.#failure = error
        resolve(error)
      },
    })
  }

  get loaded(): boolean {
    return this.#loaded
  }

  waitingFor(): string[] {
    if (this.#loaded) return []
    const { topic } = this.#options
    return this.#behind.length === 0
      ? [`${topic} to be read`]
      : this.#behind.map((partition) => `${topic}[${partition}] to be read to its end`)
  }

  async start(): Promise<void> {
    await this.#admin.connect()
    await this.#reader.start()
    const ends = await this.#listEnds()
    for (;;) {
      this.#behind = [...ends].filter(([partition, end]) => !this.#has(partition, end)).map(([p]) => p)
      if (this.#behind.length === 0 || this.#stopped) break
      if (this.#failure !== undefined) throw this.#failure
      await this.#options.clock.delay(REACH_STEP_MS)
    }
    this.#loaded = true
  }

  async reach(partition: number): Promise<boolean> {
    const { clock } = this.#options
    const deadline = clock.monotonicMs() + REACH_TIMEOUT_MS
    const timeout = clock.delay(REACH_TIMEOUT_MS).then(() => undefined)
    const ends = await Promise.race([this.#sharedEnds().catch(() => undefined), timeout])
    const end = ends?.get(partition)
    if (end === undefined) return false
    while (!this.#has(partition, end)) {
      if (clock.monotonicMs() >= deadline) return false
      await clock.delay(REACH_STEP_MS)
    }
    return true
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.allSettled([this.#reader.stop(), this.#admin.disconnect()])
  }

  #has(partition: number, end: bigint): boolean {
    return (this.#positions[partition] ?? 0n) >= end
  }

  /**
   * A listing that was sent after this call. One that is already under way is too old, so the calls that meet it share the
   * next.
   */
  async #sharedEnds(): Promise<ReadonlyMap<number, bigint>> {
    if (this.#ends === undefined) {
      this.#ends = this.#listEnds().finally(() => {
        this.#ends = this.#nextEnds
        this.#nextEnds = undefined
      })
      return await this.#ends
    }
    const underWay = this.#ends
    this.#nextEnds ??= underWay.then(
      () => this.#followingEnds(),
      () => this.#followingEnds(),
    )
    return await this.#nextEnds
  }

  async #followingEnds(): Promise<ReadonlyMap<number, bigint>> {
    return await this.#listEnds().finally(() => {
      this.#ends = this.#nextEnds
      this.#nextEnds = undefined
    })
  }

  async #listEnds(): Promise<ReadonlyMap<number, bigint>> {
    const ranges = await logRanges(this.#admin, this.#options.topic)
    return new Map([...ranges].map(([partition, { end }]) => [partition, end]))
  }
}
