import { createRequire } from 'node:module'
import { systemClock } from '../../../clock.ts'
import { unanswered } from '../../broker-silence.ts'
import type { Address } from '../../broker-silence.ts'

/**
 * Lets a kafkajs consumer leave a broker that does not answer. Kafka moves leaders and coordinators away from a broker that
 * hangs or is cut off within seconds; kafkajs keeps using it (found by `broker-frozen-for-75-s`: accounts stopped for
 * the whole time):
 *
 * - A fetch that is not answered is sent to the same broker again, as nothing makes kafkajs query who leads now.
 * - A leader that has moved makes kafkajs join its group anew, from inside one of its fetches: the partitions of all members
 *   are shared out again, though nothing of that has changed.
 * - A partition whose leader, in the last answer about the cluster, is none of the brokers named in that answer is fetched
 *   from no broker, without an error, until something else makes kafkajs query again (found by
 *   `broker-killed-that-leads-most`: an aggregator's partition stopped for 30 s).
 * - A leader that is cut off from the others does not know what its successor accepted: a member's offset is out of range
 *   there, and kafkajs begins at the start of the log again.
 * - A broker that accepts a connection and never answers is tried twelve times, each time as long as a request may last.
 *
 * So a broker that does not answer is forgotten, and the cluster is queried for the leader. For a group's coordinator see
 * `moved-coordinators.ts`.
 */

/** What this file wraps of `kafkajs/src/broker/index.js` (2.2.4, pinned). */
interface Broker {
  connect: (this: Broker) => Promise<void>
}

interface Place {
  readonly topic: string
  readonly partition: number
}

/** From `kafkajs/src/consumer/consumerGroup.js`. */
interface ConsumerGroup {
  fetch: (this: ConsumerGroup, nodeId: string) => Promise<unknown>
  readonly logger: { info(message: string): void }
  readonly subscriptionState: {
    active(): readonly { readonly topic: string; readonly partitions: readonly number[] }[]
  }
  recoverFromFetch: (this: ConsumerGroup, error: unknown) => Promise<void>
  recoverFromOffsetOutOfRange: (this: ConsumerGroup, error: Place) => Promise<void>
  readonly cluster: {
    getNodeIds: () => readonly string[]
    findLeaderForPartitions: (topic: string, partitions: readonly number[]) => object
    removeBroker: (address: Address) => void
    refreshMetadata: () => Promise<void>
  }
}

/**
 * How many times in a row an offset must be out of range before that is accepted: in between, one broker after the other is
 * queried for the leader.
 */
export const OUT_OF_RANGE_LOOKS = 5

/** Times that are further apart than this are not in a row. */
const OUT_OF_RANGE_ROW_MS = 5_000

/** The pause between two queries for the leader, while Kafka has not moved it yet. */
const LOOK_PAUSE_MS = 200

/** Answers of a broker that no longer leads a partition, or does not lead it yet. */
const MOVED = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
])

const require = createRequire(import.meta.url)

const broker = (require('kafkajs/src/broker/index.js') as { prototype: Broker }).prototype
const { connect } = broker
broker.connect = async function connectOrSay() {
  try {
    await connect.call(this)
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'KafkaJSRequestTimeoutError') throw error
    // A broker that never answers is treated as one that cannot be connected to: kafkajs gives up such brokers at once.
    throw Object.assign(error, { name: 'KafkaJSConnectionError' })
  }
}

const group = (require('kafkajs/src/consumer/consumerGroup.js') as { prototype: ConsumerGroup }).prototype
const { fetch, recoverFromFetch } = group
/** When each member last queried for the leader of a partition that is fetched from no broker. */
const lastLooks = new WeakMap<ConsumerGroup, number>()
group.fetch = async function fetchOrLookAnew(nodeId) {
  const sinceMs = systemClock.monotonicMs() - (lastLooks.get(this) ?? Number.NEGATIVE_INFINITY)
  try {
    if (sinceMs >= LOOK_PAUSE_MS && hasUnledPartition(this)) {
      lastLooks.set(this, systemClock.monotonicMs())
      this.logger.info('A partition has no leader that is known; asking who leads')
      await this.cluster.refreshMetadata()
    }
  } catch (error) {
    await this.recoverFromFetch(error)
    return []
  }
  return await fetch.call(this, nodeId)
}

function hasUnledPartition({ cluster, subscriptionState }: ConsumerGroup): boolean {
  const nodeIds = new Set(cluster.getNodeIds())
  return subscriptionState
    .active()
    .some(({ topic, partitions }) =>
      Object.keys(cluster.findLeaderForPartitions(topic, partitions)).some((leader) => !nodeIds.has(leader)),
    )
}

group.recoverFromFetch = async function recoverOrLookAnew(error) {
  const silent = unanswered(error)
  const hasMoved = error instanceof Error && 'type' in error && MOVED.has(String(error.type))
  if (silent === undefined && !hasMoved) {
    await recoverFromFetch.call(this, error)
    return
  }
  if (silent?.address !== undefined) forget(this, silent.address)
  await systemClock.delay(LOOK_PAUSE_MS)
  await this.cluster.refreshMetadata()
}

/** For each partition, how many times in a row a member's offset was out of range, and when it last was. */
const outOfRange = new WeakMap<ConsumerGroup, Map<string, { looks: number; atMs: number }>>()
const { recoverFromOffsetOutOfRange } = group
group.recoverFromOffsetOutOfRange = async function lookAnewOrRecover(error) {
  const seen = outOfRange.get(this) ?? new Map<string, { looks: number; atMs: number }>()
  outOfRange.set(this, seen)
  const place = `${error.topic}/${error.partition}`
  const nowMs = systemClock.monotonicMs()
  const last = seen.get(place)
  const looks = last !== undefined && nowMs - last.atMs < OUT_OF_RANGE_ROW_MS ? last.looks + 1 : 1
  if (looks > OUT_OF_RANGE_LOOKS) {
    seen.delete(place)
    await recoverFromOffsetOutOfRange.call(this, error)
    return
  }
  seen.set(place, { looks, atMs: nowMs })
  await systemClock.delay(LOOK_PAUSE_MS)
  await this.cluster.refreshMetadata()
}

/** The next use of the broker finds it anew, with a new connection. */
function forget({ cluster }: ConsumerGroup, { host, port }: Address): void {
  cluster.removeBroker({ host, port })
}
