import type { Consumer, ConsumerConfig } from 'kafkajs'
import type { GroupConsumer, GroupConsumerHandlers } from '../../log/group-consumer.ts'
import { samePartitionAssigner } from './assigner.ts'
import { createKafka, LEADERS_AGE_MS_MAX, toRecord } from './client.ts'
import type { KafkaOptions } from './client.ts'

/** Partitions that this process may work on at once; each waits for I/O most of the time. */
const CONCURRENT_PARTITIONS_MAX = 64

export interface KafkaGroupConsumerOptions extends KafkaOptions {
  readonly topics: readonly string[]
  readonly groupId: string
  /**
   * The number of partitions that are used; others, which someone added, are left alone. All of them where it is not
   * given.
   */
  readonly partitions: number | undefined
  /** Times and sizes of the group and its fetches. */
  readonly bounds: Omit<ConsumerConfig, 'groupId' | 'partitionAssigners' | 'metadataMaxAge'>
}

/** `GroupConsumer` on kafkajs. */
export class KafkaGroupConsumer implements GroupConsumer {
  readonly #topics: readonly string[]
  readonly #consumer: Consumer
  #beforeRebalance: () => Promise<void> = async () => {}

  constructor(options: KafkaGroupConsumerOptions) {
    this.#topics = options.topics
    const { partitions } = options
    const assigner = samePartitionAssigner({ partitions, settled: () => this.#beforeRebalance() })
    this.#consumer = createKafka(options).consumer({
      ...options.bounds,
      groupId: options.groupId,
      partitionAssigners: [assigner],
      metadataMaxAge: LEADERS_AGE_MS_MAX,
    })
  }

  async start(handlers: GroupConsumerHandlers): Promise<void> {
    const consumer = this.#consumer
    this.#beforeRebalance = () => handlers.beforeRebalance()
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      handlers.onAssigned(new Map(Object.entries(payload.memberAssignment)))
    })
    consumer.on(consumer.events.HEARTBEAT, () => handlers.onHeartbeat())
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
      // firstOffset is null where the whole batch is below the requested offset, whatever the types say.
      const first = payload.firstOffset as string | null
      handlers.onFetched(payload.topic, payload.partition, {
        first: first === null ? null : BigInt(first),
        last: BigInt(payload.lastOffset),
        records: payload.batchSize,
        end: BigInt(payload.highWatermark),
      })
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) handlers.onFailed(payload.error)
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [...this.#topics], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS_MAX,
      eachBatch: async (fetched) => {
        const { topic, partition, messages } = fetched.batch
        const lastOffset = fetched.batch.lastOffset()
        await handlers.onBatch({
          topic,
          partition,
          records: messages.map((message) => toRecord(partition, message)),
          lastOffset: BigInt(lastOffset),
          isStale: () => fetched.isStale(),
          resolve: () => fetched.resolveOffset(lastOffset),
          heartbeat: () => fetched.heartbeat(),
          commit: (offset) =>
            fetched.commitOffsetsIfNecessary({
              topics: [{ topic, partitions: [{ partition, offset: offset.toString() }] }],
            }),
        })
      },
    })
  }

  seek(topic: string, partition: number, offset: bigint): void {
    this.#consumer.seek({ topic, partition, offset: offset.toString() })
  }

  pause(topic: string, partition: number): void {
    this.#consumer.pause([{ topic, partitions: [partition] }])
  }

  resume(topic: string, partition: number): void {
    this.#consumer.resume([{ topic, partitions: [partition] }])
  }

  async stop(): Promise<void> {
    await this.#consumer.stop()
    // The group was left: nothing depends on how the disconnect ends.
    await Promise.allSettled([this.#consumer.disconnect()])
  }
}
