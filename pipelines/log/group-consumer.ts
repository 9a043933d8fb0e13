import type { LogRecord } from './records.ts'

/** One fetched batch of a partition, as its handler gets it. */
export interface FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly LogRecord[]
  /** Offset of the last record that was fetched, including markers and records that were filtered out. */
  readonly lastOffset: bigint
  /** True once the consumer was moved elsewhere by a seek: the batch must not be handled any more. */
  isStale(): boolean
  /**
   * All of the batch is done: the next fetch continues after it. Without this call, and without a seek, the same batch
   * comes again.
   */
  resolve(): void
  /** Keeps the membership alive. Rejects when the group rebalances or does not answer; the handler must pass it on. */
  heartbeat(): Promise<void>
  /**
   * Has `offset` committed as the group's next offset to read of this partition, in one try. Rejects where the result is
   * not known.
   */
  commit(offset: bigint): Promise<void>
}

/** A fetched range before its handler; `first` is null where all of it is below the requested offset. */
export interface FetchedRange {
  readonly first: bigint | null
  readonly last: bigint
  readonly records: number
  /** One past the partition's newest record, as the broker reported it with the answer. */
  readonly end: bigint
}

/** What a consumer calls. None of these may throw, except `onBatch`. */
export interface GroupConsumerHandlers {
  /** The group assigned these partitions, by topic: called at each generation, even where nothing changed. */
  onAssigned(partitions: ReadonlyMap<string, readonly number[]>): void
  /** The coordinator answered a heartbeat of this generation. */
  onHeartbeat(): void
  /** Called for every fetched range, even if no record of it is left and no handler is called for it. */
  onFetched(topic: string, partition: number, range: FetchedRange): void
  /**
   * Partitions are handled concurrently, each one batch at a time. It may only reject with the consumer's own error from a
   * heartbeat.
   */
  onBatch(batch: FetchedBatch): Promise<void>
  /** The consumer joins the group again, or leaves it, only after this has resolved. */
  beforeRebalance(): Promise<void>
  /** The consumer has ended permanently. */
  onFailed(error: Error): void
}

/** A member of a consumer group. The loops of tasks and loaders are built on it; the client library is behind it. */
export interface GroupConsumer {
  /** Joins the group and continues in the background. */
  start(handlers: GroupConsumerHandlers): Promise<void>
  /** Makes the next delivery of the partition begin at `offset`. */
  seek(topic: string, partition: number, offset: bigint): void
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  /** Ends after the batches under way, and leaves the group. */
  stop(): Promise<void>
}
