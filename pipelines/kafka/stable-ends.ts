import type { KafkaOptions } from './kafkajs/client.ts'
import { BrokerConnections } from './kafkajs/broker-connections.ts'
import { LOOK_UP_TIMEOUT_MS } from './kafkajs/kafkajs-wire.ts'
import { Unanswered } from './produce/wire.ts'
import type { BrokerId } from './produce/wire.ts'

const LATEST = -1
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

/**
 * Where a partition ends, for readers of committed records and for all: a `stable` below `high` means an open
 * transaction.
 */
export interface LogEnds {
  /** The last stable offset: the first record of the oldest transaction that is open, or the end. */
  readonly stable: bigint
  /** The high watermark. */
  readonly high: bigint
}

interface Metadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
  readonly topicMetadata: readonly {
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
  }[]
}

interface Offsets {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly partition: number
      readonly errorCode: number
      readonly offset: string
    }[]
  }[]
}

/** Measures how far the partitions of a topic are stable. The admin client of kafkajs reports only what is committed. */
export class StableEnds {
  readonly #connections: BrokerConnections
  readonly #topic: string

  constructor(options: KafkaOptions & { readonly topic: string }) {
    this.#connections = new BrokerConnections(options)
    this.#topic = options.topic
  }

  /** By partition; those whose leader does not answer are left out. Rejects with `Unanswered` where no broker answers. */
  async look(): Promise<ReadonlyMap<number, LogEnds>> {
    const asked = { allowAutoTopicCreation: false, topics: [this.#topic] }
    const { brokers, topicMetadata } = await this.#connections.askAny<Metadata>(
      'Metadata',
      asked,
      LOOK_UP_TIMEOUT_MS,
    )
    this.#connections.know(brokers)
    const partitions = topicMetadata.flatMap(({ partitionMetadata }) => partitionMetadata)
    const byLeader = Map.groupBy(partitions, ({ leader }) => leader)
    const ends = await Promise.all(
      [...byLeader].map(([leader, led]) =>
        this.#ofLeader(
          leader,
          led.map(({ partitionId }) => partitionId),
        ),
      ),
    )
    return new Map(ends.flat())
  }

  stop(): void {
    this.#connections.close()
  }

  async #ofLeader(leader: BrokerId, partitions: readonly number[]): Promise<[number, LogEnds][]> {
    try {
      // The watermark is read first: in the meantime, the stable offset can only have come nearer to it.
      const high = await this.#latest(leader, partitions, READ_UNCOMMITTED)
      const stable = await this.#latest(leader, partitions, READ_COMMITTED)
      return [...high].flatMap(([partition, end]): [number, LogEnds][] => {
        const stableEnd = stable.get(partition)
        return stableEnd === undefined ? [] : [[partition, { stable: stableEnd, high: end }]]
      })
    } catch (error) {
      if (error instanceof Unanswered) return []
      throw error
    }
  }

  async #latest(
    leader: BrokerId,
    partitions: readonly number[],
    isolationLevel: number,
  ): Promise<ReadonlyMap<number, bigint>> {
    const topics = [
      { topic: this.#topic, partitions: partitions.map((partition) => ({ partition, timestamp: LATEST })) },
    ]
    const request = { replicaId: -1, isolationLevel, topics }
    const { responses } = await this.#connections.ask<Offsets>(
      leader,
      'ListOffsets',
      request,
      LOOK_UP_TIMEOUT_MS,
    )
    return new Map(
      responses
        .flatMap((response) => response.partitions)
        .filter(({ errorCode }) => errorCode === 0)
        .map(({ partition, offset }) => [partition, BigInt(offset)]),
    )
  }
}
