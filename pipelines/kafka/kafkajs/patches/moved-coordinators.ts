import { createRequire } from 'node:module'
import { systemClock } from '../../../clock.ts'
import { leave } from './answering-brokers.ts'
import type { Broker } from './answering-brokers.ts'
import { innermost, markSilent, unanswered } from '../../broker-silence.ts'
import type { Address } from '../../broker-silence.ts'
import { HUNG_COORDINATOR_MS } from '../../produce/transaction-session.ts'

/**
 * Lets a kafkajs consumer stay a member of its group when the group's coordinator dies, hangs or moves. kafkajs sends its
 * heartbeats to the coordinator of the join and joins anew when they fail: the partitions of all members are shared out
 * again though no member has changed, and a consumer that has no tries left before there is a successor comes back as
 * another member, while the group waits a session for the former one (found by
 * `broker-killed-that-coordinates-an-open-transaction`: 17 s without a decided cost after a failover of 6 s).
 *
 * Members and generation are kept in Kafka's log. So a member that gets no answer looks for the present coordinator, for as
 * long as its session lasts, and continues there under its name and generation, as Kafka's own client does. Its partitions
 * continue in the meantime: whatever they write is fenced by transactions or looked up first, and never by the group.
 */

/** What this file wraps of `kafkajs/src/consumer/consumerGroup.js` (2.2.4, pinned). */
interface ConsumerGroup {
  heartbeat: (this: ConsumerGroup, options: { readonly interval: number }) => Promise<void>
  leave: (this: ConsumerGroup) => Promise<void>
  readonly groupId: string
  readonly generationId: number
  readonly sessionTimeout: number
  coordinator: Coordinator
  readonly offsetManager: { coordinator: Coordinator }
  readonly cluster: Cluster
}
interface Cluster {
  removeBroker: (address: Address) => void
  findBroker: (node: { readonly nodeId: number }) => Promise<Coordinator>
  findGroupCoordinatorMetadata: (group: {
    readonly groupId: string
    readonly coordinatorType: number
  }) => Promise<{ readonly coordinator: { readonly nodeId: number } }>
}
interface Coordinator {
  readonly nodeId: number
  readonly brokerAddress: string
  readonly connectionPool: Broker['connectionPool'] & Address
}

/** A coordinator answers a heartbeat within this time, or another one is looked for. */
export const HEARTBEAT_TIMEOUT_MS = 2_500

/**
 * How often a member looks for its coordinator even though its heartbeats are answered: a coordinator that was replaced
 * answers them too.
 */
export const COORDINATOR_AGE_MS_MAX = 2_000

/** The pause between two searches for the coordinator, while Kafka has not chosen a successor yet. */
const COORDINATOR_LOOK_PAUSE_MS = 200

/** kafkajs' number for coordinators of groups, not of transactions. */
const COORDINATOR_TYPE = 0

/** Answers of a broker that no longer coordinates the group, or does not do so yet. */
const MOVED = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
])

/** kafkajs' names for a coordinator that no broker knows, or that is not among the brokers that kafkajs knows. */
const UNKNOWN = new Set(['KafkaJSGroupCoordinatorNotFound', 'KafkaJSBrokerNotFound', 'KafkaJSLockTimeout'])

const { prototype: group } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup.js') as {
  prototype: ConsumerGroup
}
const { heartbeat, leave: leaveGroup } = group

/** A member that looks for its coordinator, and the error where the search ended its membership. */
interface Search {
  readonly generationId: number
  failure?: unknown
}
const searches = new WeakMap<ConsumerGroup, Search>()

/** When each member last looked for its coordinator. */
const lastSearchMs = new WeakMap<ConsumerGroup, number>()

group.heartbeat = async function heartbeatOrFollow(options) {
  const search = searches.get(this)
  if (search?.generationId === this.generationId) {
    if (search.failure === undefined) return
    searches.delete(this)
    throw search.failure
  }
  try {
    await beat(this, options)
    if (isSearchDue(this)) void followIfReplaced(this)
  } catch (error) {
    if (!isAway(error)) throw error
    const { coordinator } = this
    const silent = unanswered(error) !== undefined
    if (silent) this.cluster.removeBroker(coordinator.connectionPool)
    // Every call that waited for the same answer gets here.
    if (searches.get(this)?.generationId !== this.generationId) void follow(this, silent)
  }
}

group.leave = async function leaveAndSearchNoMore() {
  searches.delete(this)
  await leaveGroup.call(this)
}

/**
 * Sends one heartbeat and waits HEARTBEAT_TIMEOUT_MS for it: after that the coordinator counts as silent, and nothing waits
 * for the answer.
 */
async function beat(member: ConsumerGroup, options: { readonly interval: number }): Promise<void> {
  const { coordinator } = member
  const over = new AbortController()
  void systemClock.delay(HEARTBEAT_TIMEOUT_MS, over.signal).then(() => {
    if (over.signal.aborted) return
    markSilent(coordinator.brokerAddress)
    leave(coordinator, `No answer to a heartbeat within ${HEARTBEAT_TIMEOUT_MS} ms`)
  })
  await heartbeat.call(member, options).finally(() => over.abort())
}

function isSearchDue(member: ConsumerGroup): boolean {
  const nowMs = systemClock.monotonicMs()
  if (nowMs - (lastSearchMs.get(member) ?? Number.NEGATIVE_INFINITY) < COORDINATOR_AGE_MS_MAX) return false
  lastSearchMs.set(member, nowMs)
  return true
}

/** Where no broker can tell now, the question is repeated later. */
async function followIfReplaced(member: ConsumerGroup): Promise<void> {
  const { coordinator, generationId } = member
  const nodeId = await namedFor(member).catch(() => coordinator.nodeId)
  if (nodeId === coordinator.nodeId || member.coordinator !== coordinator) return
  if (member.generationId === generationId && !searches.has(member)) void follow(member, false)
}

async function namedFor({ cluster, groupId }: ConsumerGroup): Promise<number> {
  const { coordinator } = await cluster.findGroupCoordinatorMetadata({
    groupId,
    coordinatorType: COORDINATOR_TYPE,
  })
  return coordinator.nodeId
}

/**
 * Continues at the broker that coordinates the group now. Never rejects: an error that ends the membership is thrown by the
 * next heartbeat.
 */
async function follow(member: ConsumerGroup, isSilent: boolean): Promise<void> {
  const search: Search = { generationId: member.generationId }
  searches.set(member, search)
  const over = new AbortController()
  // Whatever delays the answer, a loader writes nothing without heartbeats: after a session the group is joined anew.
  void systemClock.delay(member.sessionTimeout, over.signal).then(() => {
    if (over.signal.aborted) return
    search.failure ??= Object.assign(new Error(`No coordinator of ${member.groupId} for a session`), {
      type: 'REBALANCE_IN_PROGRESS',
    })
  })
  await findAndBeat(member, search, isSilent)
  over.abort()
}

async function findAndBeat(member: ConsumerGroup, search: Search, isSilent: boolean): Promise<void> {
  const { cluster, coordinator: lost, generationId } = member
  const isStill = (): boolean =>
    search.failure === undefined && searches.get(member) === search && member.generationId === generationId
  const sinceMs = systemClock.monotonicMs()
  while (isStill()) {
    try {
      const nodeId = await namedFor(member)
      // Connecting to a broker that hangs takes seconds, in which the member would not learn of the successor.
      const isHung =
        isSilent && nodeId === lost.nodeId && systemClock.monotonicMs() - sinceMs < HUNG_COORDINATOR_MS
      const coordinator = isHung ? undefined : await cluster.findBroker({ nodeId })
      if (!isStill()) return
      if (coordinator !== undefined) {
        member.coordinator = coordinator
        member.offsetManager.coordinator = coordinator
        // A task that waits for a second heartbeat after an error need not wait for another interval.
        await beat(member, { interval: 0 })
        await beat(member, { interval: 0 })
        if (isStill()) searches.delete(member)
        return
      }
    } catch (error) {
      if (!isAway(error)) {
        search.failure ??= error
        return
      }
    }
    await systemClock.delay(COORDINATOR_LOOK_PAUSE_MS)
  }
}

/** No answer, or an answer that another broker would have to give. */
function isAway(error: unknown): boolean {
  if (unanswered(error) !== undefined) return true
  const cause = innermost(error)
  if (!(cause instanceof Error)) return false
  return UNKNOWN.has(cause.name) || ('type' in cause && MOVED.has(String(cause.type)))
}
