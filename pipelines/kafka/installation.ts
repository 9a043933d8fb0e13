import { installationCodec } from '../../schemas/avro.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { Installation } from '../../schemas/records.ts'
import type { KafkaOptions } from './kafkajs/client.ts'
import { IdempotentProducer } from './producer.ts'
import { readPartition } from './read.ts'

/** The record that names the installation; other records of its topic have keys of their own. */
const INSTALLATION_KEY = '!installation'

/** The installation that the topics belong to; null where none was written, or where the topic does not exist yet. */
export async function readInstallation(
  options: KafkaOptions & { readonly topic: string; readonly groupBase: string },
): Promise<Installation | null> {
  let found: Installation | null = null
  try {
    for await (const records of readPartition({ ...options, partition: 0 })) {
      for (const { key, value } of records) {
        if (key?.toString('latin1') === INSTALLATION_KEY && value !== null) {
          found = installationCodec.decode(value)
        }
      }
    }
  } catch (error) {
    if (isNoTopic(error)) return null
    throw error
  }
  return found
}

/** The broker knows no such topic: it was not created yet. */
function isNoTopic(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('type' in error && error.type === 'UNKNOWN_TOPIC_OR_PARTITION') || isNoTopic(error.cause)
}

/** Writes the installation permanently. Throws `ProduceError` where Kafka did not acknowledge it. */
export async function writeInstallation(
  options: KafkaOptions & { readonly topic: string },
  installation: Installation,
): Promise<void> {
  const producer = new IdempotentProducer({ ...options, metrics: noMetrics })
  try {
    const value = installationCodec.encode(installation)
    await producer.append([{ partition: 0, key: INSTALLATION_KEY, value }])
  } finally {
    await producer.stop()
  }
}
