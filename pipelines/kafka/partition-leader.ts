import type { BrokerConnections } from './produce/broker-connections.ts'
import { LOOK_UP_TIMEOUT_MS } from './produce/kafkajs-wire.ts'
import type { BrokerId } from './produce/wire.ts'

interface Metadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topicMetadata: readonly {
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
  }[]
}

/** Who leads the partition now, by the first broker that answers; null where nobody does. Rejects with `Unanswered`. */
export async function leaderOf(
  connections: BrokerConnections,
  topic: string,
  partition: number,
): Promise<BrokerId | null> {
  const metadata = await connections.askAny<Metadata>(
    'Metadata',
    { topics: [topic], allowAutoTopicCreation: false },
    LOOK_UP_TIMEOUT_MS,
  )
  connections.know(metadata.brokers)
  const found = metadata.topicMetadata
    .flatMap(({ partitionMetadata }) => partitionMetadata)
    .find(({ partitionId }) => partitionId === partition)
  return found === undefined || found.leader < 0 ? null : found.leader
}
