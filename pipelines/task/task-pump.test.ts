import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Metrics } from '../../schemas/metrics.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import { SlotBench } from '../../test/support/memory/slot-bench.ts'
import type { FetchedBatch } from '../log/group-consumer.ts'
import type { LogAppend } from '../log/records.ts'
import { TASK_BOUNDS } from './task.ts'
import { TaskPump } from './task-pump.ts'

const TOPIC = 'account.inbox'
const PARTITION = 3

/** A pump on a consumer that is controlled by the test, and a diary of what it was told to do. */
class PumpBench {
  readonly slots = new SlotBench()
  readonly diary: string[] = []
  readonly lags: number[] = []
  readonly ticks: LogAppend[] = []
  readonly pump: TaskPump
  readonly #metrics: Metrics = {
    count: () => {},
    observe: () => {},
    set: (name, _labels, value) => {
      if (name === 'hivemeter_consumer_lag_records') this.lags.push(value)
    },
  }

  constructor() {
    const { diary } = this
    this.pump = new TaskPump({
      consumer: {
        start: async () => {},
        seek: (_topic, partition, offset) => diary.push(`seek ${partition} to ${offset}`),
        pause: (_topic, partition) => diary.push(`pause ${partition}`),
        resume: (_topic, partition) => diary.push(`resume ${partition}`),
        stop: async () => {
          diary.push('stop')
        },
      },
      ownInput: {
        append: async (records) => {
          this.ticks.push(...records)
        },
      },
      tickWhenIdle: false,
      slots: { ...this.slots.parts, metrics: this.#metrics },
    })
  }

  assign(...partitions: number[]): void {
    this.pump.onAssigned(new Map([[TOPIC, partitions]]))
  }

  /** Delivers the records at these offsets of the partition, whose newest is at `newest`. */
  async deliver(offsets: readonly number[], newest: number): Promise<void> {
    const records = offsets.map((offset) => inputRecord(offset, 0, null))
    const [first = 0] = offsets
    const last = BigInt(offsets.at(-1) ?? 0)
    const range = { first: BigInt(first), last, records: records.length, end: BigInt(newest) + 1n }
    this.pump.onFetched(TOPIC, PARTITION, range)
    await this.pump.onBatch(this.#batch(records, last))
  }

  /** Brings the partition to running, at position 10. */
  async running(): Promise<this> {
    this.assign(PARTITION)
    await this.deliver([1], 1)
    this.diary.length = 0
    this.lags.length = 0
    return this
  }

  #batch(records: FetchedBatch['records'], lastOffset: bigint): FetchedBatch {
    return {
      topic: TOPIC,
      partition: PARTITION,
      records,
      lastOffset,
      isStale: () => false,
      resolve: () => this.diary.push(`resolve ${lastOffset}`),
      heartbeat: async () => {},
      commit: async (offset) => {
        this.diary.push(`commit ${offset}`)
      },
    }
  }
}

describe('a pump of tasks', () => {
  it('wakes a partition that it is given with a tick, and seeks to where its state goes on', async () => {
    const bench = new PumpBench()
    bench.assign(PARTITION)
    assert.deepEqual(bench.diary, [`resume ${PARTITION}`])
    assert.deepEqual(
      bench.ticks.map(({ partition, key }) => ({ partition, key })),
      [{ partition: PARTITION, key: '!tick' }],
    )
    assert.deepEqual(bench.pump.waitingFor(), ['partition 3 (assigned)'])
    await bench.deliver([1], 1)
    assert.deepEqual(bench.diary.slice(1), ['seek 3 to 10'])
    assert.deepEqual(bench.pump.waitingFor(), [])
  })

  it('says how far it is behind, with the batch and after it, and nothing once another has the partition', async () => {
    const bench = await new PumpBench().running()
    await bench.deliver([10, 11], 29)
    assert.deepEqual(bench.lags, [20, 18])
    await bench.deliver([12], 12)
    assert.deepEqual(bench.lags.slice(2), [1, 0])
    bench.assign()
    assert.deepEqual(bench.lags.slice(4), [0])
  })

  it('starts no task in a process that leaves', async () => {
    const bench = await new PumpBench().running()
    await bench.pump.stop()
    assert.equal(bench.diary.at(-1), 'stop')
    bench.assign(PARTITION, 4)
    assert.equal(bench.diary.includes('resume 4'), false)
    assert.deepEqual(bench.pump.waitingFor(), [])
  })

  it('gives up a restore in a process that leaves, and begins none', async () => {
    const bench = new PumpBench()
    bench.slots.restoreTakesMs = 60_000
    bench.assign(PARTITION)
    const restoring = bench.deliver([1], 1)
    const isReading = (): boolean => bench.slots.diary.some((entry) => entry.startsWith('read '))
    while (!isReading()) await new Promise(setImmediate)
    const startMs = bench.slots.clock.monotonicMs()
    await bench.pump.stop()
    await restoring
    assert.ok(bench.slots.clock.monotonicMs() - startMs < 1_000, 'nobody waits for it')
    assert.deepEqual(bench.slots.diary.slice(-2), ['state thrown away', 'writer closed'])
    bench.slots.diary.length = 0
    await bench.deliver([2], 2)
    assert.deepEqual(bench.slots.diary, [])
  })

  it('waits for the transaction under way before the group shares the partitions out anew', async () => {
    const bench = await new PumpBench().running()
    const committed = Promise.withResolvers<void>()
    bench.slots.commitTakes = committed.promise
    await bench.deliver([10], 10)
    let isSettled = false
    const settled = bench.pump.beforeRebalance().then(() => {
      isSettled = true
    })
    await Promise.resolve()
    assert.equal(isSettled, false)
    committed.resolve()
    await settled
  })

  it('lets a partition rest where the state asks for it, and goes on after a while', async () => {
    const bench = await new PumpBench().running()
    bench.slots.decide = ({ records }) => ({ position: records[0]?.offset ?? 0n, pause: 'ids_full' })
    const startMs = bench.slots.clock.monotonicMs()
    await bench.deliver([10], 10)
    assert.deepEqual(bench.diary, ['pause 3', 'seek 3 to 10'])
    await bench.slots.clock.delay(TASK_BOUNDS.pauseMs)
    assert.deepEqual(bench.diary.slice(2), ['resume 3'])
    assert.ok(bench.slots.clock.monotonicMs() - startMs >= TASK_BOUNDS.pauseMs)
  })
})
