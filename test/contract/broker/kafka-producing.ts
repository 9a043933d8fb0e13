import { systemClock } from '../../../pipelines/clock.ts'
import { noFailpoint } from '../../../pipelines/failpoints.ts'
import { openAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import { readPartition } from '../../../pipelines/kafka/read.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import { TransactionalWriter } from '../../../pipelines/kafka/transaction.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { API, KafkaProxy } from '../../support/servers/kafka-proxy.ts'
import { freePort } from '../../support/processes/service-process.ts'
import { until } from '../../support/until.ts'
import type { ProducingTarget } from './target.ts'

const PARTITIONS = 3
const SOON_MS = 30_000

/** Kafka at these addresses, with a proxy between it and the producers; leaders move where there are several. */
export async function openKafkaProducing(brokers: readonly string[]): Promise<ProducingTarget> {
  await using opening = new AsyncDisposableStack()
  const topic = `producing_${systemRandom.bytes(4).toString('hex')}`
  const kafka = {
    brokers,
    clientId: 'hivemeter-test-producing',
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  }
  const admin = openAdmin(kafka)
  await admin.connect()
  opening.defer(() => admin.disconnect())
  const ids = (await admin.describeCluster()).brokers.map(({ nodeId }) => nodeId)
  /** Each partition has two copies on three brokers: a move takes away the leader, and another takes its place. */
  const replicas = Array.from({ length: PARTITIONS }, (_, partition) =>
    [0, 1].slice(0, ids.length).map((copy) => ids[(partition + copy) % ids.length] ?? 0),
  )
  await admin.createTopics({
    topics: [
      {
        topic,
        configEntries: [
          { name: 'min.insync.replicas', value: '1' },
          { name: 'message.timestamp.type', value: 'LogAppendTime' },
        ],
        replicaAssignment: replicas.map((of, partition) => ({ partition, replicas: of })),
      },
    ],
    // kafkajs' own wait takes a broker that does not know the topic yet for one that never will.
    waitForLeaders: false,
  })
  await until(`the leaders of ${topic}`, SOON_MS, () =>
    admin.fetchTopicMetadata({ topics: [topic] }).then(
      ({ topics }) => topics[0]?.partitions.every(({ leader }) => leader >= 0),
      () => false,
    ),
  )
  opening.defer(() => admin.deleteTopics({ topics: [topic] }))
  const ports: number[] = []
  for (const _ of brokers) ports.push(await freePort())
  const proxy = await KafkaProxy.start(brokers, ports)
  opening.defer(() => proxy.stop())

  async function moveLeader(partition: number): Promise<void> {
    const [first = 0, second = 0] = replicas[partition] ?? []
    const third = ids.find((id) => id !== first && id !== second) ?? first
    replicas[partition] = [second, third]
    await admin.alterPartitionReassignments({
      topics: [{ topic, partitionAssignment: [{ partition, replicas: [second, third] }] }],
    })
    await until(`another leader of ${partition}`, SOON_MS, async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      const leader = topics[0]?.partitions.find(({ partitionId }) => partitionId === partition)?.leader
      return leader === second || leader === third
    })
  }

  const behind = { ...kafka, brokers: proxy.brokers }
  const opened = opening.move()
  return {
    topic,
    partitions: PARTITIONS,
    openProducer: () => new IdempotentProducer({ ...behind, topic, metrics: noMetrics }),
    openWriter: (id) => {
      const transactionalId = `${topic}-${id}`
      const writer = new TransactionalWriter({ ...behind, transactionalId, failpoint: noFailpoint })
      // Also where a test fails before it closes the connection: an open one would keep the process running.
      opened.defer(() => writer.close())
      return writer
    },
    read: async (partition) => {
      const records: LogRecord[] = []
      for await (const batch of readPartition({ ...kafka, topic, partition })) records.push(...batch)
      return records
    },
    loseAnswers: (count) => {
      let left = count
      proxy.onReply = ({ api }) => (api === API.produce && left-- > 0 ? 'cut' : 'pass')
    },
    delayAnswers: (ms) => {
      proxy.delayMs = ms
    },
    moveLeader: ids.length > 2 ? moveLeader : null,
    pass: (ms) => systemClock.delay(ms),
    close: () => opened.disposeAsync(),
  }
}
