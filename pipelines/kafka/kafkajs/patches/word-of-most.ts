import { createRequire } from 'node:module'
import { systemClock } from '../../../clock.ts'
import { isSilent } from '../../broker-silence.ts'
import { inTime } from '../../../in-time.ts'
import { answersOfMost, mostNamed } from '../../majority.ts'

/**
 * Lets a kafkajs consumer believe most brokers instead of any single one. Where one of three was cut off from its peers,
 * every third query for the leader made its consumers fetch from that broker, which returns nothing, and a member that had
 * it as coordinator continued to send heartbeats there while the coordinator of the others gave its partitions away. Two
 * tasks of one partition then fenced each other in turns until the broker came back (found by
 * `broker-cut-off-from-its-peers`: 25 s without a decided cost).
 */

/** No more brokers than this are queried in a large cluster: two that are cut off do not outvote three. */
export const VOTERS_MAX = 5

/**
 * A look takes no longer than this. kafkajs shares one look among all callers: one without an end would delay them
 * permanently.
 */
export const LOOK_MS_MAX = 10_000

/** What this file wraps of `kafkajs/src/cluster` (2.2.4, pinned). */
interface Broker {
  readonly brokerAddress: string
  metadata(topics: readonly string[]): Promise<Metadata>
  findGroupCoordinator(group: object): Promise<CoordinatorAnswer>
}
interface Metadata {
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly partitionMetadata: readonly PartitionMetadata[]
  }[]
}
interface PartitionMetadata {
  readonly partitionId: number
  leader: number
}
interface CoordinatorAnswer {
  readonly coordinator: { readonly nodeId: number }
}
interface BrokerPool {
  readonly brokers: Readonly<Record<string, Broker>>
  readonly metadata: Metadata | null
  findBroker(node: { readonly nodeId: string }): Promise<Broker>
  refreshMetadata: (this: BrokerPool, topics: readonly string[]) => Promise<void>
}
interface Cluster {
  readonly brokerPool: BrokerPool
  findGroupCoordinatorMetadata: (this: Cluster, group: object) => Promise<CoordinatorAnswer>
}

const require = createRequire(import.meta.url)
const pools = (require('kafkajs/src/cluster/brokerPool.js') as { prototype: BrokerPool }).prototype
const clusters = (require('kafkajs/src/cluster/index.js') as { prototype: Cluster }).prototype

const refresh = pools.refreshMetadata
pools.refreshMetadata = async function refreshByMost(topics) {
  await inTime(refresh.call(this, topics), LOOK_MS_MAX, systemClock, unsaid('Nobody said who leads'))
  const { metadata } = this
  if (metadata === null) return
  const said = await wordsOf(this, (broker) => broker.metadata(topics))
  if (said.length < 2) return
  const places = said.map(leadersOf)
  for (const { topic, partitionMetadata } of metadata.topicMetadata) {
    for (const partition of partitionMetadata) {
      const named = places.flatMap((leaders) => leaders.get(`${topic}/${partition.partitionId}`) ?? [])
      partition.leader = mostNamed(named) ?? partition.leader
    }
  }
}

function leadersOf({ topicMetadata }: Metadata): ReadonlyMap<string, number> {
  return new Map(
    topicMetadata.flatMap(({ topic, partitionMetadata }) =>
      partitionMetadata.map(({ partitionId, leader }) => [`${topic}/${partitionId}`, leader] as const),
    ),
  )
}

const find = clusters.findGroupCoordinatorMetadata
clusters.findGroupCoordinatorMetadata = async function findByMost(group) {
  const first = await inTime(
    find.call(this, group),
    LOOK_MS_MAX,
    systemClock,
    unsaid('Nobody said who coordinates'),
  )
  const said = await wordsOf(this.brokerPool, (broker) => broker.findGroupCoordinator(group))
  const most = mostNamed(said.map(({ coordinator }) => coordinator.nodeId))
  return said.find(({ coordinator }) => coordinator.nodeId === most) ?? first
}

const unsaid = (what: string) => (): Error =>
  Object.assign(new Error(`${what} within ${LOOK_MS_MAX} ms`), {
    name: 'KafkaJSRequestTimeoutError',
    retriable: true,
  })

/** The answers of brokers that can be expected to answer: one that was silent last is not waited for. */
async function wordsOf<T>(pool: BrokerPool, ask: (broker: Broker) => Promise<T>): Promise<readonly T[]> {
  const voters = Object.entries(pool.brokers)
    .filter(([, { brokerAddress }]) => !isSilent(brokerAddress))
    .slice(0, VOTERS_MAX)
  const questions = voters.map(async ([nodeId]) => await ask(await pool.findBroker({ nodeId })))
  return await answersOfMost(questions, systemClock, () => {})
}
