import { mostNamed } from './majority.ts'
import type { BrokerConnections } from './kafkajs/broker-connections.ts'
import { LOOK_UP_TIMEOUT_MS } from './kafkajs/kafkajs-wire.ts'
import { Unanswered } from './produce/wire.ts'
import type { BrokerId } from './produce/wire.ts'

interface Metadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topicMetadata: readonly {
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
  }[]
}

const LEADERS = { allowAutoTopicCreation: false }

/** The present leader of the partition, as most brokers report it; null where there is none. Rejects with `Unanswered`. */
export async function leaderOf(
  connections: BrokerConnections,
  topic: string,
  partition: number,
): Promise<BrokerId | null> {
  const { leaders } = await askWhoLeads(connections, topic, partition)
  return mostNamed(leaders) ?? null
}

/**
 * All brokers that any broker names as leader of the partition, at least half of them having answered. A broker that is cut
 * off from the others still considers itself the leader; the real leader is among those named. Rejects with `Unanswered`.
 */
export async function claimedLeadersOf(
  connections: BrokerConnections,
  topic: string,
  partition: number,
): Promise<readonly BrokerId[]> {
  const { leaders, queried } = await askWhoLeads(connections, topic, partition)
  if (2 * leaders.length < queried) {
    throw new Unanswered(`only ${leaders.length} of ${queried} brokers said who leads`, true)
  }
  return [...new Set(leaders)].filter((leader) => leader !== null)
}

/** The leader that each broker with an answer names. */
async function askWhoLeads(
  connections: BrokerConnections,
  topic: string,
  partition: number,
): Promise<{ readonly leaders: readonly (BrokerId | null)[]; readonly queried: number }> {
  const { answers, queried } = await connections.askEach<Metadata>(
    'Metadata',
    { ...LEADERS, topics: [topic] },
    LOOK_UP_TIMEOUT_MS,
  )
  for (const { brokers } of answers) connections.know(brokers)
  return { leaders: answers.map((metadata) => leaderIn(metadata, partition)), queried }
}

function leaderIn({ topicMetadata }: Metadata, partition: number): BrokerId | null {
  const found = topicMetadata
    .flatMap(({ partitionMetadata }) => partitionMetadata)
    .find(({ partitionId }) => partitionId === partition)
  return found === undefined || found.leader < 0 ? null : found.leader
}
