import { systemRandom } from '../../../pipelines/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { ensureTopics, logRanges, withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import type { LogAppend } from '../../../pipelines/log/records.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { usageEventsCodec } from '../../../schemas/avro.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { PlacedEvent } from './events.ts'

const LEADERS_TIMEOUT_MS = 15_000
const LEADERS_STEP_MS = 50

/** kafkajs groups the records of a send by partition in quadratic time. */
const SEND_RECORDS_MAX = 5_000
const SEND_EVENTS_MAX = 10_000

const client = (brokers: readonly string[]) => ({
  brokers,
  clientId: 'bench',
  logger: silentLogger,
  clock: systemClock,
  random: systemRandom,
})

/** Makes a topic that keeps everything and stamps LogAppendTime; resolves when every partition has a leader. */
export async function makeTopic(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
}): Promise<void> {
  const { topic, partitions } = options
  const configEntries = [
    { name: 'message.timestamp.type', value: 'LogAppendTime' },
    { name: 'retention.ms', value: '-1' },
    { name: 'retention.bytes', value: '-1' },
  ]
  await withAdmin(client(options.brokers), async (admin) => {
    await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
    })
    const deadlineMs = systemClock.monotonicMs() + LEADERS_TIMEOUT_MS
    for (;;) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }))
      if (topics[0]?.partitions.every(({ leader }) => leader >= 0) === true) return
      if (systemClock.monotonicMs() > deadlineMs) throw new Error(`Topic ${topic} has no leaders.`)
      await systemClock.delay(LEADERS_STEP_MS)
    }
  })
}

/** Makes all of Hivemeter's topics under a prefix. */
export async function makeOwnTopics(
  brokers: readonly string[],
  prefix: string,
  partitions: number,
): Promise<void> {
  const options = { ...client(brokers), prefix, partitions, clock: systemClock }
  await ensureTopics({ ...options, replicationFactor: 1, retention: 'size' })
}

let made = 0

/** Makes all of Hivemeter's topics under a prefix that no other turn of any run has, and returns it. */
export async function newTopics(brokers: readonly string[], partitions: number): Promise<string> {
  const prefix = `bench-${process.pid}-${++made}-`
  await makeOwnTopics(brokers, prefix, partitions)
  return prefix
}

/** Deletes the topics whose names begin like this: otherwise a bench on one broker would fill its disk. */
export async function dropTopics(brokers: readonly string[], prefix: string): Promise<void> {
  await withAdmin(client(brokers), async (admin) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix))
    if (topics.length > 0) await admin.deleteTopics({ topics })
  })
}

/** One past the last offset of each partition, in their order. */
export async function topicEnds(brokers: readonly string[], topic: string): Promise<number[]> {
  const ranges = await withAdmin(client(brokers), (admin) => logRanges(admin, topic))
  return Array.from({ length: ranges.size }, (_, partition) => Number(ranges.get(partition)?.end ?? 0n))
}

/** The value of a record with the events that go into it together. */
export type Encode = (events: UsageEvent[]) => Buffer

/** In the form in which the gateway writes them. */
const asUsageRecord: Encode = (events) => usageEventsCodec.encode({ events })

/**
 * Fills a topic with `pack` events of one partition per record. The key of a single event is its node, as producers have
 * it.
 */
export class TopicFiller {
  readonly #producer: IdempotentProducer
  readonly #pack: number
  readonly #encode: Encode
  readonly #open: UsageEvent[][] = []
  #records: LogAppend[] = []
  #events = 0

  constructor(options: {
    readonly brokers: readonly string[]
    readonly topic: string
    readonly pack: number
    readonly encode?: Encode
  }) {
    this.#pack = options.pack
    this.#encode = options.encode ?? asUsageRecord
    this.#producer = new IdempotentProducer({
      ...client(options.brokers),
      topic: options.topic,
      metrics: noMetrics,
    })
  }

  /** Takes an event; waits where a send is due. */
  async add({ event, partition }: Pick<PlacedEvent, 'event' | 'partition'>): Promise<void> {
    const open = (this.#open[partition] ??= [])
    open.push(event)
    this.#events++
    if (open.length === this.#pack) this.#close(partition)
    if (this.#records.length >= SEND_RECORDS_MAX || this.#events >= SEND_EVENTS_MAX) await this.#send()
  }

  /** Sends what is left, full records or not. */
  async flush(): Promise<void> {
    for (const partition of this.#open.keys()) this.#close(partition)
    await this.#send()
  }

  async end(): Promise<void> {
    await this.flush()
    await this.#producer.stop()
  }

  #close(partition: number): void {
    const events = this.#open[partition] ?? []
    if (events.length === 0) return
    const [first] = events
    const key = this.#pack === 1 && first !== undefined ? first.node_id : null
    this.#records.push({ partition, key, value: this.#encode(events) })
    this.#open[partition] = []
  }

  async #send(): Promise<void> {
    const records = this.#records
    this.#records = []
    this.#events = 0
    if (records.length > 0) await this.#producer.append(records)
  }
}
