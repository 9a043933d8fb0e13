import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { systemClock } from '../clock.ts'
import './client.ts'
import { HEARTBEAT_TIMEOUT_MS, OUT_OF_RANGE_LOOKS } from './silent-brokers.ts'

const require = createRequire(import.meta.url)

interface Group {
  recoverFromOffsetOutOfRange: (place: object) => Promise<void>
  fetch: (nodeId: string) => Promise<unknown>
  heartbeat: (options: { readonly interval: number }) => Promise<void>
  recoverFromFetch: (error: Error) => Promise<void>
}

const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup.js') as new (options: object) => Group
const named = (name: string, more: object = {}): Error =>
  Object.assign(new Error(name), { name, retriable: true, ...more })

/** A member of a group whose coordinator's answer to a heartbeat is so, and what became of its cluster. */
function memberWhereHeartbeat(answer: Error | null) {
  const done: string[] = []
  const member = new ConsumerGroup({
    retry: {},
    topics: [],
    topicConfigurations: {},
    logger: { namespace: () => ({ info() {}, debug() {}, warn() {}, error() {} }) },
    instrumentationEmitter: { emit: () => done.push('heartbeat') },
    cluster: {
      removeBroker: ({ host, port }: { host: string; port: number }) => done.push(`forgets ${host}:${port}`),
      refreshMetadata: async () => done.push('looks'),
    },
    assigners: [],
  })
  Object.assign(member, {
    memberId: 'member',
    lastRequest: 0,
    coordinator: {
      connectionPool: { host: 'one', port: 9_092 },
      heartbeat: async () => {
        if (answer !== null) throw answer
      },
    },
  })
  return { member, done }
}

test('a member whose coordinator does not answer looks for it again under its name', async () => {
  const { member, done } = memberWhereHeartbeat(named('KafkaJSRequestTimeoutError', { broker: 'one:9092' }))
  await assert.rejects(member.heartbeat({ interval: 1 }), { type: 'REBALANCE_IN_PROGRESS' })
  assert.deepEqual(done, ['forgets one:9092'])
})

test('a heartbeat without an answer is waited for HEARTBEAT_TIMEOUT_MS, no longer', async () => {
  const { member, done } = memberWhereHeartbeat(null)
  Object.assign((member as unknown as { coordinator: object }).coordinator, {
    heartbeat: () => new Promise(() => {}),
  })
  const startMs = systemClock.monotonicMs()
  await assert.rejects(member.heartbeat({ interval: 1 }), { type: 'REBALANCE_IN_PROGRESS' })
  const tookMs = systemClock.monotonicMs() - startMs
  assert(tookMs >= HEARTBEAT_TIMEOUT_MS - 50 && tookMs < 2 * HEARTBEAT_TIMEOUT_MS, `${tookMs} ms`)
  assert.deepEqual(done, ['forgets one:9092'])
})

test('what a coordinator answers stays what it is', async () => {
  const { member, done } = memberWhereHeartbeat(named('KafkaJSProtocolError', { type: 'UNKNOWN_MEMBER_ID' }))
  await assert.rejects(member.heartbeat({ interval: 1 }), { type: 'UNKNOWN_MEMBER_ID' })
  assert.deepEqual(done, [])
  const well = memberWhereHeartbeat(null)
  await well.member.heartbeat({ interval: 1 })
  assert.deepEqual(well.done, ['heartbeat'])
})

test('a fetch that is not answered makes the member ask who leads now', async () => {
  const { member, done } = memberWhereHeartbeat(null)
  await member.recoverFromFetch(named('KafkaJSRequestTimeoutError', { broker: '10.0.0.2:9092' }))
  const closed = named('KafkaJSConnectionClosedError', { host: 'three', port: 9_094 })
  await member.recoverFromFetch(named('KafkaJSNumberOfRetriesExceeded', { cause: closed }))
  assert.deepEqual(done, ['forgets 10.0.0.2:9092', 'looks', 'forgets three:9094', 'looks'])
  await member.recoverFromFetch(named('KafkaJSProtocolError', { type: 'NOT_LEADER_FOR_PARTITION' }))
  assert.equal(done.length, 5, 'a leader that moved is looked for, and the group is not joined anew')
  await assert.rejects(member.recoverFromFetch(named('TypeError')), { name: 'TypeError' })
})

test('a partition led by a broker that is not known makes the member ask who leads, and not at every fetch', async () => {
  const { member, done } = memberWhereHeartbeat(null)
  const cluster = Object.assign((member as unknown as { cluster: object }).cluster, {
    getNodeIds: () => ['1', '2'],
    findLeaderForPartitions: () => ({ 1: [0], 3: [1] }),
    // Where kafkajs' own fetch begins: it goes no further here.
    refreshMetadataIfNecessary: async () => {
      throw named('Stop')
    },
  })
  Object.assign(member, { subscriptionState: { active: () => [{ topic: 'usage', partitions: [0, 1] }] } })
  await assert.rejects(member.fetch('1'), { name: 'Stop' })
  await assert.rejects(member.fetch('2'), { name: 'Stop' })
  assert.deepEqual(done, ['looks'])
  const known = memberWhereHeartbeat(null)
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
  const { member, done } = memberWhereHeartbeat(null)
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
