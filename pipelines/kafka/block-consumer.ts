import { BlockPump, LOADER_REBALANCE_TIMEOUT_MS, LOADER_SESSION_TIMEOUT_MS } from '../load/block-pump.ts'
import type { BlockPumpParts } from '../load/block-pump.ts'
import type { KafkaOptions } from './kafkajs/client.ts'
import { KafkaGroupConsumer } from './kafkajs/group-consumer.ts'
import { LogOffsets } from './log-offsets.ts'
import { MIB } from '../../schemas/units.ts'

const HEARTBEAT_INTERVAL_MS = 1_000
const FETCH_WAIT_MS = 100
/** A fetch waits for this many bytes, or until its time is over, so that a steady flow comes in fewer fetches. */
const FETCH_BYTES_MIN = 65_536
const FETCH_BYTES_MAX = 32 * MIB
const PARTITION_BYTES_MAX = 4 * MIB
/** As many as the tasks have: a member that starts anew has another name, and the group waits for its former name. */
const CONSUMER_RETRIES_MAX = 30

export interface BlockConsumerOptions
  extends KafkaOptions,
    Pick<BlockPumpParts, 'metrics' | 'onPartitions' | 'onRecords' | 'onHalt'> {
  readonly topics: readonly string[]
  /** The number of partitions that are used; others, which someone added, are left alone. */
  readonly partitions: number
  readonly groupId: string
}

/** The loader's pump over Kafka: opens the clients and connections that it needs, and closes them. */
export class BlockConsumer {
  readonly #pump: BlockPump
  readonly #edges: LogOffsets

  constructor(options: BlockConsumerOptions) {
    this.#edges = new LogOffsets(options)
    this.#pump = new BlockPump({
      ...options,
      edges: this.#edges,
      consumer: new KafkaGroupConsumer({ ...options, bounds: GROUP_BOUNDS }),
    })
  }

  get failed(): Promise<Error> {
    return this.#pump.failed
  }

  get assigned(): BlockPump['assigned'] {
    return this.#pump.assigned
  }

  /** Connects, joins the group and continues in the background. */
  async start(): Promise<void> {
    await this.#pump.start()
  }

  redeliver(...where: Parameters<BlockPump['redeliver']>): void {
    this.#pump.redeliver(...where)
  }

  /** Ends after the groups that are being loaded, leaves the consumer group and disconnects. */
  async stop(): Promise<void> {
    const stopped = this.#pump.stop()
    // A request for a partition's end that is still waiting is rejected.
    this.#edges.stop()
    await stopped
  }
}

const GROUP_BOUNDS = {
  sessionTimeout: LOADER_SESSION_TIMEOUT_MS,
  heartbeatInterval: HEARTBEAT_INTERVAL_MS,
  rebalanceTimeout: LOADER_REBALANCE_TIMEOUT_MS,
  maxWaitTimeInMs: FETCH_WAIT_MS,
  minBytes: FETCH_BYTES_MIN,
  maxBytes: FETCH_BYTES_MAX,
  maxBytesPerPartition: PARTITION_BYTES_MAX,
  retry: { retries: CONSUMER_RETRIES_MAX },
} as const
