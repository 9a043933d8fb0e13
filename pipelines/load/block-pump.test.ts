import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inputRecord } from '../../test/support/records/task-log.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import { HaltError } from '../log/records.ts'
import { silentLogger } from '../logger.ts'
import { BlockPump } from './block-pump.ts'
import type { BlockOutcome } from './block-session.ts'

const TOPIC = 'usage.blocks'

/** A pump on a consumer that is controlled by the test, and what its gauges show. */
class PumpBench {
  readonly clock = new VirtualClock()
  readonly diary: string[] = []
  readonly gauges = new Map<string, number>()
  outcome: BlockOutcome | Error = { next: 'continue', openFrom: null }
  readonly pump: BlockPump

  constructor() {
    const { diary, gauges } = this
    this.pump = new BlockPump({
      consumer: {
        start: async () => {},
        seek: (_topic, partition, offset) => diary.push(`seek ${partition} to ${offset}`),
        pause: (_topic, partition) => diary.push(`pause ${partition}`),
        resume: (_topic, partition) => diary.push(`resume ${partition}`),
        stop: async () => {},
      },
      edges: { rangeOf: async () => ({ start: 0n, end: 0n }), at: async () => 0n },
      clock: this.clock,
      logger: silentLogger,
      metrics: {
        count: () => {},
        observe: () => {},
        set: (name, labels, value) => gauges.set([name, ...Object.values(labels)].join(' '), value),
      },
      onPartitions: () => {},
      onRecords: async () => {
        if (this.outcome instanceof Error) throw this.outcome
        return this.outcome
      },
      onHalt: (_topic, partition, { reason }) => diary.push(`halt ${partition}: ${reason}`),
    })
  }

  assign(...partitions: number[]): void {
    this.pump.onAssigned(new Map([[TOPIC, partitions]]))
  }

  /** Delivers records 5 to 7 of partition 2, whose newest is the 9th. */
  async deliver(): Promise<void> {
    this.pump.onFetched(TOPIC, 2, { first: 5n, last: 7n, records: 3, end: 10n })
    await this.pump.onBatch({
      topic: TOPIC,
      partition: 2,
      records: [5, 6, 7].map((offset) => inputRecord(offset, 0, null)),
      lastOffset: 7n,
      isStale: () => false,
      resolve: () => this.diary.push('resolve'),
      heartbeat: async () => {},
      commit: async () => {},
    })
  }

  get lag(): number | undefined {
    return this.gauges.get(`hivemeter_consumer_lag_records ${TOPIC} 2`)
  }

  /** The states that the partition's gauge shows with 1. */
  get states(): string[] {
    const begin = `hivemeter_task_state ${TOPIC} 2 `
    return [...this.gauges]
      .filter(([series, value]) => series.startsWith(begin) && value === 1)
      .map(([series]) => series.slice(begin.length))
  }
}

describe('a pump of blocks', () => {
  it('shows what runs, and how far that is behind', async () => {
    const bench = new PumpBench()
    bench.assign(2)
    assert.deepEqual(bench.states, ['running'])
    await bench.deliver()
    assert.equal(bench.lag, 2)
    assert.deepEqual(bench.diary, ['resume 2', 'resolve'])
    bench.outcome = { next: 'continue', openFrom: 6n }
    await bench.deliver()
    assert.equal(bench.lag, 4, 'what waits for the end of its group is not done')
  })

  it('shows what rests until it goes on', async () => {
    const bench = new PumpBench()
    bench.assign(2)
    bench.outcome = { next: 'again', offset: 5n, restMs: 2_000 }
    await bench.deliver()
    assert.deepEqual(bench.states, ['waiting'])
    await bench.clock.delay(2_000)
    assert.deepEqual(bench.states, ['running'])
    assert.deepEqual(bench.diary, ['resume 2', 'seek 2 to 5', 'pause 2', 'resume 2'])
  })

  it('shows what halts until the group gives it again', async () => {
    const bench = new PumpBench()
    bench.assign(2)
    bench.outcome = new HaltError('block_gap', 'a gap', 'look')
    await bench.deliver()
    assert.deepEqual(bench.states, ['halted'])
    assert.deepEqual(bench.diary, ['resume 2', 'pause 2', 'halt 2: block_gap'])
    bench.assign(2)
    assert.deepEqual(bench.states, ['running'])
  })

  it('shows nothing of what another process has', async () => {
    const bench = new PumpBench()
    bench.assign(2)
    bench.outcome = { next: 'again', offset: 5n, restMs: 2_000 }
    await bench.deliver()
    bench.assign(3)
    assert.deepEqual(bench.states, [])
    assert.equal(bench.lag, 0)
    await bench.clock.delay(2_000)
    assert.deepEqual(bench.states, [], 'also when its rest is over')
    assert.equal(bench.diary.includes('resume 2', 1), false)
  })
})
