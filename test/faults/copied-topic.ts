import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { readPartition, readRanges } from '../../pipelines/kafka/read.ts'
import type { LogAppend, LogRecord } from '../../pipelines/kafka/records.ts'
import { splitIntoSends } from '../../pipelines/kafka/transaction.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import type { Installation } from '../support/installation.ts'

/** How many records a partition's copy has. */
export type Copied = readonly number[]

/**
 * Copies the committed records of a topic into the topic of another installation on the same Kafka: partition by
 * partition, in order, with keys, values and headers. Offsets and times are new ones: what aborted leaves no gaps, and
 * every copy is received now. (Of a header that stands twice, which only foreign producers write, the last one is kept.)
 */
export async function copyTopic(from: Installation, to: Installation, role: TopicRole): Promise<Copied> {
  const ranges = await readRanges({ ...from.kafka, topic: from.topics[role] })
  return await Promise.all(
    Array.from({ length: from.partitions }, (_, partition) =>
      copyPartition(from, to, role, partition, ranges.get(partition)?.end ?? 0n),
    ),
  )
}

async function copyPartition(
  from: Installation,
  to: Installation,
  role: TopicRole,
  partition: number,
  end: bigint,
): Promise<number> {
  const producer = new IdempotentProducer({ ...to.kafka, topic: to.topics[role], metrics: noMetrics })
  let copied = 0
  try {
    const batches = readPartition({ ...from.kafka, topic: from.topics[role], partition, to: end })
    for await (const records of batches) {
      const appends = records.map((record) => ({ ...toAppend(record), topic: to.topics[role] }))
      for (const send of splitIntoSends(appends)) await producer.append(send)
      copied += records.length
    }
  } finally {
    await producer.stop()
  }
  return copied
}

function toAppend({ partition, key, value, headers }: LogRecord): LogAppend {
  const hasHeaders = Object.keys(headers).length > 0
  return { partition, key: key?.toString('utf8') ?? null, value, ...(hasHeaders ? { headers } : {}) }
}
