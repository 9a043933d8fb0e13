import { systemClock } from '../../../pipelines/clock.ts'
import { logRanges, withAdmin } from '../../../pipelines/kafka/admin.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import type { LogAppend } from '../../../pipelines/kafka/records.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { usageEventsCodec } from '../../../schemas/avro.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { PlacedEvent } from './single-events.ts'

/** kafkajs groups the records of a send by partition in quadratic time. */
const RECORDS_PER_SEND = 5_000
const LEADERS_TIMEOUT_MS = 15_000
const LEADERS_STEP_MS = 50

/** Makes a topic that keeps all it gets and stamps LogAppendTime; resolves when every partition has a leader. */
export async function makeTopic(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
}): Promise<void> {
  const { topic, partitions } = options
  await withAdmin(
    { brokers: options.brokers, clientId: 'bench-peers', logger: silentLogger },
    async (admin) => {
      await admin.createTopics({
        waitForLeaders: false,
        topics: [
          {
            topic,
            numPartitions: partitions,
            replicationFactor: 1,
            configEntries: [
              { name: 'message.timestamp.type', value: 'LogAppendTime' },
              { name: 'retention.ms', value: '-1' },
              { name: 'retention.bytes', value: '-1' },
            ],
          },
        ],
      })
      const deadlineMs = systemClock.monotonicMs() + LEADERS_TIMEOUT_MS
      for (;;) {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }))
        if (topics[0]?.partitions.every(({ leader }) => leader >= 0) === true) return
        if (systemClock.monotonicMs() > deadlineMs) throw new Error(`Topic ${topic} has no leaders.`)
        await systemClock.delay(LEADERS_STEP_MS)
      }
    },
  )
}

/** One past the last offset of each partition, in their order. */
export async function topicEnds(options: {
  readonly brokers: readonly string[]
  readonly topic: string
}): Promise<number[]> {
  const ranges = await withAdmin(
    { brokers: options.brokers, clientId: 'bench-peers', logger: silentLogger },
    (admin) => logRanges(admin, options.topic),
  )
  return Array.from({ length: ranges.size }, (_, partition) => Number(ranges.get(partition)?.end ?? 0n))
}

/** Fills `topic` with usage-events.v1 records of one event each, without keys, by partition of the node. */
export async function fillSingle(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly events: Iterable<PlacedEvent>
}): Promise<void> {
  await fillTopic({ ...options, encode: (event) => usageEventsCodec.encode({ events: [event] }) })
}

/** Fills `topic` with what `encode` makes of each event, one event a record. */
export async function fillTopic(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly events: Iterable<PlacedEvent>
  readonly encode: (event: UsageEvent) => Buffer
}): Promise<void> {
  const producer = new IdempotentProducer({
    brokers: options.brokers,
    clientId: 'bench-peers',
    topic: options.topic,
    logger: silentLogger,
    metrics: noMetrics,
  })
  try {
    let records: LogAppend[] = []
    for (const { event, partition } of options.events) {
      records.push({ partition, key: null, value: options.encode(event) })
      if (records.length < RECORDS_PER_SEND) continue
      await producer.append(records)
      records = []
    }
    await producer.append(records)
  } finally {
    await producer.stop()
  }
}
