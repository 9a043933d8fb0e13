import { noFailpoint } from '../../../pipelines/failpoints.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { BlockPump } from '../../../pipelines/load/block-pump.ts'
import { PartitionLoader } from '../../../pipelines/load/pipeline.ts'
import type { BlockStore } from '../../../pipelines/load/store.ts'
import type { FetchedBatch, GroupConsumer } from '../../../pipelines/log/group-consumer.ts'
import type { HaltError, LogRecord } from '../../../pipelines/log/records.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { VirtualClock } from './virtual-clock.ts'
import { TEST_INSTALLATION } from './stored-marks.ts'

/** How a heartbeat ends; "old": its answer came long ago. */
type HeartbeatEnd = 'ok' | 'rebalance' | 'old' | 'unanswered'

/** The group rebalances: the error that a heartbeat of the consumer throws. */
class Rebalance extends Error {}

/** The group has removed this member and given its partition to another: the error that heartbeats throw from then on. */
class PutOut extends Error {}

export const SOURCE = { topic: 'usage.blocks', partition: 0 }
const ASSIGNED = new Map([[SOURCE.topic, [SOURCE.partition]]])

const FETCHES_MAX = 10_000
/** Longer than the loader accepts as a sign of life. */
const OLD_MS = 20_000

/**
 * A consumer group's side of one partition of a block topic: it delivers records from the committed offset to the
 * product's pump, and does what the pump requests of its consumer.
 */
export class Loading {
  committed = 0n
  /** The results of the next heartbeats; "ok" after the last. */
  readonly heartbeats: HeartbeatEnd[]
  /** Another member has the partition: no heartbeat and no commit counts any more, and loading ends at the next of them. */
  isPutOut = false
  /** Called before an offset is committed. */
  onCommit: (offset: bigint) => void = () => {}
  readonly #clock: VirtualClock
  readonly #store: BlockStore
  #log: readonly LogRecord[] = []
  #loader: PartitionLoader
  #pump: BlockPump
  /** Where the next fetch begins. */
  #position = 0n
  #isEnding = false
  /** Called while the partition is not paused. */
  #resumed = Promise.withResolvers<void>()
  #halt: HaltError | undefined

  constructor(clock: VirtualClock, store: BlockStore, heartbeats: readonly HeartbeatEnd[] = []) {
    this.#clock = clock
    this.#store = store
    this.heartbeats = [...heartbeats]
    this.#loader = this.#openLoader()
    this.#pump = this.#openPump()
  }

  get loader(): PartitionLoader {
    return this.#loader
  }

  /** The process gets the signal to end: the loader leaves after the group that it loads. */
  end(): void {
    this.#isEnding = true
    void this.#pump.stop()
  }

  /** The process ends, and another one is assigned the partition. */
  restart(): void {
    this.#isEnding = false
    this.#loader = this.#openLoader()
    this.#pump = this.#openPump()
  }

  /**
   * Loads the log up to the end of its last group; fetches hold up to `fetchMax` records. Throws the error that halts the
   * loader.
   */
  async load(log: readonly LogRecord[], fetchMax: number): Promise<void> {
    this.#log = log
    this.#position = this.committed
    for (let fetches = 0; fetches < FETCHES_MAX; fetches++) {
      const records = log.filter(({ offset }) => offset >= this.#position).slice(0, fetchMax)
      if (records.length === 0) return
      if (!(await this.#deliver(records))) return
      if (this.#halt !== undefined) throw this.#halt
      if (this.#isEnding) return
      await this.#resumed.promise
    }
    throw new Error('The loader makes no progress.')
  }

  /** False where another member has the partition. */
  async #deliver(records: readonly LogRecord[]): Promise<boolean> {
    try {
      await this.#pump.onBatch(this.#batchOf(records))
    } catch (error) {
      if (error instanceof PutOut) return false
      if (!(error instanceof Rebalance)) return true
      // The same member gets the partition again, from the offset that the group holds.
      this.#position = this.committed
      this.#pump.onAssigned(ASSIGNED)
    }
    return true
  }

  #openPump(): BlockPump {
    const consumer: GroupConsumer = {
      start: async () => {},
      stop: async () => {},
      seek: (_topic, _partition, offset) => {
        this.#position = offset
      },
      pause: () => {
        this.#resumed = Promise.withResolvers()
      },
      resume: () => this.#resumed.resolve(),
    }
    const pump = new BlockPump({
      consumer,
      edges: {
        rangeOf: async () => ({ start: this.#log[0]?.offset ?? 0n, end: this.#end() }),
        at: async (_topic, _partition, timeMs) =>
          this.#log.find(({ timestampMs }) => timestampMs >= timeMs)?.offset ?? this.#end(),
      },
      clock: this.#clock,
      logger: silentLogger,
      metrics: noMetrics,
      onPartitions: () => this.#loader.assigned(),
      onRecords: (_topic, _partition, records, session) => this.#loader.take(records, session),
      onHalt: (_topic, _partition, halt) => {
        this.#halt = halt
      },
    })
    this.#halt = undefined
    pump.onAssigned(ASSIGNED)
    return pump
  }

  #openLoader(): PartitionLoader {
    return new PartitionLoader({
      source: SOURCE,
      installationId: TEST_INSTALLATION,
      store: this.#store,
      clock: this.#clock,
      logger: silentLogger,
      failpoint: noFailpoint,
      metrics: noMetrics,
    })
  }

  #end(): bigint {
    return (this.#log.at(-1)?.offset ?? -1n) + 1n
  }

  #batchOf(records: readonly LogRecord[]): FetchedBatch {
    const lastOffset = records.at(-1)?.offset ?? 0n
    return {
      ...SOURCE,
      records,
      lastOffset,
      isStale: () => false,
      resolve: () => {
        this.#position = lastOffset + 1n
      },
      heartbeat: () => this.#heartbeat(),
      commit: async (offset) => {
        // The commit is refused without an error: the next heartbeat reports it.
        if (this.isPutOut) return
        this.onCommit(offset)
        this.committed = offset
      },
    }
  }

  async #heartbeat(): Promise<void> {
    if (this.isPutOut) throw new PutOut('unknown member')
    const end = this.heartbeats.shift() ?? 'ok'
    if (end === 'rebalance') throw new Rebalance('rebalance in progress')
    if (end === 'unanswered') throw new Error('request timed out')
    if (end === 'old') this.#clock.pass(OLD_MS)
    else this.#pump.onHeartbeat()
  }
}
