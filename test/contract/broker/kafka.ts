import { noFailpoint } from '../../../pipelines/failpoints.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { deleteRecordsBefore, logRanges, withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import { readPartition } from '../../../pipelines/kafka/read.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import { StateReader } from '../../../pipelines/kafka/kafkajs/state-reader.ts'
import { TransactionalWriter } from '../../../pipelines/kafka/transaction.ts'
import { install } from '../../support/processes/installation.ts'
import type { BrokerTarget } from './target.ts'

/** Kafka at HIVEMETER_KAFKA_BROKERS, through the project's own adapters. */
export async function openKafka(): Promise<BrokerTarget> {
  await using opening = new AsyncDisposableStack()
  const installation = await install({ name: 'contract_broker', partitions: 1 })
  opening.defer(() => installation.dispose())
  const { kafka } = installation
  const topics = { state: installation.topics.usageIds, blocks: installation.topics.usageBlocks }
  const reader = new StateReader({ ...kafka, topic: topics.state, clock: systemClock })
  opening.defer(() => reader.stop())
  const range = async (topic: string) => {
    const found = (await withAdmin(kafka, (admin) => logRanges(admin, topic))).get(0)
    if (found === undefined) throw new Error(`${topic} has no partition 0.`)
    return found
  }
  const opened = opening.move()
  return {
    topics,
    openWriter: (id, failpoint = noFailpoint) => {
      const transactionalId = `${installation.prefix}${id}`
      const writer = new TransactionalWriter({ ...kafka, transactionalId, failpoint })
      // Also where a test fails before it closes the connection: an open one would keep the process running.
      opened.defer(() => writer.close())
      return writer
    },
    read: async (topic) => {
      const records: LogRecord[] = []
      for await (const batch of readPartition({ ...kafka, topic, partition: 0 })) records.push(...batch)
      return records
    },
    restore: async (through) => {
      const records: LogRecord[] = []
      const { start } = await range(topics.state)
      await reader.read(0, { start, through }, (record) => records.push(record))
      return records
    },
    range,
    deleteBefore: (topic, offset) =>
      withAdmin(kafka, async (admin) => {
        // As TaskRunner's admin client does before: kafkajs deletes only from topics whose offsets it has fetched.
        await logRanges(admin, topic)
        await deleteRecordsBefore(admin, topic, 0, offset)
      }),
    pass: (ms) => systemClock.delay(ms),
    close: () => opened.disposeAsync(),
  }
}
