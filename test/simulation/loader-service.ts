import { noMetrics } from '../../schemas/metrics.ts'
import { LOADER_SESSION_TIMEOUT_MS } from '../../pipelines/kafka/block-consumer.ts'
import { HaltError } from '../../pipelines/kafka/records.ts'
import type { LogRecord } from '../../pipelines/kafka/records.ts'
import { PartitionLoader } from '../../pipelines/load/pipeline.ts'
import { watchStore } from '../../pipelines/load/watch-store.ts'
import { placeOf } from './cluster.ts'
import { MemoryConsumer } from './consumer.ts'
import type { Batch } from './consumer.ts'
import type { PartitionLog } from './partition-log.ts'
import type { SimProcess } from './process.ts'
import { PARTITIONS, TOPICS } from './services.ts'
import type { Service } from './services.ts'
import { StoreClient } from './store-client.ts'
import type { World } from './world.ts'
import { TEST_INSTALLATION } from '../support/stored-marks.ts'

const REBALANCE_TIMEOUT_MS = 60_000

/** The real `PartitionLoader`s of a process, driven as `BlockConsumer` drives them. */
export class LoaderService implements Service {
  readonly #process: SimProcess
  readonly #world: World
  readonly #blocks: (records: readonly LogRecord[]) => readonly LogRecord[]
  readonly #consumer: MemoryConsumer
  readonly #loaders = new Map<string, PartitionLoader>()
  readonly #running: Promise<void>
  readonly failed: Promise<Error>
  #lastHeartbeatMs: number
  #isStopping = false
  readonly #over = new AbortController()

  constructor(
    process: SimProcess,
    world: World,
    blocks: (records: readonly LogRecord[]) => readonly LogRecord[] = (records) => records,
  ) {
    this.#blocks = blocks
    this.#process = process
    this.#world = world
    this.#lastHeartbeatMs = process.clock.monotonicMs()
    const topics = [TOPICS.usageBlocks, TOPICS.settlementBlocks]
    this.#consumer = new MemoryConsumer({
      process,
      cluster: world.cluster,
      groupId: 'loader',
      topics,
      group: {
        sessionMs: LOADER_SESSION_TIMEOUT_MS,
        rebalanceMs: REBALANCE_TIMEOUT_MS,
        partitions: PARTITIONS,
      },
      recordsMax: () => world.random.int(1, world.schedule.settings.fetchMax),
      onJoined: (partitions) => {
        this.#beat()
        for (const topic of topics) {
          for (const partition of partitions) {
            this.#loaderOf(topic, partition).assigned()
            this.#consumer.resume(topic, partition)
          }
        }
      },
      onHeartbeat: () => this.#beat(),
      onStartBatch: () => {},
      eachBatch: (batch) => this.#eachBatch(batch),
    })
    const { promise: failed, resolve } = Promise.withResolvers<Error>()
    this.failed = failed
    this.#running = this.#consumer.run().catch(resolve)
    void watchStore({
      loaders: () => this.#loaders.values(),
      store: new StoreClient(process, world.store).blockStore(),
      clock: process.clock,
      signal: this.#over.signal,
      redeliver: ({ topic, partition }, offset) => this.#consumer.seek(topic, partition, offset),
    })
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#over.abort()
    this.#consumer.stop()
    await this.#running
  }

  #beat(): void {
    this.#lastHeartbeatMs = this.#process.clock.monotonicMs()
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

  async #eachBatch(batch: Batch): Promise<void> {
    if (batch.isStale()) return
    const { topic, partition } = batch
    const { clock } = this.#process
    try {
      const outcome = await this.#loaderOf(topic, partition).take(this.#blocks(batch.records), {
        heartbeat: () => batch.heartbeat(),
        heartbeatAgeMs: () => clock.monotonicMs() - this.#lastHeartbeatMs,
        // As BlockConsumer: a commit that fails is as good as none.
        commit: (offset) => void this.#consumer.commit(topic, partition, offset).catch(() => {}),
        logRange: () => this.#ofLeader(topic, partition, ({ start, lastStable: end }) => ({ start, end })),
        offsetAt: (timeMs) =>
          this.#ofLeader(
            topic,
            partition,
            (log) =>
              log.committed().find(({ timestampMs }) => timestampMs >= timeMs)?.offset ?? log.lastStable,
          ),
        isEnding: () => this.#isStopping,
      })
      if (outcome.next === 'continue') return batch.resolve()
      if (outcome.next === 'broken') {
        this.#consumer.seek(topic, partition, outcome.offset)
        throw outcome.error
      }
      this.#consumer.pause(topic, partition)
      this.#consumer.seek(topic, partition, outcome.offset)
      void this.#resumeLater(topic, partition, outcome.restMs)
    } catch (error) {
      if (!(error instanceof HaltError)) throw error
      this.#consumer.pause(topic, partition)
      this.#world.problems.push(
        `loader halted ${placeOf(topic, partition)}: ${error.reason}: ${error.message}`,
      )
    }
  }

  #ofLeader<T>(topic: string, partition: number, apply: (log: PartitionLog) => T): Promise<T> {
    return this.#process.request('log', () => this.#world.cluster.ofLeader(topic, partition, apply))
  }

  async #resumeLater(topic: string, partition: number, restMs: number): Promise<void> {
    await this.#process.clock.delay(restMs)
    if (!this.#isStopping) this.#consumer.resume(topic, partition)
  }
}
