import type { BrokerConnections } from './produce/broker-connections.ts'
import { LOOK_UP_TIMEOUT_MS } from './produce/kafkajs-wire.ts'
import { Unanswered } from './produce/wire.ts'
import type { BrokerId } from './produce/wire.ts'

interface Metadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topicMetadata: readonly {
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
  }[]
}

const LEADERS = { allowAutoTopicCreation: false }

/** Who leads the partition now, by the first broker that answers; null where nobody does. Rejects with `Unanswered`. */
export async function leaderOf(
  connections: BrokerConnections,
  topic: string,
  partition: number,
): Promise<BrokerId | null> {
  const metadata = await connections.askAny<Metadata>(
    'Metadata',
    { ...LEADERS, topics: [topic] },
    LOOK_UP_TIMEOUT_MS,
  )
  connections.know(metadata.brokers)
  return leaderIn(metadata, partition)
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
  const { answers, asked } = await connections.askEach<Metadata>(
    'Metadata',
    { ...LEADERS, topics: [topic] },
    LOOK_UP_TIMEOUT_MS,
  )
  if (2 * answers.length < asked) {
    throw new Unanswered(`only ${answers.length} of ${asked} brokers said who leads`, true)
  }
  for (const { brokers } of answers) connections.know(brokers)
  const claimed = answers.map((metadata) => leaderIn(metadata, partition))
  return [...new Set(claimed)].filter((leader) => leader !== null)
}

function leaderIn({ topicMetadata }: Metadata, partition: number): BrokerId | null {
  const found = topicMetadata
    .flatMap(({ partitionMetadata }) => partitionMetadata)
    .find(({ partitionId }) => partitionId === partition)
  return found === undefined || found.leader < 0 ? null : found.leader
}
