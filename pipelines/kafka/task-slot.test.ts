import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fenceCodec } from '../../schemas/avro.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { inputRecord } from '../../test/support/task-log.ts'
import { VirtualClock } from '../../test/support/virtual-clock.ts'
import { noFailpoint } from '../failpoints.ts'
import { silentLogger } from '../logger.ts'
import { FatalError, HaltError } from './records.ts'
import type { LogRecord, TopicAppend } from './records.ts'
import { TaskSlot } from './task-slot.ts'
import type { TaskBatch, TaskDecision, TaskState } from './task.ts'
import { TASK_BOUNDS } from './task.ts'
import type { TransactionalWriter } from './transaction.ts'

const APPEND: TopicAppend = { topic: 'node.state', partition: 3, key: '!task', value: Buffer.from('task') }

/** A slot on parts that do what a test says, and a diary of what happened to them. */
class Bench {
  inputEnd = 1_000n
  readonly clock = new VirtualClock()
  readonly diary: string[] = []
  readonly slot: TaskSlot
  /** Thrown by the next commit. */
  commitFails: Error | undefined
  /** Commits are not answered before this is done. */
  commitTakes: Promise<void> | undefined
  /** What the state decides, or throws. */
  decide: (batch: TaskBatch) => Partial<TaskDecision> = () => ({ appends: [APPEND] })
  restoreTakesMs = 0
  fatal: FatalError | undefined
  #offset = 40n

  constructor() {
    this.slot = new TaskSlot(3, {
      stateTopic: 'node.state',
      outputTopics: ['settlement.blocks'],
      instance: 'here',
      clock: this.clock,
      logger: silentLogger,
      metrics: noMetrics,
      failpoint: noFailpoint,
      stateReader: {
        read: async (partition, { start, through }, onRecord, signal) => {
          this.diary.push(`read ${partition} from ${start} through ${through}`)
          await this.clock.delay(this.restoreTakesMs, signal)
          if (signal?.aborted === true) throw new Error('given up')
          onRecord(inputRecord(Number(start), 0, null))
        },
      },
      openWriter: () => this.#writer(),
      openState: () => this.#state(),
      logRanges: async () => ({ input: { start: 5n, end: this.inputEnd }, state: 30n }),
      deleteStateBefore: async (partition, offset) => {
        this.diary.push(`delete ${partition} before ${offset}`)
      },
      onFatal: (error) => {
        this.fatal = error
      },
    })
  }

  /** Brings the slot to running, at position 10. */
  async running(): Promise<this> {
    assert.deepEqual(await this.handle([1]), { next: 'seek', position: 10n })
    this.diary.length = 0
    return this
  }

  async handle(offsets: readonly number[], heartbeat: () => Promise<void> = async () => {}) {
    const records = offsets.map((offset) => inputRecord(offset, 0, null))
    return await this.slot.handle(records, BigInt(offsets.at(-1) ?? 0) + 1n, heartbeat)
  }

  #writer(): TransactionalWriter {
    const commit = async (records: readonly TopicAppend[]): Promise<readonly bigint[]> => {
      const [first] = records
      const what =
        first?.key === '!fence'
          ? `fence ${fenceCodec.decode(first.value ?? Buffer.alloc(0)).instance}`
          : 'commit'
      const fails = this.commitFails
      this.commitFails = undefined
      if (what !== 'commit') {
        assert.deepEqual(
          records.map(({ topic, partition }) => `${topic}[${partition}]`),
          ['node.state[3]', 'settlement.blocks[3]'],
          'one marker decides what is open in any topic of the task',
        )
      }
      this.diary.push(fails === undefined ? what : `${what} fails`)
      await this.commitTakes
      if (fails !== undefined) throw fails
      return records.map(() => this.#offset++)
    }
    const close = async (): Promise<void> => {
      this.diary.push('writer closed')
    }
    return { commit, close } as unknown as TransactionalWriter
  }

  #state(): TaskState {
    return {
      restore: (record: LogRecord) => this.diary.push(`restore ${record.offset}`),
      restored: (inputStart) => {
        this.diary.push(`restored, input from ${inputStart}`)
        return { position: 10n, appends: [{ key: null, value: Buffer.from('rules') }] }
      },
      decide: async (batch) => ({
        appends: [],
        position: batch.nextOffset,
        groupOpen: false,
        pause: null,
        ...this.decide(batch),
      }),
      committed: (offsets) => ({ deleteStateBefore: offsets[0] ?? null }),
      dispose: () => this.diary.push('state thrown away'),
    }
  }
}

test('an assigned task fences, reads its state up to its own fence, and seeks to its position', async () => {
  const bench = new Bench()
  assert.equal(bench.slot.phase, 'assigned')
  assert.deepEqual(await bench.handle([1]), { next: 'seek', position: 10n })
  assert.deepEqual(bench.diary, [
    'fence here',
    'read 3 from 30 through 40',
    'restore 30',
    'restored, input from 5',
  ])
  assert.equal(bench.slot.phase, 'running')
  assert.deepEqual(bench.slot.takeAppends(), [{ partition: 3, key: null, value: Buffer.from('rules') }])
  assert.deepEqual(bench.slot.takeAppends(), [])
})

test('a running task decides, commits, deletes; what lies below its position is dropped', async () => {
  const bench = await new Bench().running()
  let seen: readonly bigint[] = []
  bench.decide = ({ records }) => {
    seen = records.map(({ offset }) => offset)
    return { appends: [APPEND], groupOpen: true }
  }
  assert.deepEqual(await bench.handle([8, 9, 10, 11]), { next: 'continue' })
  assert.deepEqual(seen, [10n, 11n])
  assert.deepEqual(bench.diary, ['commit', 'delete 3 before 42'])
  assert.equal(bench.slot.position, 12n)
  assert.equal(bench.slot.groupOpen, true)
})

test('while one batch commits the next is fetched, and decided only when the commit is known to be done', async () => {
  const bench = await new Bench().running()
  const { promise, resolve } = Promise.withResolvers<void>()
  bench.commitTakes = promise
  bench.decide = ({ records }) => {
    bench.diary.push(`decide ${records[0]?.offset}`)
    return { appends: [APPEND] }
  }
  assert.deepEqual(await bench.handle([10]), { next: 'continue' })
  bench.slot.onFetched({ first: 11n, last: 11n, records: 1 })
  assert.equal(bench.slot.phase, 'running', 'its position is behind the batch that commits')
  const next = bench.handle([11])
  const closed = bench.slot.close()
  assert.deepEqual(bench.diary, ['decide 10', 'commit'])
  resolve()
  await next
  await closed
  assert.deepEqual(bench.diary.slice(0, 4), ['decide 10', 'commit', 'delete 3 before 42', 'decide 11'])
})

test('a partition that halts while it commits stays halted, whatever comes of the commit', async () => {
  const bench = await new Bench().running()
  const { promise, resolve } = Promise.withResolvers<void>()
  bench.commitTakes = promise
  bench.commitFails = new Error('the writer was closed')
  await bench.handle([10])
  bench.slot.onFetched({ first: 12n, last: 12n, records: 1 })
  assert.equal(bench.slot.phase, 'halted')
  resolve()
  assert.deepEqual(await bench.handle([12]), { next: 'pause' })
  assert.equal(bench.slot.phase, 'halted')
})

test('a decision to wait is answered when what precedes it is committed', async () => {
  const bench = await new Bench().running()
  bench.decide = () => ({ appends: [APPEND], position: 11n, pause: 'ids_full' })
  bench.commitFails = new Error('connection lost')
  assert.deepEqual(await bench.handle([10, 11]), { next: 'pause' })
  assert.equal(bench.slot.phase, 'waiting')
})

test('a decision to wait seeks to the record that waits, and rests', async () => {
  const bench = await new Bench().running()
  bench.decide = () => ({ position: 10n, pause: 'ids_full' })
  assert.deepEqual(await bench.handle([10, 11]), { next: 'rest', position: 10n, reason: 'ids_full' })
  assert.equal(bench.slot.phase, 'running')
})

test('after an unknown outcome the second heartbeat, 5 s after the last fence, starts it at fence again', async () => {
  const bench = await new Bench().running()
  bench.commitFails = new Error('connection lost')
  assert.deepEqual(
    await bench.handle([10]),
    { next: 'continue' },
    'it commits while the next batch is fetched',
  )
  assert.deepEqual(await bench.handle([11]), { next: 'pause' }, 'what is delivered meanwhile is ignored')
  assert.deepEqual(bench.diary, ['commit fails', 'state thrown away', 'writer closed'])
  assert.equal(bench.slot.phase, 'waiting')
  bench.clock.pass(TASK_BOUNDS.fenceIntervalMs)
  assert.equal(bench.slot.onHeartbeat(), false, 'the first one may have been sent before the error')
  assert.equal(bench.slot.onHeartbeat(), true)
  assert.deepEqual(await bench.handle([10]), { next: 'seek', position: 10n })
})

test('a task fences at most once in 5 s, however many heartbeats and joins there are', async () => {
  const bench = await new Bench().running()
  bench.commitFails = new Error('connection lost')
  await bench.handle([10])
  await bench.handle([11])
  bench.clock.pass(TASK_BOUNDS.fenceIntervalMs - 1)
  bench.slot.onAssigned()
  assert.equal(bench.slot.onHeartbeat(), false)
  assert.equal(bench.slot.onHeartbeat(), false)
  bench.clock.pass(1)
  assert.equal(bench.slot.onHeartbeat(), true)
})

test('a join that assigns the partition again is as good as the second heartbeat', async () => {
  const bench = await new Bench().running()
  bench.commitFails = new Error('connection lost')
  await bench.handle([10])
  await bench.handle([11])
  bench.clock.pass(TASK_BOUNDS.fenceIntervalMs)
  bench.slot.onAssigned()
  assert.equal(bench.slot.phase, 'assigned')
})

test('a running task keeps its state over a join', async () => {
  const bench = await new Bench().running()
  bench.slot.onAssigned()
  assert.equal(bench.slot.phase, 'running')
  assert.deepEqual(bench.diary, [])
})

test('a fence that fails leaves the task waiting', async () => {
  const bench = new Bench()
  bench.commitFails = new Error('no broker')
  assert.deepEqual(await bench.handle([1]), { next: 'pause' })
  assert.equal(bench.slot.phase, 'waiting')
  assert.deepEqual(bench.diary, ['fence here fails', 'writer closed'])
})

test('a jump of the input halts; a filtered batch moves the position; before running both mean nothing', async () => {
  const bench = new Bench()
  bench.slot.onFetched({ first: 999n, last: 1_000n, records: 2 })
  assert.equal(bench.slot.phase, 'assigned')
  await bench.running()
  bench.slot.onFetched({ first: 8n, last: 12n, records: 0 })
  assert.equal(bench.slot.position, 13n)
  bench.slot.onFetched({ first: null, last: 14n, records: 0 })
  assert.equal(bench.slot.position, 15n)
  bench.slot.onFetched({ first: 11n, last: 12n, records: 0 })
  assert.equal(bench.slot.position, 15n, 'never back')
  bench.slot.onFetched({ first: 15n, last: 20n, records: 6 })
  assert.equal(bench.slot.phase, 'running')
  bench.slot.onFetched({ first: 16n, last: 20n, records: 5 })
  assert.equal(bench.slot.phase, 'halted')
  assert.equal(bench.slot.halt?.reason, 'input_jump')
  assert.deepEqual(await bench.handle([16]), { next: 'pause' })
})

test('a halt stays: no heartbeat and no join starts the task again', async () => {
  const bench = await new Bench().running()
  bench.decide = () => {
    throw new HaltError('hand_over_gap', 'a range is missing', 'find it')
  }
  assert.deepEqual(await bench.handle([10]), { next: 'pause' })
  assert.deepEqual(bench.slot.halt, {
    reason: 'hand_over_gap',
    message: 'a range is missing',
    remedy: 'find it',
  })
  assert.deepEqual(bench.diary, ['fence here', 'state thrown away', 'writer closed'])
  bench.clock.pass(60_000)
  bench.slot.onAssigned()
  assert.equal(bench.slot.onHeartbeat() || bench.slot.onHeartbeat(), false)
  assert.equal(bench.slot.phase, 'halted')
})

test('a task that was put out does not halt by what it finds: its fence is refused', async () => {
  const bench = await new Bench().running()
  bench.decide = () => {
    throw new HaltError('kafka_older', 'ClickHouse is ahead', 'find out')
  }
  bench.commitFails = new Error('fenced')
  assert.deepEqual(await bench.handle([10]), { next: 'pause' })
  assert.equal(bench.slot.phase, 'waiting')
  assert.equal(bench.slot.halt, undefined)
})

test('an input that ends below the position halts before anything is dropped', async () => {
  const bench = new Bench()
  bench.inputEnd = 9n
  assert.deepEqual(await bench.handle([1]), { next: 'pause' })
  assert.equal(bench.slot.halt?.reason, 'input_older')
})

test('a fatal error is told to the process', async () => {
  const bench = await new Bench().running()
  const error = new FatalError('another key')
  bench.decide = () => {
    throw error
  }
  await bench.handle([10])
  assert.equal(bench.fatal, error)
})

test('a long restore sends heartbeats; a rebalance ends it, and the next batch starts anew', async () => {
  const bench = new Bench()
  bench.restoreTakesMs = 10_000
  let heartbeats = 0
  await bench.handle([1], async () => {
    heartbeats++
  })
  assert.ok(heartbeats >= 9, `${heartbeats} heartbeats`)
  const other = new Bench()
  other.restoreTakesMs = 10_000
  const rebalance = new Error('rebalance in progress')
  await assert.rejects(
    other.handle([1], async () => {
      throw rebalance
    }),
    rebalance,
  )
  assert.equal(other.slot.phase, 'assigned')
  assert.deepEqual(other.diary.slice(-2), ['state thrown away', 'writer closed'])
})

test('a closed slot throws state and writer away, once', async () => {
  const bench = await new Bench().running()
  await bench.slot.close()
  await bench.slot.close()
  assert.deepEqual(bench.diary, ['state thrown away', 'writer closed'])
})
