import { withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import type { KafkaOptions } from '../../../pipelines/kafka/kafkajs/client.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import { ProduceError } from '../../../pipelines/log/producer.ts'
import { giveSettings } from '../../../pipelines/kafka/kafkajs/topics.ts'
import { tickFor } from '../../../pipelines/log/tick.ts'
import type { Clock } from '../../../pipelines/clock.ts'
import { endCodec } from '../../../schemas/avro.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { CLOSED_MESSAGE_BYTES } from '../../../schemas/topics.ts'

/** How long a broker may take until it refuses what the topic no longer takes. */
const CLOSED_TIMEOUT_MS = 30_000
const CLOSED_STEP_MS = 100

/** The error of a broker for a batch that is larger than the topic takes. */
const TOO_LARGE = /MESSAGE_TOO_LARGE/

export interface CloseOptions {
  readonly kafka: KafkaOptions
  readonly topic: string
  readonly partitions: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Closes a topic for all producers: from now on its brokers take ticks, end records and the markers of transactions, and
 * refuse anything larger, so nothing that counts is acknowledged any more. Kafka has no other lock that stops every
 * producer, including one that does not know Hivemeter. Resolves when the leader of each partition was seen to refuse.
 */
export async function closeTopic(options: CloseOptions): Promise<void> {
  const { kafka, topic, partitions, clock, signal } = options
  await withAdmin(kafka, (admin) =>
    giveSettings(admin, topic, [['max.message.bytes', String(CLOSED_MESSAGE_BYTES)]]),
  )
  const deadlineMs = clock.monotonicMs() + CLOSED_TIMEOUT_MS
  for (let partition = 0; partition < partitions; partition += 1) {
    while (!(await isRefused(options, partition))) {
      signal.throwIfAborted()
      if (clock.monotonicMs() >= deadlineMs) {
        throw new Error(`${topic}[${partition}] still takes records. Run this again.`)
      }
      await clock.delay(CLOSED_STEP_MS)
    }
  }
}

/** Appends a tick that is larger than what a closed topic takes; where a broker takes it, it has no meaning. */
async function isRefused({ kafka, topic }: CloseOptions, partition: number): Promise<boolean> {
  const producer = new IdempotentProducer({ ...kafka, topic, metrics: noMetrics })
  try {
    await producer.append([tickFor(partition, 'migrate '.padEnd(CLOSED_MESSAGE_BYTES, '.'))])
    return false
  } catch (error) {
    if (error instanceof ProduceError && TOO_LARGE.test(error.message)) return true
    throw error
  } finally {
    await producer.stop()
  }
}

/** Appends an end record to partitions of a closed topic. A second one changes nothing. */
export async function appendEnds(
  options: { readonly kafka: KafkaOptions; readonly topic: string },
  partitions: readonly number[],
  token: Buffer,
): Promise<void> {
  const producer = new IdempotentProducer({ ...options.kafka, topic: options.topic, metrics: noMetrics })
  try {
    const value = endCodec.encode({ token })
    await producer.append(partitions.map((partition) => ({ partition, key: null, value })))
  } finally {
    await producer.stop()
  }
}
