import { withAdmin } from '../../pipelines/kafka/admin.ts'
import { createKafka } from '../../pipelines/kafka/client.ts'
import { readPartition, readRanges } from '../../pipelines/kafka/read.ts'
import type { LogRecord, TopicAppend } from '../../pipelines/kafka/records.ts'
import { splitIntoSends } from '../../pipelines/kafka/transaction.ts'
import { TOPICS } from '../../schemas/topics.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import type { Installation } from '../support/installation.ts'
import { until } from '../support/until.ts'

/** A topic is deleted within this. */
const DELETED_MS = 20_000

/** How many records a partition's copy has. */
export type Copied = readonly number[]

/** Whether a copy is received anew, or has the times of its log: for that its topic is made by `makeTopicWithTimes`. */
export type CopiedTimes = 'new' | 'kept'

interface Copying {
  readonly from: Installation
  readonly to: Installation
  readonly role: TopicRole
  readonly times: CopiedTimes
}

/**
 * Copies the committed records of a topic into the topic of another installation on the same Kafka: partition by
 * partition, in order, with keys, values and headers. Offsets are new ones: what aborted leaves no gaps. Times are new
 * ones, too, or those of the log. (Of a header that stands twice, which only foreign producers write, the last one is
 * kept.)
 */
export async function copyTopic(copying: Copying): Promise<Copied> {
  const { from, to, role, times } = copying
  const ranges = await readRanges({ ...from.kafka, topic: from.topics[role] })
  const copied = await Promise.all(
    Array.from({ length: from.partitions }, (_, partition) =>
      copyPartition(copying, partition, ranges.get(partition)?.end ?? 0n),
    ),
  )
  if (times === 'kept') await stampByBroker(to)
  return copied
}

async function copyPartition(
  { from, to, role, times }: Copying,
  partition: number,
  end: bigint,
): Promise<number> {
  const topic = to.topics[role]
  const producer = createKafka(to.kafka).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    // Every record names its own.
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition ?? 0,
  })
  let copied = 0
  await producer.connect()
  try {
    const batches = readPartition({ ...from.kafka, topic: from.topics[role], partition, to: end })
    for await (const records of batches) {
      const appends = records.map((record) => toAppend(record, topic, times))
      for (const send of splitIntoSends(appends)) {
        const messages = send.map(({ headers = {}, ...append }) =>
          Object.assign(append, { headers: { ...headers } }),
        )
        await producer.send({ topic, acks: -1, messages })
      }
      copied += records.length
    }
  } finally {
    await producer.disconnect()
  }
  return copied
}

function toAppend(
  { partition, key, value, headers, timestampMs }: LogRecord,
  topic: string,
  times: CopiedTimes,
): TopicAppend & { timestamp?: string } {
  const timestamp = times === 'kept' ? { timestamp: String(timestampMs) } : {}
  return { topic, partition, key: key?.toString('utf8') ?? null, value, headers, ...timestamp }
}

/**
 * Makes the topic anew, empty, and so that its records have the times that their sender gives them. (A topic that is changed
 * instead may stamp the first records of its copy still by the broker's clock.)
 */
export async function makeTopicWithTimes(installation: Installation, role: TopicRole): Promise<void> {
  const topic = installation.topics[role]
  const { partitions: numPartitions, replicationFactor } = installation
  const configEntries = [
    { name: 'message.timestamp.type', value: 'CreateTime' },
    { name: 'max.message.bytes', value: String(TOPICS[role].messageBytesMax) },
    { name: 'retention.ms', value: '-1' },
  ]
  await withAdmin(installation.kafka, async (admin) => {
    await admin.deleteTopics({ topics: [topic] })
    await until(`${topic} to be gone`, DELETED_MS, async () => !(await admin.listTopics()).includes(topic))
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions, replicationFactor, configEntries }],
    })
  })
}

/** Whatever is appended from here on is received when the broker takes it, as ever. */
async function stampByBroker(installation: Installation): Promise<void> {
  const { exitCode, output } = await installation.command('migrate')
  if (exitCode !== 0) throw new Error(`migrate ended with ${exitCode}: ${output}`)
}
