import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import type { Consumer, Kafka as KafkaClient, KafkaMessage } from 'kafkajs'

const { Kafka, PartitionAssigners, logLevel } = kafkajs

/** Offsets that a partition holds, `[start, end)`, the end being the last stable one. */
export interface LogRange {
  readonly start: bigint
  readonly end: bigint
}

/** A committed record. */
export interface LogRecord {
  readonly partition: number
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** The first value of a header as text; null where there is none. */
  readonly header: (name: string) => string | null
}

/** A log whose broker delivers nothing for so long cannot be read. */
const SILENCE_MS_MAX = 60_000

/** Reads topics of one cluster from their beginning to their current end, and writes nothing. */
export class Log {
  readonly #kafka: KafkaClient

  constructor(brokers: readonly string[]) {
    this.#kafka = new Kafka({
      clientId: 'hivemeter-checker',
      brokers: [...brokers],
      requestTimeout: 10_000,
      retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 10 },
      logLevel: logLevel.NOTHING,
    })
  }

  /** The ranges of a topic by partition. */
  async ranges(topic: string): Promise<ReadonlyMap<number, LogRange>> {
    const admin = this.#kafka.admin()
    await admin.connect()
    try {
      const offsets = await admin.fetchTopicOffsets(topic)
      return new Map(
        offsets.map(({ partition, low, high }) => [partition, { start: BigInt(low), end: BigInt(high) }]),
      )
    } finally {
      await admin.disconnect()
    }
  }

  /** Hands on every committed record of a topic, each partition in log order. Rejects where it cannot read it to its end. */
  async read(topic: string, take: (record: LogRecord) => void): Promise<void> {
    const ranges = await this.ranges(topic)
    const behind = new Map([...ranges].filter(([, { start, end }]) => start < end))
    if (behind.size === 0) return
    const consumer = this.#kafka.consumer({
      groupId: `hivemeter-checker-${randomUUID()}`,
      partitionAssigners: [PartitionAssigners.roundRobin],
      maxWaitTimeInMs: 100,
      maxBytesPerPartition: 4 * 1_048_576,
      maxBytes: 16 * 1_048_576,
      readUncommitted: false,
    })
    try {
      await follow(consumer, topic, behind, take)
    } finally {
      await consumer.disconnect()
    }
  }
}

async function follow(
  consumer: Consumer,
  topic: string,
  behind: Map<number, LogRange>,
  take: (record: LogRecord) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const silence = setTimeout(() => {
    reject(new Error(`${topic}: nothing came for ${SILENCE_MS_MAX / 1_000} s`))
  }, SILENCE_MS_MAX)
  // A consumer that joins again begins again: records that were handed on are not handed on again.
  const positions = new Map<number, bigint>()
  const reached = (partition: number, position: bigint): void => {
    silence.refresh()
    if (position > (positions.get(partition) ?? 0n)) positions.set(partition, position)
    const range = behind.get(partition)
    if (range !== undefined && position >= range.end) behind.delete(partition)
    if (behind.size === 0) resolve()
  }
  consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
    // A batch that was filtered away whole (markers, aborted records) reaches no handler, and may be the last of the log.
    if (payload.batchSize === 0) reached(payload.partition, BigInt(payload.lastOffset) + 1n)
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async (fetched) => {
        const { batch } = fetched
        try {
          for (const message of batch.messages) {
            // Records that are committed after this end belong to a later reading.
            const range = behind.get(batch.partition)
            if (range !== undefined && BigInt(message.offset) < range.end)
              take(toRecord(batch.partition, message))
          }
        } catch (error) {
          reject(error)
          return
        }
        reached(batch.partition, BigInt(batch.lastOffset()) + 1n)
        await fetched.heartbeat()
      },
    })
    await promise
  } finally {
    clearTimeout(silence)
  }
}

function toRecord(partition: number, message: KafkaMessage): LogRecord {
  const { offset, key, value, headers } = message
  return {
    partition,
    offset: BigInt(offset),
    key,
    value,
    header: (name) => {
      const given = headers?.[name]
      const first = Array.isArray(given) ? given[0] : given
      return first === undefined ? null : String(first)
    },
  }
}
