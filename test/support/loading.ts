import { noFailpoint } from '../../pipelines/failpoints.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import type { BlockSession } from '../../pipelines/kafka/block-consumer.ts'
import type { LogRecord } from '../../pipelines/kafka/records.ts'
import { PartitionLoader } from '../../pipelines/load/pipeline.ts'
import type { BlockStore } from '../../pipelines/load/store.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { VirtualClock } from './virtual-clock.ts'
import { TEST_INSTALLATION } from './stored-marks.ts'

/** The group rebalances: what a heartbeat of the consumer throws. */
export class Rebalance extends Error {}

/** The group has put this member out and given its partition to another: what a heartbeat throws from then on. */
class PutOut extends Error {}

export const SOURCE = { topic: 'usage.blocks', partition: 0 }

/**
 * A consumer group's side of one partition of a block topic: delivers records from the committed offset, and follows
 * the loader's outcomes as the block consumer does.
 */
export class Loading {
  committed = 0n
  /** The process ends: the loader leaves after the group that it loads. */
  isEnding = false
  /** How the heartbeats to come end; "ok" after the last. */
  readonly heartbeats: ('ok' | 'rebalance' | 'old' | 'unanswered')[]
  /** Another has the partition: no heartbeat and no commit counts any more, and loading ends at the next of them. */
  isPutOut = false
  /** Told before an offset is committed. */
  onCommit: (offset: bigint) => void = () => {}
  readonly #clock: VirtualClock
  readonly #store: BlockStore
  #heartbeatAgeMs = 0
  #log: readonly LogRecord[] = []
  #loader: PartitionLoader

  constructor(
    clock: VirtualClock,
    store: BlockStore,
    heartbeats: readonly ('ok' | 'rebalance' | 'old' | 'unanswered')[] = [],
  ) {
    this.#clock = clock
    this.#store = store
    this.heartbeats = [...heartbeats]
    this.#loader = this.#start()
  }

  get loader(): PartitionLoader {
    return this.#loader
  }

  /** The process ends, and another one is assigned the partition. */
  restart(): void {
    this.#loader = this.#start()
  }

  /** Loads the log up to where its last group ends; fetches hold up to `fetchMax` records. Throws what halts the loader. */
  async load(log: readonly LogRecord[], fetchMax: number): Promise<void> {
    this.#log = log
    let position = this.committed
    for (let fetches = 0; fetches < 10_000; fetches++) {
      const records = log.filter(({ offset }) => offset >= position).slice(0, fetchMax)
      const last = records.at(-1)
      if (last === undefined) return
      const outcome = await this.#loader.take(records, this.#session())
      if (outcome.next === 'continue') {
        position = last.offset + 1n
      } else if (outcome.next === 'again') {
        await this.#clock.delay(outcome.restMs)
        position = outcome.offset
      } else if (outcome.error instanceof PutOut) {
        return
      } else if (outcome.error instanceof Rebalance) {
        this.#loader.assigned()
        position = this.committed
      } else {
        // The coordinator did not answer: the same generation goes on from there.
        position = outcome.offset
      }
    }
    throw new Error('The loader makes no progress.')
  }

  #start(): PartitionLoader {
    const loader = new PartitionLoader({
      source: SOURCE,
      installationId: TEST_INSTALLATION,
      store: this.#store,
      clock: this.#clock,
      logger: silentLogger,
      failpoint: noFailpoint,
      metrics: noMetrics,
    })
    loader.assigned()
    return loader
  }

  #session(): BlockSession {
    return {
      heartbeat: async () => {
        if (this.isPutOut) throw new PutOut('unknown member')
        const outcome = this.heartbeats.shift() ?? 'ok'
        this.#heartbeatAgeMs = outcome === 'old' ? 20_000 : 0
        if (outcome === 'rebalance') throw new Rebalance('rebalance in progress')
        if (outcome === 'unanswered') throw new Error('request timed out')
      },
      heartbeatAgeMs: () => this.#heartbeatAgeMs,
      logRange: async () => ({
        start: this.#log[0]?.offset ?? 0n,
        end: (this.#log.at(-1)?.offset ?? -1n) + 1n,
      }),
      offsetAt: async (timeMs) =>
        this.#log.find(({ timestampMs }) => timestampMs >= timeMs)?.offset ??
        (this.#log.at(-1)?.offset ?? -1n) + 1n,
      isEnding: () => this.isEnding,
      commit: (offset) => {
        // Refused, and nobody told: the next heartbeat says it.
        if (this.isPutOut) return
        this.onCommit(offset)
        this.committed = offset
      },
    }
  }
}
