import type { LogRecord } from './records.ts'

/** One fetched batch of a partition, at its handler. */
export interface FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly LogRecord[]
  /** Of the last record that was fetched, markers and what was filtered away included. */
  readonly lastOffset: bigint
  /** True once somebody has sought elsewhere: the batch is none of theirs any more. */
  isStale(): boolean
  /** All of it is done: the next fetch goes on behind it. Without it, and without a seek, the same comes again. */
  resolve(): void
  /** Keeps the membership alive. Rejects when the group rebalances or does not answer; the handler must let the error through. */
  heartbeat(): Promise<void>
  /** Has `offset` committed as the group's next to read of this partition, in one try. Rejects where that is not known. */
  commit(offset: bigint): Promise<void>
}

/** A fetched range before its handler; `first` is null where all of it lies below what was asked for. */
export interface FetchedRange {
  readonly first: bigint | null
  readonly last: bigint
  readonly records: number
  /** One past the partition's newest record, as the broker said with the answer. */
  readonly end: bigint
}

/** Whom a consumer tells; none of them may throw but `onBatch`. */
export interface GroupConsumerHandlers {
  /** The group gave these partitions, by topic: at each generation, also where nothing changed. */
  onAssigned(partitions: ReadonlyMap<string, readonly number[]>): void
  /** The coordinator answered a heartbeat of this generation. */
  onHeartbeat(): void
  /** Called for every fetched range, also one of which no record is left and for which no handler is called. */
  onFetched(topic: string, partition: number, range: FetchedRange): void
  /** Partitions side by side, of each one batch at a time. What it rejects with is the consumer's own error, from a heartbeat. */
  onBatch(batch: FetchedBatch): Promise<void>
  /** The consumer joins the group again, or leaves it, once this has resolved. */
  beforeRebalance(): Promise<void>
  /** The consumer ended for good. */
  onFailed(error: Error): void
}

/** A member of a consumer group. The loops of tasks and loaders stand over it; the client library is behind it. */
export interface GroupConsumer {
  /** Joins the group and goes on in the background. */
  start(handlers: GroupConsumerHandlers): Promise<void>
  /** What is delivered next of the partition begins at `offset`. */
  seek(topic: string, partition: number, offset: bigint): void
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  /** Ends after the batches at hand, and leaves the group. */
  stop(): Promise<void>
}
