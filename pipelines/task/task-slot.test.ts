import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { APPEND, SlotBench } from '../../test/support/memory/slot-bench.ts'
import { FatalError, HaltError } from '../log/records.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'
import { TaskSlot } from './task-slot.ts'
import { TASK_BOUNDS } from './task.ts'

test('an assigned task fences, reads its state up to its own fence, and seeks to its position', async () => {
  const bench = new SlotBench()
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
  const bench = await new SlotBench().running()
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
  const bench = await new SlotBench().running()
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
  assert.deepEqual(bench.diary, ['decide 10', 'commit'])
  resolve()
  await next
  assert.deepEqual(bench.diary.slice(0, 4), ['decide 10', 'commit', 'delete 3 before 42', 'decide 11'])
})

test('heartbeats go on while a transaction is under way, and one that fails ends the handler before the next batch', async () => {
  const bench = await new SlotBench().running()
  const { promise, resolve } = Promise.withResolvers<void>()
  bench.commitTakes = promise
  bench.decide = () => ({ appends: [APPEND] })
  await bench.handle([10])
  const sentMs: number[] = []
  const rebalance = new Error('The group rebalances.')
  const next = bench.handle([11], async () => {
    sentMs.push(bench.clock.monotonicMs())
    if (sentMs.length === 3) throw rebalance
  })
  const startMs = bench.clock.monotonicMs()
  const closed = assert.rejects(next, rebalance)
  for (let beat = 0; beat < 3; beat++) {
    bench.clock.pass(TASK_BOUNDS.heartbeatIntervalMs)
    await setImmediate()
  }
  await closed
  assert.deepEqual(
    sentMs,
    [1, 2, 3].map((beats) => startMs + beats * TASK_BOUNDS.heartbeatIntervalMs),
  )
  assert.equal(bench.slot.position, 11n, 'the batch was not decided')
  const left = bench.slot.close()
  resolve()
  await left
})

test('a partition that halts while it commits stays halted, whatever comes of the commit', async () => {
  const bench = await new SlotBench().running()
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
  const bench = await new SlotBench().running()
  bench.decide = () => ({ appends: [APPEND], position: 11n, pause: 'ids_full' })
  bench.commitFails = new Error('connection lost')
  assert.deepEqual(await bench.handle([10, 11]), { next: 'pause' })
  assert.equal(bench.slot.phase, 'waiting')
})

test('a decision to wait seeks to the record that waits, and rests', async () => {
  const bench = await new SlotBench().running()
  bench.decide = () => ({ position: 10n, pause: 'ids_full' })
  assert.deepEqual(await bench.handle([10, 11]), { next: 'rest', position: 10n, reason: 'ids_full' })
  assert.equal(bench.slot.phase, 'running')
})

test('after an unknown outcome the second heartbeat, 5 s after the last fence, starts it at fence again', async () => {
  const bench = await new SlotBench().running()
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

test('a task fences at most once in fenceIntervalMs, however many heartbeats and joins there are', async () => {
  const bench = await new SlotBench().running()
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
  const bench = await new SlotBench().running()
  bench.commitFails = new Error('connection lost')
  await bench.handle([10])
  await bench.handle([11])
  bench.clock.pass(TASK_BOUNDS.fenceIntervalMs)
  bench.slot.onAssigned()
  assert.equal(bench.slot.phase, 'assigned')
})

test('a running task keeps its state over a join', async () => {
  const bench = await new SlotBench().running()
  bench.slot.onAssigned()
  assert.equal(bench.slot.phase, 'running')
  assert.deepEqual(bench.diary, [])
})

test('a fence that fails leaves the task waiting', async () => {
  const bench = new SlotBench()
  bench.commitFails = new Error('no broker')
  assert.deepEqual(await bench.handle([1]), { next: 'pause' })
  assert.equal(bench.slot.phase, 'waiting')
  assert.deepEqual(bench.diary, ['fence here fails', 'writer closed'])
})

test('a jump of the input halts; a filtered batch moves the position; before running both mean nothing', async () => {
  const bench = new SlotBench()
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
  const bench = await new SlotBench().running()
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
  const bench = await new SlotBench().running()
  bench.decide = () => {
    throw new HaltError('kafka_older', 'ClickHouse is ahead', 'find out')
  }
  bench.commitFails = new Error('fenced')
  assert.deepEqual(await bench.handle([10]), { next: 'pause' })
  assert.equal(bench.slot.phase, 'waiting')
  assert.equal(bench.slot.halt, undefined)
})

test('an input that ends below the position halts before anything is dropped', async () => {
  const bench = new SlotBench()
  bench.inputEnd = 9n
  assert.deepEqual(await bench.handle([1]), { next: 'pause' })
  assert.equal(bench.slot.halt?.reason, 'input_older')
})

test('a fatal error is told to the process', async () => {
  const bench = await new SlotBench().running()
  const error = new FatalError('another key')
  bench.decide = () => {
    throw error
  }
  await bench.handle([10])
  assert.equal(bench.fatal, error)
})

test('a long restore sends heartbeats; a rebalance ends it, and the next batch starts anew', async () => {
  const bench = new SlotBench()
  bench.restoreTakesMs = 10_000
  let heartbeats = 0
  await bench.handle([1], async () => {
    heartbeats++
  })
  assert.ok(heartbeats >= 9, `${heartbeats} heartbeats`)
  const other = new SlotBench()
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
  const bench = await new SlotBench().running()
  await bench.slot.close()
  await bench.slot.close()
  assert.deepEqual(bench.diary, ['state thrown away', 'writer closed'])
})

test('what was sent on is known to all states of a slot, and not to the next slot, which does not know what was set aside', async () => {
  const bench = await new SlotBench().running()
  bench.commitFails = new Error('connection lost')
  await bench.handle([10])
  await bench.slot.settled()
  bench.commitFails = undefined
  await bench.restarted()
  const next = new TaskSlot(3, bench.parts)
  await next.handle([inputRecord(1, 0, null)], 2n, async () => {})
  const [first, second, third] = bench.forwards
  assert.equal(bench.forwards.length, 3)
  assert.equal(second, first)
  assert.notEqual(third, first)
})
