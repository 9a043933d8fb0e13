import { join } from 'node:path'
import { withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import { createKafka } from '../../../pipelines/kafka/kafkajs/client.ts'
import { readPartition, readRanges } from '../../../pipelines/kafka/read.ts'
import type { LogRecord, TopicAppend } from '../../../pipelines/log/records.ts'
import { splitIntoSends } from '../../../pipelines/log/sends.ts'
import { originalReceipt, receiptHeaders } from '../../../pipelines/usage/receipt.ts'
import { ID_KEY, readKeyFile } from '../../../services/runtime/key-file.ts'
import { TOPICS } from '../../../schemas/topics.ts'
import type { TopicRole } from '../../../schemas/topics.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { until } from '../../support/until.ts'

/** A topic is deleted within this. */
const DELETED_MS = 20_000

/** The number of records in the copy of a partition. */
export type Copied = readonly number[]

/**
 * Whether the records of a copy state when the first ones were received, as a replay does, or have the times of their
 * log, for which `makeTopicWithTimes` makes the topic. If an event that came too early at first were received anew, it
 * would count.
 */
export type CopiedTimes = 'stated' | 'kept'

interface Copying {
  readonly from: Installation
  readonly to: Installation
  readonly role: TopicRole
  readonly times: CopiedTimes
}

/**
 * Copies the committed records of a topic into the topic of another installation on the same Kafka: partition by
 * partition, in order, with keys, values and headers. Offsets are new: aborted records leave no gaps. Times are stated in
 * headers, or are those of the log. (Where a header is there twice, which only foreign producers write, the last one is
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
  const stated = times === 'stated' ? statedReceipts(from, to, role) : null
  const producer = createKafka(to.kafka).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    // Every record names its own partition.
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
      const appends = records.map((record) => toAppend(record, topic, stated))
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

/**
 * The headers that state a record's receipt to the installation that gets the copy: the receipt by which it was judged at
 * first.
 */
function statedReceipts(
  from: Installation,
  to: Installation,
  role: TopicRole,
): (record: LogRecord) => Readonly<Record<string, string>> {
  const [before, after] = [from, to].map((one) => readKeyFile(ID_KEY, join(one.dir, 'id.key'))) as [
    Buffer,
    Buffer,
  ]
  return (record) => {
    if (record.value === null) return {}
    const receiptMs = originalReceipt(before, from.topics[role], record) ?? record.timestampMs
    return receiptHeaders(after, to.topics[role], receiptMs, record.value)
  }
}

function toAppend(
  record: LogRecord,
  topic: string,
  stated: ReturnType<typeof statedReceipts> | null,
): TopicAppend & { timestamp?: string } {
  const { partition, key, value, headers, timestampMs } = record
  const timestamp = stated === null ? { timestamp: String(timestampMs) } : {}
  const copied = { ...headers, ...stated?.(record) }
  return { topic, partition, key: key?.toString('utf8') ?? null, value, headers: copied, ...timestamp }
}

/**
 * Makes the topic anew, empty, and such that its records have the times that their sender gives them. (In a topic that is
 * changed instead, the first records of the copy may still get the time of the broker's clock.)
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

/** For all records that are appended from here on, the receipt is again the time at which the broker takes them. */
async function stampByBroker(installation: Installation): Promise<void> {
  const { exitCode, output } = await installation.command('migrate')
  if (exitCode !== 0) throw new Error(`migrate ended with ${exitCode}: ${output}`)
}
