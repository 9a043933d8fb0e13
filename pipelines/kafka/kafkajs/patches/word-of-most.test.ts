import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { markAnswered, markSilent } from '../../broker-silence.ts'
import { systemClock } from '../../../clock.ts'
import '../client.ts'
import { LOOK_MS_MAX } from './word-of-most.ts'

const require = createRequire(import.meta.url)
interface Pool {
  metadata: {
    topicMetadata: { topic: string; partitionMetadata: { partitionId: number; leader: number }[] }[]
  } | null
  refreshMetadata(topics: readonly string[]): Promise<void>
}
const BrokerPool = require('kafkajs/src/cluster/brokerPool.js') as new (options: object) => Pool
const { prototype: cluster } = require('kafkajs/src/cluster/index.js') as {
  prototype: { findGroupCoordinatorMetadata: (group: object) => Promise<object> }
}

const BROKERS = [1, 2, 3].map((nodeId) => ({ nodeId, host: `most-${nodeId}`, port: 9_092, rack: null }))

/** Brokers that name these as the leaders of partitions 0 and 1, and the first as the group's coordinator. */
function brokersThatName(...leaders: readonly (readonly [number, number] | 'silent')[]) {
  const brokers = leaders.map((named, index) => {
    const brokerAddress = `most-${index + 1}:9092`
    if (named === 'silent') markSilent(brokerAddress)
    const answer = <T>(value: T): Promise<T> =>
      named === 'silent' ? new Promise(() => {}) : Promise.resolve(value)
    const partitionMetadata = (): object[] =>
      [...(named === 'silent' ? [] : named)].map((leader, partitionId) => ({ partitionId, leader }))
    return {
      nodeId: index + 1,
      brokerAddress,
      isConnected: () => named !== 'silent',
      connect: async () => {},
      connectionPool: { host: `most-${index + 1}`, port: 9_092, rack: null, pool: [] },
      metadata: () =>
        answer({
          brokers: BROKERS,
          topicMetadata: [{ topic: 'usage', partitionMetadata: partitionMetadata() }],
        }),
      findGroupCoordinator: () =>
        answer({ host: 'x', coordinator: { nodeId: named === 'silent' ? 0 : named[0] } }),
    }
  })
  const pool = new BrokerPool({
    logger: { namespace: () => ({ info() {}, debug() {}, error() {} }) },
    retry: { retries: 0 },
  })
  return Object.assign(pool, {
    brokers: Object.fromEntries(brokers.map((broker) => [broker.nodeId, broker])),
    seedBroker: brokers[0],
  })
}

const leadersOf = (pool: Pool): number[] =>
  pool.metadata?.topicMetadata.flatMap(({ partitionMetadata }) =>
    partitionMetadata.map(({ leader }) => leader),
  ) ?? []

test('a partition is led by whom most brokers name, whoever is asked first', async () => {
  // The third was replaced as the leader of partition 0 and does not know it.
  const pool = brokersThatName([2, 3], [2, 3], [3, 3])
  for (let look = 0; look < 3; look++) {
    await pool.refreshMetadata(['usage'])
    assert.deepEqual(leadersOf(pool), [2, 3])
  }
})

test('one that was silent last is not waited for', async (t) => {
  t.after(() => markAnswered('most-3:9092'))
  const pool = brokersThatName([2, 1], [2, 1], 'silent')
  await pool.refreshMetadata(['usage'])
  assert.deepEqual(leadersOf(pool), [2, 1])
})

test('a group is coordinated by whom most brokers name', async () => {
  const asked = Object.assign(Object.create(cluster) as typeof cluster, {
    brokerPool: brokersThatName([3, 0], [2, 0], [2, 0]),
    retrier: async (ask: (bail: () => void) => Promise<unknown>) => await ask(() => {}),
    logger: { debug() {} },
  })
  for (let look = 0; look < 3; look++) {
    assert.partialDeepStrictEqual(await asked.findGroupCoordinatorMetadata({ groupId: 'loader' }), {
      coordinator: { nodeId: 2 },
    })
  }
})

test('a look that never ends is given up after LOOK_MS_MAX', async (t) => {
  const pool = brokersThatName([2, 1])
  t.mock.method(
    pool as unknown as { findConnectedBroker(): Promise<never> },
    'findConnectedBroker',
    () => new Promise(() => {}),
  )
  const startMs = systemClock.monotonicMs()
  await assert.rejects(pool.refreshMetadata(['usage']), { name: 'KafkaJSRequestTimeoutError' })
  assert.ok(systemClock.monotonicMs() - startMs >= LOOK_MS_MAX - 50)
})
