import type { Consumer } from 'kafkajs'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { LogRange } from './admin.ts'
import { samePartitionAssignerBelow } from './assigner.ts'
import { createKafka, LEADERS_AGE_MS_MAX, toRecord } from './client.ts'
import type { KafkaOptions } from './client.ts'
import { LogOffsets } from './log-offsets.ts'
import { OffsetCommits } from './offset-commits.ts'
import { HaltError } from './records.ts'
import type { LogRecord } from './records.ts'
import { batchUnreadable } from './restore-halts.ts'

/** Nobody loads the partitions of a loader that died for so long. Its handlers send heartbeats while ClickHouse works. */
export const LOADER_SESSION_TIMEOUT_MS = 10_000
const HEARTBEAT_INTERVAL_MS = 1_000
const REBALANCE_TIMEOUT_MS = 60_000
const FETCH_WAIT_MS = 100
/** A fetch waits for so much, or its time: a steady flow comes in fewer of them. */
const FETCH_BYTES_MIN = 65_536
const FETCH_BYTES_MAX = 32 * 1_048_576
const PARTITION_BYTES_MAX = 4 * 1_048_576
const CONCURRENT_PARTITIONS_MAX = 64
/** As long as those of the tasks: a member that starts anew has another name, for whose former self the group waits. */
const CONSUMER_RETRIES_MAX = 30

/** What the consumer does next with a partition. */
export type BlockOutcome =
  | { readonly next: 'continue' }
  /** Gathering starts again at `offset` after `restMs`: nothing of what was gathered is known to be loaded. */
  | { readonly next: 'again'; readonly offset: bigint; readonly restMs: number }
  /**
   * A heartbeat failed: the group rebalances, or its coordinator did not answer. kafkajs must see the error, and where it
   * does not join again it must deliver from `offset`: what was gathered is dropped.
   */
  | { readonly next: 'broken'; readonly offset: bigint; readonly error: unknown }

/** What a handler may do while it works. */
export interface BlockSession {
  /** Keeps the membership alive; throws when the group rebalances or does not answer: the handler ends as `broken`. */
  heartbeat(): Promise<void>
  /** Age of the last heartbeat that the group's coordinator answered. */
  heartbeatAgeMs(): number
  /** Has `offset` committed as the next to read; a commit that fails is as good as none, since loading looks first. */
  commit(offset: bigint): void
  /** What the partition holds now. */
  logRange(): Promise<LogRange>
  /** Offset of the first record whose log time is `timeMs` or later; the log's end where there is none. */
  offsetAt(timeMs: number): Promise<bigint>
  /** True: the process ends. A fetch may hold more groups than a stop can wait for; the next loader goes on from there. */
  isEnding(): boolean
}

export interface BlockConsumerOptions extends KafkaOptions {
  readonly topics: readonly string[]
  /** Partitions that count; others, which somebody added, are left alone. */
  readonly partitions: number
  readonly groupId: string
  readonly clock: Clock
  /** The group gave these partitions (again): whatever was gathered is dropped. */
  readonly onAssigned: (topic: string, partitions: readonly number[]) => void
  readonly onRecords: (
    topic: string,
    partition: number,
    records: readonly LogRecord[],
    session: BlockSession,
  ) => Promise<BlockOutcome>
  readonly onHalt: (topic: string, partition: number, halt: HaltError) => void
}

/** Feeds blocks to the loader, in order per partition, and commits the offsets that it says. */
export class BlockConsumer {
  readonly failed: Promise<Error>
  readonly #options: BlockConsumerOptions
  readonly #logger: Logger
  readonly #consumer: Consumer
  readonly #logOffsets: LogOffsets
  readonly #commits = new OffsetCommits()
  readonly #fail: (error: Error) => void
  readonly #stopping = new AbortController()
  #lastHeartbeatMs: number
  #assigned: ReadonlyMap<string, readonly number[]> | undefined

  constructor(options: BlockConsumerOptions) {
    this.#options = options
    this.#logger = options.logger
    this.#lastHeartbeatMs = options.clock.monotonicMs()
    const { promise, resolve } = Promise.withResolvers<Error>()
    this.failed = promise
    this.#fail = resolve
    this.#logOffsets = new LogOffsets(options)
    this.#consumer = createKafka(options).consumer({
      groupId: options.groupId,
      partitionAssigners: [samePartitionAssignerBelow(options.partitions)],
      sessionTimeout: LOADER_SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      metadataMaxAge: LEADERS_AGE_MS_MAX,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      minBytes: FETCH_BYTES_MIN,
      maxBytes: FETCH_BYTES_MAX,
      maxBytesPerPartition: PARTITION_BYTES_MAX,
      retry: { retries: CONSUMER_RETRIES_MAX },
    })
  }

  /** Partitions by topic, once the group has given any. */
  get assigned(): ReadonlyMap<string, readonly number[]> | undefined {
    return this.#assigned
  }

  async start(): Promise<void> {
    const consumer = this.#consumer
    const { clock, topics, onAssigned } = this.#options
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#lastHeartbeatMs = clock.monotonicMs()
      this.#assigned = new Map(Object.entries(payload.memberAssignment))
      for (const [topic, partitions] of this.#assigned) {
        onAssigned(topic, partitions)
        consumer.resume([{ topic, partitions: [...partitions] }])
      }
    })
    consumer.on(consumer.events.HEARTBEAT, () => {
      this.#lastHeartbeatMs = clock.monotonicMs()
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.#fail(payload.error)
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [...topics], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS_MAX,
      eachBatch: async (fetched) => {
        const { batch } = fetched
        const { topic, partition } = batch
        if (fetched.isStale()) return
        const records = batch.messages.map((message) => toRecord(partition, message))
        const unreadable = records.find((record) => record.unreadable !== undefined)
        const outcome = await this.#handle(topic, partition, records, {
          heartbeat: () => fetched.heartbeat(),
          heartbeatAgeMs: () => clock.monotonicMs() - this.#lastHeartbeatMs,
          commit: (offset) => {
            const topics = [{ topic, partitions: [{ partition, offset: offset.toString() }] }]
            this.#commits.commit(`${topic}/${partition}`, () =>
              this.#try(() => fetched.commitOffsetsIfNecessary({ topics })),
            )
          },
          logRange: () => this.#logOffsets.rangeOf(topic, partition),
          offsetAt: (timeMs) => this.#logOffsets.at(topic, partition, timeMs),
          isEnding: () => this.#stopping.signal.aborted,
        })
        if (outcome === undefined) return
        if (outcome.next === 'continue') {
          // What stands before it is taken; the next fetch begins with it, and halts.
          if (unreadable === undefined) fetched.resolveOffset(batch.lastOffset())
          else consumer.seek({ topic, partition, offset: unreadable.offset.toString() })
          return
        }
        if (outcome.next === 'broken') {
          consumer.seek({ topic, partition, offset: outcome.offset.toString() })
          throw outcome.error
        }
        consumer.pause([{ topic, partitions: [partition] }])
        consumer.seek({ topic, partition, offset: outcome.offset.toString() })
        void this.#resumeLater(topic, partition, outcome.restMs)
      },
    })
  }

  /** One try of a commit: kafkajs' own would be made again and again at a coordinator that hangs. */
  async #try(commit: () => Promise<void>): Promise<void> {
    try {
      await commit()
    } catch (error) {
      this.#logger.debug({ err: error }, 'the group offset was not committed; nothing depends on it')
    }
  }

  /** What is delivered next of the partition begins at `offset`; nothing where another has it now. */
  redeliver(topic: string, partition: number, offset: bigint): void {
    if (this.#assigned?.get(topic)?.includes(partition) !== true) return
    this.#consumer.seek({ topic, partition, offset: offset.toString() })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#logOffsets.stop()
    await this.#consumer.disconnect()
  }

  async #handle(
    topic: string,
    partition: number,
    records: readonly LogRecord[],
    session: BlockSession,
  ): Promise<BlockOutcome | undefined> {
    const [first] = records
    const end = records.findIndex((record) => record.unreadable !== undefined)
    try {
      if (end === 0 && first !== undefined) throw batchUnreadable(`${topic}[${partition}]`, first)
      const readable = end < 0 ? records : records.slice(0, end)
      return await this.#options.onRecords(topic, partition, readable, session)
    } catch (error) {
      if (!(error instanceof HaltError)) throw error
      this.#consumer.pause([{ topic, partitions: [partition] }])
      this.#logger.error(
        { topic, partition, reason: error.reason, remedy: error.remedy },
        `partition halted: ${error.message}`,
      )
      this.#options.onHalt(topic, partition, error)
      return undefined
    }
  }

  async #resumeLater(topic: string, partition: number, restMs: number): Promise<void> {
    await this.#options.clock.delay(restMs, this.#stopping.signal)
    if (this.#stopping.signal.aborted) return
    this.#consumer.resume([{ topic, partitions: [partition] }])
  }
}
