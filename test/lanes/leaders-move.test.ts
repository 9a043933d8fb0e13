import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemRandom } from '../../pipelines/random.ts'
import type { KafkaOptions } from '../../pipelines/kafka/kafkajs/client.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { openAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { noFailpoint } from '../../pipelines/failpoints.ts'
import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { readPartition } from '../../pipelines/kafka/read.ts'
import { TransactionalWriter } from '../../pipelines/kafka/transaction.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { OwnCluster, loopbackBrokers } from '../support/servers/own-cluster.ts'
import { until } from '../support/until.ts'

const PORT = 26_850
const PARTITIONS = 6
const TOPICS = ['plain', 'blocks', 'state'] as const
const MOVES = 8
/** Each partition has copies on two of three brokers: a move takes away the leader. */
const COPIES = 2
const SOON_MS = 30_000

describe('leaders that move under three brokers', () => {
  let cluster: OwnCluster
  let kafka: KafkaOptions
  let admin: ReturnType<typeof openAdmin>
  const cleanup = new AsyncDisposableStack()
  const over = new AbortController()

  before(async () => {
    cluster = await OwnCluster.start({ brokers: loopbackBrokers(PORT) })
    cleanup.defer(() => cluster.dispose())
    kafka = {
      brokers: cluster.brokers,
      clientId: 'hivemeter-test-moves',
      logger: silentLogger,
      clock: systemClock,
      random: systemRandom,
    }
    admin = openAdmin(kafka)
    await admin.connect()
    cleanup.defer(() => admin.disconnect())
    await admin.createTopics({
      topics: TOPICS.map((topic) => ({
        topic,
        // While a broker restarts its partitions go on with one copy.
        configEntries: [{ name: 'min.insync.replicas', value: '1' }],
        replicaAssignment: Array.from({ length: PARTITIONS }, (_, partition) => ({
          partition,
          replicas: replicasOf(partition, 0),
        })),
      })),
      // kafkajs' own wait takes a broker that does not know a topic yet for one that never will.
      waitForLeaders: false,
    })
    await until('the topics', SOON_MS, () =>
      admin.fetchTopicMetadata({ topics: [...TOPICS] }).then(
        ({ topics }) => topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0)),
        () => false,
      ),
    )
  })
  after(() => cleanup.disposeAsync())

  /** The two brokers of a partition after its n-th move: the first one leads, and the next move takes it away. */
  const replicasOf = (partition: number, move: number): number[] =>
    Array.from({ length: COPIES }, (_, copy) => ((partition + move + copy) % 3) + 1)

  async function moveLeaders(): Promise<void> {
    for (let move = 1; move <= MOVES; move++) {
      await admin.alterPartitionReassignments({
        topics: TOPICS.map((topic) => ({
          topic,
          partitionAssignment: Array.from({ length: PARTITIONS }, (_, partition) => ({
            partition,
            replicas: replicasOf(partition, move),
          })),
        })),
      })
      await until(`move ${move}`, SOON_MS, async () => (await leadersAway(move)) === 0)
      if (move === MOVES / 2) {
        await cluster.stop(1)
        await cluster.start(1)
      }
    }
  }

  /** Partitions whose leader is still the broker that this move takes away. */
  async function leadersAway(move: number): Promise<number> {
    const { topics } = await admin.fetchTopicMetadata({ topics: [...TOPICS] })
    return topics
      .flatMap(({ partitions }) => partitions)
      .filter(({ partitionId, leader }) => !replicasOf(partitionId, move).includes(leader)).length
  }

  /** Values of a topic's committed records, in order, by partition. */
  async function logged(topic: string): Promise<string[][]> {
    const read = async (partition: number): Promise<string[]> => {
      const found: string[] = []
      for await (const batch of readPartition({ ...kafka, topic, partition })) {
        for (const { value } of batch) found.push(value?.toString() ?? '')
      }
      return found
    }
    return await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => read(partition)))
  }

  /** Appends numbered records to every partition until it gets the signal to stop. */
  async function appendPlain(): Promise<number> {
    const producer = new IdempotentProducer({ ...kafka, topic: 'plain', metrics: noMetrics })
    cleanup.defer(() => producer.stop())
    let sent = 0
    while (!over.signal.aborted) {
      await producer.append(
        Array.from({ length: 2 * PARTITIONS }, (_, index) => ({
          partition: index % PARTITIONS,
          key: null,
          value: Buffer.from(`${2 * sent + Math.floor(index / PARTITIONS)}`),
        })),
      )
      sent += 1
    }
    return 2 * sent
  }

  /** Commits numbered records to two topics of a partition; a task begins with a new writer after an unknown outcome. */
  async function commitTasks(partition: number): Promise<{ committed: number[]; unknown: number[] }> {
    const committed: number[] = []
    const unknown: number[] = []
    let writer: TransactionalWriter | undefined
    for (let count = 0; !over.signal.aborted; count++) {
      writer ??= new TransactionalWriter({
        ...kafka,
        transactionalId: `task-${partition}`,
        failpoint: noFailpoint,
      })
      const value = Buffer.from(`${count}`)
      try {
        await writer.commit(
          (['blocks', 'state', 'blocks'] as const).map((topic, index) => ({
            topic,
            partition,
            key: null,
            value: index === 2 ? Buffer.from(`${count}b`) : value,
          })),
        )
        committed.push(count)
      } catch {
        unknown.push(count)
        await writer.close()
        writer = undefined
      }
    }
    await writer?.close()
    return { committed, unknown }
  }

  it('lose nothing that was acknowledged or committed, and double nothing', async (t) => {
    const plain = appendPlain()
    const tasks = Array.from({ length: PARTITIONS }, (_, partition) => commitTasks(partition))
    try {
      await moveLeaders()
    } finally {
      over.abort()
    }
    const sent = await plain
    const done = await Promise.all(tasks)
    const expected = Array.from({ length: sent }, (_, index) => `${index}`)
    const found = await logged('plain')
    for (const values of found) assert.deepEqual(values, expected, 'every record once, in order')
    const [blocks, state] = [await logged('blocks'), await logged('state')]
    for (const [partition, { committed, unknown }] of done.entries()) {
      assert.ok(committed.length >= MOVES, `partition ${partition} commits`)
      const mayBe = new Set(unknown.map(String))
      const certain = (of: readonly string[]): string[] =>
        of.filter((value) => !mayBe.has(value.replace('b', '')))
      assert.deepEqual(certain(state[partition] ?? []), committed.map(String))
      assert.deepEqual(
        certain(blocks[partition] ?? []),
        committed.flatMap((count) => [`${count}`, `${count}b`]),
      )
      for (const log of [state[partition] ?? [], blocks[partition] ?? []]) {
        assert.equal(new Set(log).size, log.length, 'nothing stands twice')
      }
    }
    const commits = done.reduce((sum, { committed }) => sum + committed.length, 0)
    const doubts = done.reduce((sum, { unknown }) => sum + unknown.length, 0)
    t.diagnostic(
      `${sent * PARTITIONS} records acknowledged, ${commits} transactions, ${doubts} unknown, ${MOVES} moves`,
    )
  })
})
