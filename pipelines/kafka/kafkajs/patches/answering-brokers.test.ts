import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '../../../clock.ts'
import { isSilent, markAnswered, markSilent } from '../../broker-silence.ts'
import '../client.ts'
import {
  BROKER_CONNECT_TIMEOUT_MS,
  COORDINATOR_SIGN_TIMEOUT_MS,
  METADATA_TIMEOUT_MS,
} from './answering-brokers.ts'

const require = createRequire(import.meta.url)
const prototypeOf = (file: string): object => (require(file) as { prototype: object }).prototype
const { KafkaJSRequestTimeoutError } = require('kafkajs/src/errors.js') as {
  KafkaJSRequestTimeoutError: new (message: string) => Error
}

interface FakeBroker {
  readonly nodeId: string
  readonly brokerAddress: string
  readonly connectionPool: { readonly pool: readonly unknown[]; readonly host: string; readonly port: number }
  isConnected(): boolean
  apiVersions(): Promise<unknown>
  metadata(): Promise<object>
}

function brokerOf(nodeId: string, said: () => Promise<unknown>): FakeBroker {
  return {
    nodeId,
    brokerAddress: `broker-${nodeId}:1`,
    connectionPool: { pool: [], host: `broker-${nodeId}`, port: 1 },
    isConnected: () => true,
    apiVersions: said,
    metadata: async () => {
      await said()
      return { brokers: ['1', '2'].map((id) => ({ nodeId: id, host: `broker-${id}`, port: 1 })) }
    },
  }
}

interface Pool {
  findConnectedBroker(): Promise<FakeBroker>
  withBroker(ask: (found: { nodeId: string }) => Promise<unknown>): Promise<unknown>
  refreshMetadata(topics: string[]): Promise<unknown>
}

function poolOf(...brokers: FakeBroker[]): Pool {
  const byId = Object.fromEntries(brokers.map((broker) => [broker.nodeId, broker]))
  return Object.assign(Object.create(prototypeOf('kafkajs/src/cluster/brokerPool.js')) as Pool, {
    brokers: byId,
    seedBroker: { connectionPool: { host: 'seed', port: 1 } },
    retrier: async (work: (bail: (error: Error) => void) => Promise<unknown>) =>
      await new Promise((resolve, reject) => {
        work(reject).then(resolve, reject)
      }),
    findBroker: async ({ nodeId }: { nodeId: string }) => byId[nodeId],
  })
}

const silence = async (): Promise<never> => {
  throw new KafkaJSRequestTimeoutError('no answer')
}
const answer = async (): Promise<object> => ({})

test('a broker that was silent is asked last', async (t) => {
  t.after(() => markAnswered('broker-1:1'))
  markSilent('broker-1:1')
  const pool = poolOf(brokerOf('1', answer), brokerOf('2', answer), brokerOf('3', answer))
  for (let asked = 0; asked < 6; asked++) {
    assert.notEqual((await pool.findConnectedBroker()).nodeId, '1')
    assert.notEqual(await pool.withBroker(async ({ nodeId }) => nodeId), '1')
  }
})

test('the next broker is asked where one fails, and null says that none answered', async () => {
  const pool = poolOf(brokerOf('1', answer), brokerOf('2', answer))
  const asked: string[] = []
  const found = await pool.withBroker(async ({ nodeId }) => {
    asked.push(nodeId)
    if (asked.length === 1) throw new Error('not this one')
    return nodeId
  })
  assert.equal(found, asked[1])
  assert.notEqual(asked[0], asked[1])
  assert.equal(await pool.withBroker(silence), null)
})

test('leaders are heard from another broker where the first one says nothing', async (t) => {
  t.after(() => markAnswered('broker-1:1'))
  const asked: string[] = []
  const said = (nodeId: string) => async () => {
    asked.push(nodeId)
    if (nodeId !== '1') return {}
    markSilent('broker-1:1')
    return await silence()
  }
  const pool = poolOf(brokerOf('1', said('1')), brokerOf('2', said('2')))
  for (let times = 0; times < 3; times++) await pool.refreshMetadata(['usage.metered'])
  assert.ok(asked.filter((nodeId) => nodeId === '1').length <= 1, asked.join())
  // By a query of its own, and by one of most brokers.
  assert.equal(asked.filter((nodeId) => nodeId === '2').length, 6)
})

test('a client that knows no broker yet says so: by that word kafkajs asks for them', async () => {
  const pool = poolOf()
  await assert.rejects(
    pool.withBroker(async () => null),
    { name: 'KafkaJSBrokerNotFound' },
  )
})

/** A cluster that names one coordinator. */
function clusterOf(coordinator: FakeBroker) {
  const cluster = Object.create(prototypeOf('kafkajs/src/cluster/index.js')) as {
    findGroupCoordinator(group: object): Promise<FakeBroker>
  }
  return Object.assign(cluster, {
    retrier: async (work: (bail: (error: Error) => void) => Promise<unknown>) =>
      await new Promise((resolve, reject) => {
        work(reject).then(resolve, reject)
      }),
    findGroupCoordinatorMetadata: async () => ({ coordinator: { nodeId: 1 } }),
    findBroker: async () => coordinator,
  })
}

test('a coordinator without a sign of life is an error that a consumer outlives', async (t) => {
  t.after(() => markAnswered('broker-1:1'))
  const alive = brokerOf('1', answer)
  assert.equal(await clusterOf(alive).findGroupCoordinator({ groupId: 'g' }), alive)
  const hung = clusterOf(brokerOf('1', () => new Promise(() => {})))
  const startMs = performance.now()
  await assert.rejects(hung.findGroupCoordinator({ groupId: 'g' }), { retriable: true })
  assert.ok(performance.now() - startMs >= COORDINATOR_SIGN_TIMEOUT_MS - 5)
})

test('a connection that is not made in time is an error of the connection, and the broker counts as silent', async (t) => {
  t.after(() => markAnswered('hung:1'))
  const hung = Object.assign(
    Object.create(prototypeOf('kafkajs/src/broker/index.js')) as { connect(): Promise<void> },
    {
      brokerAddress: 'hung:1',
      connectionPool: { pool: [] },
      lock: { acquire: () => new Promise(() => {}), release: async () => {} },
    },
  )
  const startMs = performance.now()
  await assert.rejects(hung.connect(), { name: 'KafkaJSConnectionError' })
  assert.ok(performance.now() - startMs >= BROKER_CONNECT_TIMEOUT_MS - 5)
})

test('a broker that does not say who leads within METADATA_TIMEOUT_MS counts as silent', async (t) => {
  t.after(() => markAnswered('mute:1'))
  const mute = Object.assign(
    Object.create(prototypeOf('kafkajs/src/broker/index.js')) as {
      metadata(topics: readonly string[]): Promise<unknown>
    },
    {
      brokerAddress: 'mute:1',
      connectionPool: { pool: [], send: () => new Promise(() => {}) },
      lookupRequest: () => () => ({}),
    },
  )
  await assert.rejects(mute.metadata(['usage']), {
    name: 'KafkaJSConnectionError',
    message: `No answer within ${METADATA_TIMEOUT_MS} ms`,
  })
  assert.ok(isSilent('mute:1'))
})

interface Connection {
  connect(): Promise<unknown>
  send(request: object): Promise<unknown>
  disconnect(): Promise<unknown>
}

test('what is asked while a connection ends is answered or rejected, whichever turn it falls into', async (t) => {
  const mute = createServer((socket) => socket.on('error', () => {}).on('data', () => {})).listen(
    0,
    '127.0.0.1',
  )
  await once(mute, 'listening')
  t.after(() => mute.close())
  const ConnectionOf = require('kafkajs/src/network/connection.js') as new (options: object) => Connection
  const socketFactory = require('kafkajs/src/network/socketFactory.js') as () => unknown
  const { requests } = require('kafkajs/src/protocol/requests/index.js') as {
    requests: { ApiVersions: { protocol(of: object): () => object } }
  }
  const quiet = { debug() {}, info() {}, warn() {}, error() {}, namespace: () => quiet }
  const waiting: number[] = []
  for (let turns = 0; turns < 40; turns++) {
    const connection = new ConnectionOf({
      host: '127.0.0.1',
      port: (mute.address() as AddressInfo).port,
      logger: quiet,
      socketFactory: socketFactory(),
      connectionTimeout: 1_000,
      requestTimeout: 150,
      enforceRequestTimeout: true,
      clientId: 'test',
    })
    await connection.connect()
    const asked = connection.send(requests.ApiVersions.protocol({ version: 0 })())
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    const ended = connection.disconnect()
    waiting.push(turns)
    void asked.catch(() => waiting.splice(waiting.indexOf(turns), 1))
    await ended
  }
  // Four times as long as a request may last.
  await systemClock.delay(600)
  assert.deepEqual(waiting, [])
})
