import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { logRanges, withAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { ProduceError } from '../../pipelines/log/producer.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { TOPICS } from '../../schemas/topics.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import { install } from '../support/processes/installation.ts'

/** Bytes of a batch of one record apart from its value: the batch's head, the record's lengths and fields. */
const BATCH_BYTES = 61
const RECORD_BYTES = 13

describe('messageBytesMax', () => {
  it('is the largest batch that the broker takes, topic by topic; one byte more is not acknowledged', async (t) => {
    const installation = await install({ name: 'topic_bounds', partitions: 1, rules: false })
    t.after(() => installation.dispose())
    for (const [role, { messageBytesMax }] of Object.entries(TOPICS)) {
      const topic = installation.topics[role as TopicRole]
      const producer = new IdempotentProducer({ ...installation.kafka, topic, metrics: noMetrics })
      const send = (bytes: number) =>
        producer.append([{ partition: 0, key: 'k', value: Buffer.alloc(bytes) }])
      const largest = messageBytesMax - BATCH_BYTES - RECORD_BYTES - 1
      try {
        // migrate has written the installation's id and layout.
        const end = await withAdmin(installation.kafka, (admin) => logRanges(admin, topic))
        assert.equal((await send(largest)).get(0)?.baseOffset, end.get(0)?.end, role)
        await assert.rejects(
          send(largest + 1),
          (error) => error instanceof ProduceError && /MESSAGE_TOO_LARGE/.test(error.message),
          role,
        )
      } finally {
        await producer.stop()
      }
    }
  })
})
