import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import '../client.ts'
import { OUT_OF_RANGE_LOOKS } from './silent-brokers.ts'

const require = createRequire(import.meta.url)

interface Group {
  recoverFromOffsetOutOfRange: (place: object) => Promise<void>
  fetch: (nodeId: string) => Promise<unknown>
  recoverFromFetch: (error: Error) => Promise<void>
}

const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup.js') as new (options: object) => Group
const named = (name: string, more: object = {}): Error =>
  Object.assign(new Error(name), { name, retriable: true, ...more })

/** A member of a group, and what it did with its cluster. */
function memberOfGroup() {
  const done: string[] = []
  const member = new ConsumerGroup({
    retry: {},
    topics: [],
    topicConfigurations: {},
    logger: { namespace: () => ({ info() {}, debug() {}, warn() {}, error() {} }) },
    instrumentationEmitter: { emit() {} },
    cluster: {
      removeBroker: ({ host, port }: { host: string; port: number }) => done.push(`forgets ${host}:${port}`),
      refreshMetadata: async () => done.push('looks'),
    },
    assigners: [],
  })
  return { member, done }
}

test('a fetch that is not answered makes the member ask who leads now', async () => {
  const { member, done } = memberOfGroup()
  await member.recoverFromFetch(named('KafkaJSRequestTimeoutError', { broker: '10.0.0.2:9092' }))
  const closed = named('KafkaJSConnectionClosedError', { host: 'three', port: 9_094 })
  await member.recoverFromFetch(named('KafkaJSNumberOfRetriesExceeded', { cause: closed }))
  assert.deepEqual(done, ['forgets 10.0.0.2:9092', 'looks', 'forgets three:9094', 'looks'])
  await member.recoverFromFetch(named('KafkaJSProtocolError', { type: 'NOT_LEADER_FOR_PARTITION' }))
  assert.equal(done.length, 5, 'a leader that moved is looked for, and the group is not joined anew')
  await assert.rejects(member.recoverFromFetch(named('TypeError')), { name: 'TypeError' })
})

test('a partition led by a broker that is not known makes the member ask who leads, and not at every fetch', async () => {
  const { member, done } = memberOfGroup()
  const cluster = Object.assign((member as unknown as { cluster: object }).cluster, {
    getNodeIds: () => ['1', '2'],
    findLeaderForPartitions: () => ({ 1: [0], 3: [1] }),
    // kafkajs' own fetch begins here: the test does not let it continue.
    refreshMetadataIfNecessary: async () => {
      throw named('Stop')
    },
  })
  Object.assign(member, { subscriptionState: { active: () => [{ topic: 'usage', partitions: [0, 1] }] } })
  await assert.rejects(member.fetch('1'), { name: 'Stop' })
  await assert.rejects(member.fetch('2'), { name: 'Stop' })
  assert.deepEqual(done, ['looks'])
  const known = memberOfGroup()
  Object.assign((known.member as unknown as { cluster: object }).cluster, cluster, {
    findLeaderForPartitions: () => ({ 1: [0], 2: [1] }),
  })
  Object.assign(known.member, {
    subscriptionState: { active: () => [{ topic: 'usage', partitions: [0, 1] }] },
  })
  await assert.rejects(known.member.fetch('1'), { name: 'Stop' })
  assert.deepEqual(known.done, [])
})

test('a broker that takes a connection and says nothing cannot be connected to', async () => {
  const { prototype } = require('kafkajs/src/broker/index.js') as {
    prototype: { connect: () => Promise<void> }
  }
  const connection = { getSupportAuthenticationProtocol: () => false, authenticate: async () => {} }
  const silent = Object.assign(Object.create(prototype) as typeof prototype, {
    lock: { acquire: async () => {}, release: async () => {} },
    isConnected: () => false,
    versions: null,
    connectionPool: { getConnection: async () => connection },
    apiVersions: async () => {
      throw named('KafkaJSRequestTimeoutError')
    },
  })
  await assert.rejects(silent.connect(), { name: 'KafkaJSConnectionError' })
})

test('an offset that is out of range is asked for of OUT_OF_RANGE_LOOKS leaders before the log is begun anew', async () => {
  const { member, done } = memberOfGroup()
  Object.assign(member, {
    preferredReadReplicasPerTopicPartition: {},
    offsetManager: { setDefaultOffset: async () => done.push('begins anew') },
  })
  const place = { topic: 'usage', partition: 0 }
  for (let look = 0; look < OUT_OF_RANGE_LOOKS; look++) await member.recoverFromOffsetOutOfRange(place)
  await member.recoverFromOffsetOutOfRange({ topic: 'usage', partition: 1 })
  assert.deepEqual(done, Array.from({ length: OUT_OF_RANGE_LOOKS + 1 }).fill('looks'))
  await member.recoverFromOffsetOutOfRange(place)
  assert.deepEqual(done.slice(-2), ['looks', 'begins anew'])
})
