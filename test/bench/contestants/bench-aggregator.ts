import { systemRandom } from '../../../pipelines/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { noFailpoint } from '../../../pipelines/failpoints.ts'
import { TaskRunner } from '../../../pipelines/kafka/task-runner.ts'
import type { TaskState } from '../../../pipelines/task/task.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { COMPILED_TABLES } from '../../../pipelines/usage/model-tables.ts'
import { AggregatorState } from '../../../pipelines/usage/pipeline.ts'
import type { Metrics } from '../../../schemas/metrics.ts'
import { topicNames } from '../../../schemas/topics.ts'
import { nothingForwarded } from '../../support/memory/nothing-forwarded.ts'
import { emptyStoreGate } from '../../support/memory/stored-marks.ts'

export interface BenchAggregatorOptions {
  readonly brokers: readonly string[]
  /** Its input, which may be shared with other turns. */
  readonly topic: string
  /** The prefix of its own topics: a second process with the same prefix goes on where the first one stopped. */
  readonly prefix: string
  readonly partitions: number
  /** The name of this process among those that share the partitions. */
  readonly instance: string
  readonly idsMax: number
  /** True: every block counts as loaded at once, so that ids leave memory at its bound. */
  readonly loaded: boolean
  readonly metrics: Metrics
  /** Gets what happens to the tasks, by partition. */
  readonly watch: {
    readonly restored: (partition: number) => void
    readonly deciding: (partition: number, records: number) => void
    readonly committed: (partition: number, position: number) => void
  }
}

/** Above every block number, and small enough to be added to. */
const ALL_LOADED = 2 ** 40

/**
 * An aggregator as the service runs it, without a ClickHouse: the same runner and state. It appends no configuration to
 * its input, so that turns on one input find the same records. A look-up of old ids finds none, at once: that is right
 * where no event comes twice.
 */
export class BenchAggregator {
  readonly idPool: { held: number; readonly max: number }
  /** The number of ids that would have been looked up in ClickHouse. */
  lookedUp = 0
  readonly #runner: TaskRunner

  constructor(options: BenchAggregatorOptions) {
    const { brokers, topic, prefix, partitions, metrics } = options
    const topics = { ...topicNames(prefix), usageMetered: topic }
    this.idPool = { held: 0, max: options.idsMax }
    const openState = (partition: number): TaskState =>
      watched(
        partition,
        new AggregatorState({
          partition,
          partitions,
          topics,
          idKey: Buffer.alloc(32, 7),
          idPool: this.idPool,
          lookup: async (_partition, _evictedSeq, keys) => {
            this.lookedUp += keys.length
            return new Map()
          },
          models: COMPILED_TABLES,
          loadedSeq: () => (options.loaded ? ALL_LOADED : 0),
          gate: emptyStoreGate(),
          forward: nothingForwarded,
          clock: systemClock,
          metrics,
        }),
        options.watch,
      )
    this.#runner = new TaskRunner({
      brokers,
      clientId: 'bench-aggregator',
      logger: silentLogger,
      failpoint: noFailpoint,
      clock: systemClock,
      random: systemRandom,
      metrics,
      service: 'aggregator',
      topicPrefix: prefix,
      inputTopic: topic,
      stateTopic: topics.usageIds,
      outputTopics: [topics.usageBlocks, topics.accountInbox],
      tickWhenIdle: false,
      instance: options.instance,
      openState,
    })
  }

  async start(): Promise<void> {
    await this.#runner.start()
  }

  /** Stops it in order, as SIGTERM does: the group gives its partitions to the next one at once. */
  async stop(): Promise<void> {
    await this.#runner.stop()
  }

  /** Throws where a partition is halted. */
  check(): void {
    const [halt] = this.#runner.halts()
    if (halt !== undefined) throw new Error(`Partition ${halt.partition} halted: ${halt.halt.message}`)
  }
}

function watched(partition: number, state: TaskState, watch: BenchAggregatorOptions['watch']): TaskState {
  let position = 0
  return {
    restore: (record) => state.restore(record),
    restored: (inputStart) => {
      const restored = state.restored(inputStart)
      watch.restored(partition)
      return { ...restored, appends: [] }
    },
    decide: async (batch) => {
      watch.deciding(partition, batch.records.length)
      const decision = await state.decide(batch)
      position = Number(decision.position)
      return decision
    },
    committed: (offsets) => {
      watch.committed(partition, position)
      return state.committed(offsets)
    },
    dispose: () => state.dispose(),
  }
}
