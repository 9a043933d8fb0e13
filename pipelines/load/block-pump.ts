import type { Clock } from '../clock.ts'
import { TASK_STATES } from '../../schemas/metrics.ts'
import type { Metrics, TaskState } from '../../schemas/metrics.ts'
import type {
  FetchedBatch,
  FetchedRange,
  GroupConsumer,
  GroupConsumerHandlers,
} from '../log/group-consumer.ts'
import { batchUnreadable, HaltError } from '../log/records.ts'
import type { LogRange, LogRecord } from '../log/records.ts'
import type { Logger } from '../logger.ts'
import type { BlockOutcome, BlockSession } from './block-session.ts'
import { OffsetCommits } from './offset-commits.ts'
import { MINUTE_MS } from '../../schemas/units.ts'

/** When a loader dies, its partitions are not loaded for this long. Its handlers send heartbeats while ClickHouse works. */
export const LOADER_SESSION_TIMEOUT_MS = 10_000
export const LOADER_REBALANCE_TIMEOUT_MS = MINUTE_MS

/** Where partitions begin and end, as the broker reports it now. */
export interface LogEdges {
  /** What the partition holds. */
  rangeOf(topic: string, partition: number): Promise<LogRange>
  /** Offset of the first record whose log time is `timeMs` or later; the log's end where there is none. */
  at(topic: string, partition: number, timeMs: number): Promise<bigint>
}

export interface BlockPumpParts {
  readonly consumer: GroupConsumer
  readonly edges: LogEdges
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** The group assigned these partitions (again): what was gathered of them is dropped. */
  readonly onPartitions: (topic: string, partitions: readonly number[]) => void
  readonly onRecords: (
    topic: string,
    partition: number,
    records: readonly LogRecord[],
    session: BlockSession,
  ) => Promise<BlockOutcome>
  readonly onHalt: (topic: string, partition: number, halt: HaltError) => void
}

/** Feeds blocks to the loader, in order for each partition, and commits the offsets that the loader names. */
export class BlockPump implements GroupConsumerHandlers {
  /** Resolves if the consumer has ended permanently. */
  readonly failed: Promise<Error>
  readonly onFailed: (error: Error) => void
  readonly #parts: BlockPumpParts
  readonly #commits = new OffsetCommits()
  /** By partition, one past the newest record, as the last fetch reported it. */
  readonly #ends = new Map<string, bigint>()
  readonly #stopping = new AbortController()
  #lastHeartbeatMs: number
  #assigned: ReadonlyMap<string, readonly number[]> | undefined

  constructor(parts: BlockPumpParts) {
    const { promise, resolve } = Promise.withResolvers<Error>()
    this.failed = promise
    this.onFailed = resolve
    this.#parts = parts
    this.#lastHeartbeatMs = parts.clock.monotonicMs()
  }

  /** Partitions by topic, once the group has assigned any. */
  get assigned(): ReadonlyMap<string, readonly number[]> | undefined {
    return this.#assigned
  }

  /** Joins the group and continues in the background. */
  async start(): Promise<void> {
    await this.#parts.consumer.start(this)
  }

  /** Ends after the groups that are being loaded, and leaves the consumer group. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#parts.consumer.stop()
  }

  /** Makes the next delivery of the partition begin at `offset`; does nothing where another process owns it now. */
  redeliver(topic: string, partition: number, offset: bigint): void {
    if (this.#assigned?.get(topic)?.includes(partition) !== true) return
    this.#parts.consumer.seek(topic, partition, offset)
  }

  onAssigned(assigned: ReadonlyMap<string, readonly number[]>): void {
    const { consumer, onPartitions } = this.#parts
    this.onHeartbeat()
    this.#forgetLost(assigned)
    this.#assigned = assigned
    for (const [topic, partitions] of assigned) {
      onPartitions(topic, partitions)
      for (const partition of partitions) {
        this.#show(topic, partition, 'running')
        consumer.resume(topic, partition)
      }
    }
  }

  onHeartbeat(): void {
    this.#lastHeartbeatMs = this.#parts.clock.monotonicMs()
  }

  /** A gap between blocks is visible in their numbers, so only the end matters. */
  onFetched(topic: string, partition: number, { end }: FetchedRange): void {
    this.#ends.set(`${topic}/${partition}`, end)
  }

  async beforeRebalance(): Promise<void> {
    // Nothing is under way outside the handlers.
  }

  async onBatch(batch: FetchedBatch): Promise<void> {
    if (batch.isStale()) return
    const { consumer } = this.#parts
    const { topic, partition } = batch
    const outcome = await this.#handle(batch)
    if (outcome === undefined) return
    if (outcome.next === 'continue') {
      const unreadable = batch.records.find((record) => record.unreadable !== undefined)
      // The records before it are taken; the next fetch begins with it, and halts.
      if (unreadable === undefined) batch.resolve()
      else consumer.seek(topic, partition, unreadable.offset)
      this.#showLag(topic, partition, outcome.openFrom ?? batch.lastOffset + 1n)
      return
    }
    consumer.seek(topic, partition, outcome.offset)
    if (outcome.next === 'broken') throw outcome.error
    consumer.pause(topic, partition)
    this.#show(topic, partition, 'waiting')
    void this.#resumeLater(topic, partition, outcome.restMs)
  }

  /** Undefined where the partition halts. */
  async #handle(batch: FetchedBatch): Promise<BlockOutcome | undefined> {
    const { topic, partition, records } = batch
    const [first] = records
    const end = records.findIndex((record) => record.unreadable !== undefined)
    try {
      if (end === 0 && first !== undefined) throw batchUnreadable(`${topic}[${partition}]`, first)
      const readable = end < 0 ? records : records.slice(0, end)
      return await this.#parts.onRecords(topic, partition, readable, this.#sessionOf(batch))
    } catch (error) {
      if (!(error instanceof HaltError)) throw error
      this.#parts.consumer.pause(topic, partition)
      this.#show(topic, partition, 'halted')
      this.#parts.logger.error(
        { topic, partition, reason: error.reason, remedy: error.remedy },
        `partition halted: ${error.message}`,
      )
      this.#parts.onHalt(topic, partition, error)
      return undefined
    }
  }

  #sessionOf(batch: FetchedBatch): BlockSession {
    const { edges, clock } = this.#parts
    const { topic, partition } = batch
    return {
      heartbeat: () => batch.heartbeat(),
      heartbeatAgeMs: () => clock.monotonicMs() - this.#lastHeartbeatMs,
      commit: (offset) => this.#commits.commit(`${topic}/${partition}`, () => this.#commit(batch, offset)),
      logRange: () => edges.rangeOf(topic, partition),
      offsetAt: (timeMs) => edges.at(topic, partition, timeMs),
      isEnding: () => this.#stopping.signal.aborted,
    }
  }

  async #commit(batch: FetchedBatch, offset: bigint): Promise<void> {
    try {
      await batch.commit(offset)
    } catch (error) {
      this.#parts.logger.debug({ err: error }, 'the group offset was not committed; nothing depends on it')
    }
  }

  async #resumeLater(topic: string, partition: number, restMs: number): Promise<void> {
    await this.#parts.clock.delay(restMs, this.#stopping.signal)
    if (this.#stopping.signal.aborted || this.#assigned?.get(topic)?.includes(partition) !== true) return
    this.#show(topic, partition, 'running')
    this.#parts.consumer.resume(topic, partition)
  }

  #forgetLost(assigned: ReadonlyMap<string, readonly number[]>): void {
    for (const [topic, partitions] of this.#assigned ?? []) {
      for (const partition of partitions) {
        if (assigned.get(topic)?.includes(partition) === true) continue
        this.#show(topic, partition, null)
        this.#ends.delete(`${topic}/${partition}`)
        this.#showLag(topic, partition, 0n)
      }
    }
  }

  /** Null: another process owns the partition. */
  #show(topic: string, partition: number, now: TaskState | null): void {
    for (const state of TASK_STATES) {
      const labels = { topic, partition, state }
      this.#parts.metrics.set('hivemeter_task_state', labels, Number(state === now))
    }
  }

  #showLag(topic: string, partition: number, doneThrough: bigint): void {
    const lag = (this.#ends.get(`${topic}/${partition}`) ?? doneThrough) - doneThrough
    const records = Math.max(0, Number(lag))
    this.#parts.metrics.set('hivemeter_consumer_lag_records', { topic, partition }, records)
  }
}
