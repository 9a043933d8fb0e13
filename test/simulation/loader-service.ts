import { noMetrics } from '../../schemas/metrics.ts'
import { blockTopics } from '../../schemas/topics.ts'
import {
  BlockPump,
  LOADER_REBALANCE_TIMEOUT_MS,
  LOADER_SESSION_TIMEOUT_MS,
} from '../../pipelines/load/block-pump.ts'
import type { LogEdges } from '../../pipelines/load/block-pump.ts'
import type { LogRecord } from '../../pipelines/log/records.ts'
import { PartitionLoader } from '../../pipelines/load/pipeline.ts'
import { watchStore } from '../../pipelines/load/watch-store.ts'
import { placeOf } from './world/cluster.ts'
import { MemoryConsumer } from './world/consumer.ts'
import type { PartitionLog } from './world/partition-log.ts'
import type { SimProcess } from './world/process.ts'
import { PARTITIONS, TOPICS } from './services.ts'
import type { Service } from './services.ts'
import { StoreClient } from './world/store-client.ts'
import type { World } from './world/world.ts'
import { TEST_INSTALLATION } from '../support/memory/stored-marks.ts'

/** The product's loader over the cluster and the store in memory. */
export class LoaderService implements Service {
  readonly #process: SimProcess
  readonly #world: World
  readonly #pump: BlockPump
  readonly #loaders = new Map<string, PartitionLoader>()
  readonly #over = new AbortController()

  /** `blocks`: how a test changes the records of one fetch before a loader takes them. */
  constructor(
    process: SimProcess,
    world: World,
    blocks: (records: readonly LogRecord[]) => readonly LogRecord[] = (records) => records,
  ) {
    this.#process = process
    this.#world = world
    this.#pump = new BlockPump({
      consumer: this.#consumer(),
      edges: this.#edges(),
      clock: process.clock,
      logger: world.logger(process.name),
      metrics: noMetrics,
      onPartitions: (topic, partitions) => {
        for (const partition of partitions) this.#loaderOf(topic, partition).assigned()
      },
      onRecords: (topic, partition, records, session) =>
        this.#loaderOf(topic, partition).take(blocks(records), session),
      onHalt: (topic, partition, { reason, message }) => {
        world.problems.push(`loader halted ${placeOf(topic, partition)}: ${reason}: ${message}`)
      },
    })
    void this.#pump.start()
    void watchStore({
      loaders: () => this.#loaders.values(),
      store: new StoreClient(process, world.store).blockStore(),
      clock: process.clock,
      signal: this.#over.signal,
      redeliver: ({ topic, partition }, offset) => this.#pump.redeliver(topic, partition, offset),
    })
  }

  get failed(): Promise<Error> {
    return this.#pump.failed
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#pump.stop()
  }

  #consumer(): MemoryConsumer {
    const { cluster, random, schedule } = this.#world
    return new MemoryConsumer({
      process: this.#process,
      cluster,
      groupId: 'loader',
      topics: blockTopics(TOPICS),
      group: {
        sessionMs: LOADER_SESSION_TIMEOUT_MS,
        rebalanceMs: LOADER_REBALANCE_TIMEOUT_MS,
        partitions: PARTITIONS,
      },
      recordsMax: () => random.int(1, schedule.settings.fetchMax),
    })
  }

  #edges(): LogEdges {
    return {
      rangeOf: (topic, partition) =>
        this.#ofLeader(topic, partition, ({ start, lastStable: end }) => ({ start, end })),
      at: (topic, partition, timeMs) =>
        this.#ofLeader(
          topic,
          partition,
          (log) => log.committed().find(({ timestampMs }) => timestampMs >= timeMs)?.offset ?? log.lastStable,
        ),
    }
  }

  #loaderOf(topic: string, partition: number): PartitionLoader {
    const place = placeOf(topic, partition)
    let loader = this.#loaders.get(place)
    if (loader === undefined) {
      loader = new PartitionLoader({
        source: { topic, partition },
        installationId: TEST_INSTALLATION,
        store: new StoreClient(this.#process, this.#world.store).blockStore(),
        clock: this.#process.clock,
        failpoint: this.#world.failpointOf(this.#process),
        logger: this.#world.logger(this.#process.name),
        metrics: noMetrics,
      })
      this.#loaders.set(place, loader)
    }
    return loader
  }

  #ofLeader<T>(topic: string, partition: number, apply: (log: PartitionLog) => T): Promise<T> {
    return this.#process.request('log', () => this.#world.cluster.ofLeader(topic, partition, apply))
  }
}
