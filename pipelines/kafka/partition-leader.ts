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

/** Who leads the partition now, as most brokers say; null where nobody does. Rejects with `Unanswered`. */
export async function leaderOf(
  connections: BrokerConnections,
  topic: string,
  partition: number,
): Promise<BrokerId | null> {
  const { leaders } = await askWhoLeads(connections, topic, partition)
  return mostNamed(leaders) ?? null
}

/**
 * All who lead the partition by the word of any broker, at least half of them having answered. One that hears the others no
 * more holds itself for the leader still; whoever leads in truth is among them. Rejects with `Unanswered`.
 */
export async function claimedLeadersOf(
  connections: BrokerConnections,
  topic: string,
  partition: number,
): Promise<readonly BrokerId[]> {
  const { leaders, asked } = await askWhoLeads(connections, topic, partition)
  if (2 * leaders.length < asked) {
    throw new Unanswered(`only ${leaders.length} of ${asked} brokers said who leads`, true)
  }
  return [...new Set(leaders)].filter((leader) => leader !== null)
}

/** Whom each of them names that answered. */
async function askWhoLeads(
  connections: BrokerConnections,
  topic: string,
  partition: number,
): Promise<{ readonly leaders: readonly (BrokerId | null)[]; readonly asked: number }> {
  const { answers, asked } = await connections.askEach<Metadata>(
    'Metadata',
    { ...LEADERS, topics: [topic] },
    LOOK_UP_TIMEOUT_MS,
  )
  for (const { brokers } of answers) connections.know(brokers)
  return { leaders: answers.map((metadata) => leaderIn(metadata, partition)), asked }
}

function leaderIn({ topicMetadata }: Metadata, partition: number): BrokerId | null {
  const found = topicMetadata
    .flatMap(({ partitionMetadata }) => partitionMetadata)
    .find(({ partitionId }) => partitionId === partition)
  return found === undefined || found.leader < 0 ? null : found.leader
}
