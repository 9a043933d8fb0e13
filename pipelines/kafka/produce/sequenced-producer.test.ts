import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ScriptedWire,
  refused,
  silence,
  taken,
  unanswered,
} from '../../../test/support/memory/scripted-wire.ts'
import type { Script } from '../../../test/support/memory/scripted-wire.ts'
import { VirtualClock } from '../../../test/support/memory/virtual-clock.ts'
import type { TopicAppend } from '../../log/records.ts'
import type { BatchOutcome } from './attempts.ts'
import { LEADERS_DOUBT_MS, SLOW_BATCH_MS, SequencedProducer } from './sequenced-producer.ts'

const TIMEOUT_MS = 14_000

const record = (partition: number, text = 'x'): TopicAppend => ({
  topic: 't',
  partition,
  key: null,
  value: Buffer.from(text),
})

function opened(script: Script, firstSequence?: number) {
  const clock = new VirtualClock()
  const wire = new ScriptedWire(script)
  const producer = new SequencedProducer({
    wire,
    clock,
    identity: { producerId: 1n, epoch: 0 },
    transactionalId: null,
    ...(firstSequence === undefined ? {} : { firstSequence }),
  })
  const send = async (...records: TopicAppend[]): Promise<BatchOutcome[]> =>
    await Promise.all(producer.send(records, TIMEOUT_MS).values())
  return { clock, wire, producer, send }
}

const own = ({ partition }: { partition: number }): number => partition

test('partitions of one broker go in one request, in their order, each with numbers of its own', async () => {
  const { wire, send } = opened({})
  assert.deepEqual(
    (await send(record(0, 'a'), record(1, 'b'), record(0, 'c'))).map(({ is }) => is),
    ['acknowledged', 'acknowledged'],
  )
  await send(record(0, 'd'))
  assert.deepEqual(
    wire.produced.map(({ batches }) =>
      batches.map(({ partition, baseSequence, records }) => [
        partition,
        baseSequence,
        records.map(({ value }) => value?.toString()).join(''),
      ]),
    ),
    [
      [
        [0, 0, 'ac'],
        [1, 0, 'b'],
      ],
      [[0, 2, 'd']],
    ],
  )
})

test('a broker that hangs holds up what it leads, and nothing else', async () => {
  const { producer } = opened({
    leader: own,
    produce: (broker, batches) => (broker === 1 ? silence() : Promise.resolve(batches.map(taken))),
  })
  const first = producer.send([record(0), record(1)], TIMEOUT_MS)
  assert.equal((await first.get('t/0'))?.is, 'acknowledged')
  const second = producer.send([record(0)], TIMEOUT_MS)
  assert.equal((await second.get('t/0'))?.is, 'acknowledged')
  assert.throws(() => producer.send([record(1)], TIMEOUT_MS), /one at a time/)
  assert.deepEqual(await first.get('t/1'), { is: 'unknown', error: 'its broker has not answered' })
})

test('a batch at a hung broker goes to the new leader as soon as one is named, under its number', async () => {
  const movesAt = 9
  const { clock, wire, send } = opened({
    leader: (_place, asked) => (asked < movesAt ? 1 : 2),
    produce: (broker, batches) => (broker === 1 ? silence() : Promise.resolve(batches.map(taken))),
  })
  const startMs = clock.monotonicMs()
  const [outcome] = await send(record(0))
  assert.equal(outcome?.is, 'acknowledged')
  assert.equal(wire.produced.length, 2)
  assert.equal(wire.produced[0]?.batches[0], wire.produced[1]?.batches[0])
  assert.ok(clock.monotonicMs() - startMs <= SLOW_BATCH_MS + movesAt * 250)
})

test('where nobody was heard of for LEADERS_DOUBT_MS it is asked who leads before anything is sent', async () => {
  const { clock, wire, send } = opened({ leader: (_place, asked) => asked })
  await send(record(0))
  await clock.delay(LEADERS_DOUBT_MS - 1)
  await send(record(0))
  await clock.delay(LEADERS_DOUBT_MS)
  await send(record(0))
  assert.deepEqual(
    wire.produced.map(({ broker }) => broker),
    [1, 1, 2],
  )
})

test('a retriable answer for one partition while another’s request is under way sends nothing twice', async () => {
  const late = Promise.withResolvers<void>()
  const { wire, producer } = opened({
    leader: own,
    produce: async (broker, batches, count) => {
      if (broker === 1) await late.promise
      else if (count <= 2) return batches.map((batch) => refused(batch, 'NOT_LEADER_FOR_PARTITION'))
      return batches.map(taken)
    },
  })
  const outcomes = producer.send([record(0), record(1)], TIMEOUT_MS)
  assert.equal((await outcomes.get('t/0'))?.is, 'acknowledged')
  late.resolve()
  assert.equal((await outcomes.get('t/1'))?.is, 'acknowledged')
  assert.deepEqual(
    wire.produced.map(({ broker }) => broker),
    [0, 1, 0],
  )
})

test('a partition that its broker does not name is sent again, under its number', async () => {
  const { wire, send } = opened({
    produce: async (_broker, batches, count) => (count === 1 ? batches.slice(1) : batches).map(taken),
  })
  const outcomes = await send(record(0), record(1))
  assert.deepEqual(
    outcomes.map(({ is }) => is),
    ['acknowledged', 'acknowledged'],
  )
  assert.deepEqual(
    wire.produced.map(({ batches }) =>
      batches.map(({ partition, baseSequence }) => [partition, baseSequence]),
    ),
    [
      [
        [0, 0],
        [1, 0],
      ],
      [[0, 0]],
    ],
  )
})

test('by its deadline a send that never left is not stored, and one that left is unknown', async () => {
  for (const wasSent of [false, true]) {
    const { clock, send } = opened({ produce: () => unanswered(wasSent) })
    const startMs = clock.monotonicMs()
    const [outcome] = await send(record(0))
    assert.deepEqual(outcome, { is: wasSent ? 'unknown' : 'not_stored', error: 'no answer' })
    assert.equal(clock.monotonicMs() - startMs, TIMEOUT_MS)
  }
})

test('without a leader it asks until there is one', async () => {
  const { wire, send } = opened({ leader: (_place, asked) => (asked < 5 ? null : 3) })
  assert.equal((await send(record(0)))[0]?.is, 'acknowledged')
  assert.equal(wire.leadersAsked, 5)
})

test('numbers go on at 0 after 2^31 - 1', async () => {
  const { wire, send } = opened({}, 2 ** 31 - 2)
  await send(record(0), record(0), record(0))
  await send(record(0))
  assert.deepEqual(
    wire.produced.map(({ batches }) => batches[0]?.baseSequence),
    [2 ** 31 - 2, 1],
  )
})

test('close settles what is under way', async () => {
  const { producer } = opened({ produce: () => silence() })
  const outcomes = producer.send([record(0)], TIMEOUT_MS)
  await new Promise(setImmediate)
  producer.close()
  assert.deepEqual(await outcomes.get('t/0'), { is: 'unknown', error: 'the producer was closed' })
})
