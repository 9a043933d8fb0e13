import type { Consumer } from 'kafkajs'
import { samePartitionAssigner } from './assigner.ts'
import { createKafka, LEADERS_AGE_MS_MAX, toRecord } from './client.ts'
import type { KafkaOptions } from './client.ts'
import { MIB, SECOND_MS } from '../../../schemas/units.ts'
import type { HaltError, LogRecord } from '../../log/records.ts'
import { batchUnreadable } from '../../log/records.ts'

/** Longest wait of one fetch: a seek takes effect with the next one. */
const FETCH_WAIT_MS = 50
const FETCH_BYTES_MAX = 16 * MIB
const PARTITION_BYTES_MAX = 4 * MIB
const JOIN_TIMEOUT_MS = 30_000

/** After a crash of the broker kafkajs joins as a new member, and the group waits this long for the old one. */
const SESSION_TIMEOUT_MS = 10_000
const HEARTBEAT_INTERVAL_MS = 1_000
const CONSUMER_RETRIES_MAX = 8

export interface LogReaderOptions extends KafkaOptions {
  readonly topic: string
  /** Unique to this reader: it reads every partition, and nothing is ever committed. */
  readonly groupId: string
  /** True: nothing is delivered before `resume`. */
  readonly paused: boolean
  /** Gets committed records in order; it is awaited before the next records of any partition are fetched. */
  readonly onRecords: (partition: number, records: readonly LogRecord[]) => void | Promise<void>
  /** Called after every batch, counting markers and filtered records too: everything below `position` was delivered. */
  readonly onPosition: (partition: number, position: bigint) => void
  /** Called whenever the partitions were assigned: without a seek, delivery then begins anew at the log's start. */
  readonly onJoined?: () => void
  /** Called when the consumer has ended permanently. */
  readonly onFailed: (error: Error) => void
  /**
   * Called for a batch that cannot be unpacked, with which delivery of the partition stops; where it is not given,
   * `onFailed` is called instead. `'taken'`: its one record is delivered like any other.
   */
  readonly onUnreadable?: 'taken' | ((partition: number, halt: HaltError) => void)
}

/** Reads one topic, every partition, read_committed, from its beginning or from the offset of a seek. */
export class LogReader {
  readonly #options: LogReaderOptions
  readonly #consumer: Consumer
  #partitions: number[] = []

  constructor(options: LogReaderOptions) {
    this.#options = options
    this.#consumer = createKafka(options).consumer({
      groupId: options.groupId,
      partitionAssigners: [samePartitionAssigner()],
      maxWaitTimeInMs: FETCH_WAIT_MS,
      maxBytes: FETCH_BYTES_MAX,
      maxBytesPerPartition: PARTITION_BYTES_MAX,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      metadataMaxAge: LEADERS_AGE_MS_MAX,
      retry: { retries: CONSUMER_RETRIES_MAX },
    })
  }

  get partitions(): readonly number[] {
    return this.#partitions
  }

  /** Resolves when the reader has its partitions. */
  async start(): Promise<void> {
    const { topic, paused, clock, onRecords, onPosition, onFailed } = this.#options
    const consumer = this.#consumer
    const { promise: joined, resolve, reject } = Promise.withResolvers<void>()
    // The promise is awaited at the end: until then a failure must not count as an unhandled rejection.
    joined.catch(() => {})
    const over = new AbortController()
    void clock.delay(JOIN_TIMEOUT_MS, over.signal).then(() => {
      reject(new Error(`No partitions of ${topic} were assigned within ${JOIN_TIMEOUT_MS / SECOND_MS} s.`))
    })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#partitions = payload.memberAssignment[topic] ?? []
      if (paused) consumer.pause([{ topic, partitions: this.#partitions }])
      this.#options.onJoined?.()
      resolve()
    })
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
      // A batch whose records were all filtered out (markers, aborted or compacted records) reaches no handler.
      if (payload.batchSize === 0) onPosition(payload.partition, BigInt(payload.lastOffset) + 1n)
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) {
        reject(payload.error)
        onFailed(payload.error)
      }
    })
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 1,
        eachBatch: async (fetched) => {
          const { batch } = fetched
          if (fetched.isStale()) return
          const records = batch.messages.map((message) => toRecord(batch.partition, message))
          const unreadable = records.find((record) => record.unreadable !== undefined)
          if (unreadable !== undefined && this.#options.onUnreadable !== 'taken') {
            await onRecords(batch.partition, records.slice(0, records.indexOf(unreadable)))
            onPosition(batch.partition, unreadable.offset)
            this.#haltAt(unreadable)
            return
          }
          await onRecords(batch.partition, records)
          fetched.resolveOffset(batch.lastOffset())
          onPosition(batch.partition, BigInt(batch.lastOffset()) + 1n)
          await fetched.heartbeat()
        },
      })
      await joined
    } finally {
      over.abort()
    }
  }

  /** Nothing of the partition is delivered from here on, until a seek and a resume. */
  #haltAt(record: LogRecord): void {
    const { topic, onFailed, onUnreadable } = this.#options
    const { partition, offset } = record
    this.pause(partition)
    this.seek(partition, offset)
    const halt = batchUnreadable(`${topic}[${partition}]`, record)
    if (typeof onUnreadable === 'function') onUnreadable(partition, halt)
    else onFailed(halt)
  }

  /** Makes the next delivery of the partition begin at `offset`. */
  seek(partition: number, offset: bigint): void {
    this.#consumer.seek({ topic: this.#options.topic, partition, offset: offset.toString() })
  }

  resume(partition: number): void {
    this.#consumer.resume([{ topic: this.#options.topic, partitions: [partition] }])
  }

  pause(partition: number): void {
    this.#consumer.pause([{ topic: this.#options.topic, partitions: [partition] }])
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect()
  }
}
