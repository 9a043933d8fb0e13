import { createRequire } from 'node:module'
import { systemClock } from '../../../clock.ts'
import { isSilent, markAnswered, markSilent } from '../../broker-silence.ts'
import { inTime } from '../../../in-time.ts'

/**
 * Lets kafkajs use brokers that answer. kafkajs keeps the connection after a request that timed out and picks any connected
 * broker for its questions, so a hanging broker is tried again and again, each time until the timeout: a broker frozen for
 * 130 s delayed a task by 82 s. Here a timeout ends the connection, as in Kafka's own client, and every client of the
 * process tries a broker that did not answer last, until it has answered something.
 */

/** A connection, including its sign-in, is made within this time or not at all. */
export const BROKER_CONNECT_TIMEOUT_MS = 3_000

/** A question for brokers and leaders is answered within this time, or the next broker is tried. */
export const METADATA_TIMEOUT_MS = 1_500

/**
 * A coordinator must give a sign of life within this time before a join waits for its answer, which may take half a
 * minute.
 */
export const COORDINATOR_SIGN_TIMEOUT_MS = 1_000

/** What this file wraps of kafkajs 2.2.4, pinned. */
interface Connection {
  readonly broker: string
  readonly socket?: { destroy(): void }
  send: (this: Connection, request: unknown) => Promise<unknown>
  disconnect: (this: Connection) => Promise<unknown>
  rejectRequests(error: Error): void
}
export interface Broker {
  readonly brokerAddress: string
  readonly connectionPool: { readonly pool: readonly Connection[] }
  connect: (this: Broker) => Promise<void>
  metadata: (this: Broker, topics: readonly string[]) => Promise<unknown>
  isConnected(): boolean
  apiVersions(): Promise<unknown>
}
interface BrokerPool {
  readonly brokers: Readonly<Record<string, Broker>>
  readonly seedBroker: Broker
  findBroker(node: { readonly nodeId: string }): Promise<Broker>
  connect(): Promise<void>
  findConnectedBroker: (this: BrokerPool) => Promise<Broker>
  withBroker: (this: BrokerPool, ask: AskBroker) => Promise<unknown>
  refreshMetadata: (this: BrokerPool, topics: readonly string[]) => Promise<unknown>
}
type AskBroker = (found: { readonly nodeId: string; readonly broker: Broker }) => Promise<unknown>
interface Cluster {
  findBroker: (this: Cluster, node: { readonly nodeId: number }) => Promise<Broker>
  findGroupCoordinator: (this: Cluster, group: unknown) => Promise<Broker>
}

const require = createRequire(import.meta.url)
const prototypeOf = (file: string): unknown => (require(file) as { prototype: unknown }).prototype
const errors = require('kafkajs/src/errors.js') as {
  KafkaJSConnectionError: new (message: string, options: object) => Error
  KafkaJSBrokerNotFound: new (message: string) => Error
}

/** True where the request may have reached no broker: there was no answer, or no connection. */
function isUnheard(error: unknown): error is Error {
  return (
    error instanceof Error &&
    /^KafkaJS(RequestTimeoutError|ConnectionError|ConnectionClosedError|LockTimeout)$/.test(error.name)
  )
}

const unheard = (reason: string, broker: string): Error =>
  new errors.KafkaJSConnectionError(reason, { broker })

/** Ends every connection to a broker; what waits there is rejected now, and not only when it times out. */
export function leave(broker: Pick<Broker, 'connectionPool'>, reason: string): void {
  for (const connection of broker.connectionPool.pool) endConnection(connection, reason)
}

function endConnection(connection: Connection, reason: string): void {
  connection.rejectRequests(unheard(reason, connection.broker))
  connection.disconnect().then(
    () => connection.socket?.destroy(),
    () => {},
  )
}

const connections = prototypeOf('kafkajs/src/network/connection.js') as Connection
const send = connections.send
connections.send = async function sendAndListen(request) {
  try {
    const answer = await send.call(this, request)
    markAnswered(this.broker)
    return answer
  } catch (error) {
    if (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError') {
      markSilent(this.broker)
      endConnection(this, error.message)
    }
    throw error
  }
}

const disconnect = connections.disconnect
connections.disconnect = async function disconnectWithAllRequests() {
  // kafkajs waits for the answers that are still to come.
  if (isSilent(this.broker)) this.rejectRequests(unheard('The broker does not answer', this.broker))
  const isEnded = await disconnect.call(this)
  // A request may still arrive while kafkajs makes sure that none waits. Nothing would ever settle it, and fetches from
  // that node would stop permanently.
  this.rejectRequests(unheard('The connection has ended', this.broker))
  return isEnded
}

const brokers = prototypeOf('kafkajs/src/broker/index.js') as Broker
const { connect, metadata } = brokers
brokers.connect = async function connectInTime() {
  const timeoutMs = BROKER_CONNECT_TIMEOUT_MS
  await inTime(connect.call(this), timeoutMs, systemClock, tooLate(this, 'No connection', timeoutMs))
}
brokers.metadata = async function metadataInTime(topics) {
  const timeoutMs = METADATA_TIMEOUT_MS
  return await inTime(
    metadata.call(this, topics),
    timeoutMs,
    systemClock,
    tooLate(this, 'No answer', timeoutMs),
  )
}

/** The error for a broker that takes longer: it counts as silent, and its connections end. */
const tooLate = (broker: Broker, what: string, timeoutMs: number) => (): Error => {
  const reason = `${what} within ${timeoutMs} ms`
  markSilent(broker.brokerAddress)
  leave(broker, reason)
  return unheard(reason, broker.brokerAddress)
}

/** The brokers' numbers, with those that were silent last at the end; among the others the connected ones come first. */
function inTurn({ brokers }: BrokerPool): string[] {
  const rank = (nodeId: string): number => {
    const broker = brokers[nodeId]
    if (broker === undefined || isSilent(broker.brokerAddress)) return 2
    return broker.isConnected() ? 0 : 1
  }
  const first = turn++
  const nodeIds = Object.keys(brokers)
  const turned = nodeIds.map((_, index) => nodeIds[(first + index) % nodeIds.length] ?? '')
  return turned.toSorted((left, right) => rank(left) - rank(right))
}
let turn = 0

const pools = prototypeOf('kafkajs/src/cluster/brokerPool.js') as BrokerPool
pools.findConnectedBroker = async function findAnsweringBroker() {
  for (const nodeId of inTurn(this)) {
    try {
      return await this.findBroker({ nodeId })
    } catch (error) {
      if (!isUnheard(error)) throw error
    }
  }
  // None of the known brokers answered: the first addresses may lead to others.
  await this.connect()
  return this.seedBroker
}

pools.withBroker = async function withAnsweringBroker(ask) {
  const nodeIds = inTurn(this)
  // A client that has not sent a request yet knows no broker; this error makes kafkajs look for brokers and try again.
  if (nodeIds.length === 0) throw new errors.KafkaJSBrokerNotFound('No brokers in the broker pool')
  for (const nodeId of nodeIds) {
    try {
      return await ask({ nodeId, broker: await this.findBroker({ nodeId }) })
    } catch {
      // The next one is tried; null means that none answered.
    }
  }
  return null
}

const refresh = pools.refreshMetadata
pools.refreshMetadata = async function refreshFromAnyBroker(topics) {
  for (let left = Object.keys(this.brokers).length; ; left--) {
    try {
      return await refresh.call(this, topics)
    } catch (error) {
      if (left <= 1 || !isUnheard(error)) throw error
    }
  }
}

const clusters = prototypeOf('kafkajs/src/cluster/index.js') as Cluster
const findCoordinator = clusters.findGroupCoordinator
clusters.findGroupCoordinator = async function findLivingCoordinator(group) {
  const coordinator = await findCoordinator.call(this, group)
  const over = new AbortController()
  const sign = coordinator.apiVersions()
  sign.catch(() => {})
  const late = systemClock.delay(COORDINATOR_SIGN_TIMEOUT_MS, over.signal)
  const isAlive = await Promise.race([sign.then(() => true), late.then(() => false)]).catch(() => false)
  over.abort()
  if (isAlive) return coordinator
  markSilent(coordinator.brokerAddress)
  leave(coordinator, 'The coordinator gives no sign of life')
  throw Object.assign(new Error('The coordinator of the group does not answer'), {
    name: 'KafkaJSGroupCoordinatorNotFound',
    retriable: true,
  })
}
