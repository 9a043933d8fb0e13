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
import { COORDINATOR_TIMEOUT_MS } from '../kafkajs/kafkajs-wire.ts'
import {
  COORDINATOR_DOUBT_MS,
  HUNG_COORDINATOR_MS,
  INIT_PATIENCE_MS,
  TRANSACTION_PATIENCE_MS,
  TransactionError,
  TransactionSession,
} from './transaction-session.ts'

const record = (topic: string, partition = 0): TopicAppend => ({
  topic,
  partition,
  key: null,
  value: Buffer.from('x'),
})

function opened(script: Script) {
  const clock = new VirtualClock()
  const wire = new ScriptedWire(script)
  const session = new TransactionSession({ wire, clock, transactionalId: 'aggregator-0' })
  return { clock, wire, session }
}

test('partitions are added once a transaction, before anything is produced to them', async () => {
  const { wire, session } = opened({})
  await session.begin()
  assert.deepEqual(await session.send([record('a'), record('b'), record('a')]), [0n, 0n, 1n])
  assert.deepEqual(await session.send([record('a')]), [2n])
  await session.commit()
  await session.begin()
  await session.send([record('b')])
  await session.commit()
  assert.deepEqual(wire.coordinated, ['Init 1', 'Add 1 a/0 b/0', 'End 1', 'Add 1 b/0', 'End 1'])
  assert.equal(wire.produced[0]?.batches[0]?.transactionalId, 'aggregator-0')
  assert.equal(wire.produced[0]?.batches[0]?.producer.epoch, 3)
})

test('CONCURRENT_TRANSACTIONS is asked again alone: nothing is produced before the partitions are added', async () => {
  let adds = 0
  const { wire, session } = opened({
    coordinator: async (request) => (request === 'Add' && ++adds < 4 ? 'CONCURRENT_TRANSACTIONS' : null),
  })
  await session.begin()
  await session.send([record('a')])
  assert.equal(adds, 4)
  assert.equal(wire.produced.length, 1)
})

test('a coordinator that moved is found anew', async () => {
  const { wire, session } = opened({
    findCoordinator: (count) => count,
    coordinator: async (_request, broker) => (broker === 1 ? 'NOT_COORDINATOR_FOR_GROUP' : null),
  })
  await session.begin()
  await session.send([record('a')])
  await session.commit()
  assert.deepEqual(wire.coordinated, ['Init 1', 'Init 2', 'Add 2 a/0', 'End 2'])
})

test('a coordinator that says "later" for COORDINATOR_DOUBT_MS is looked up again: another may have taken its place', async () => {
  const { clock, wire, session } = opened({
    findCoordinator: (count) => count,
    coordinator: async (_request, broker) => (broker === 1 ? 'CONCURRENT_TRANSACTIONS' : null),
  })
  const startMs = clock.monotonicMs()
  await session.begin()
  const tookMs = clock.monotonicMs() - startMs
  assert.equal(wire.coordinated.at(-1), 'Init 2')
  assert(tookMs >= COORDINATOR_DOUBT_MS && tookMs < COORDINATOR_DOUBT_MS + 500, `${tookMs} ms`)
})

test('a coordinator that was not heard of for COORDINATOR_DOUBT_MS is looked up before it is asked to commit', async () => {
  for (const quietMs of [COORDINATOR_DOUBT_MS - 100, COORDINATOR_DOUBT_MS]) {
    const { clock, wire, session } = opened({
      findCoordinator: (count) => count,
      produce: async (_broker, batches) => {
        await clock.delay(quietMs)
        return batches.map((batch) => taken(batch))
      },
    })
    await session.begin()
    await session.send([record('a')])
    await session.commit()
    const isQuiet = quietMs >= COORDINATOR_DOUBT_MS
    assert.deepEqual(wire.coordinated, ['Init 1', 'Add 1 a/0', isQuiet ? 'End 2' : 'End 1'])
  }
})

test('a coordinator that hung is not asked again while another may be chosen, and after that it is', async () => {
  const clock = new VirtualClock()
  const hangs = async (broker: number): Promise<null> => {
    if (broker !== 1 || isWell) return null
    await clock.delay(COORDINATOR_TIMEOUT_MS)
    return await unanswered(true)
  }
  let isWell = false
  const askedOf = async (findCoordinator: (count: number) => number) => {
    const wire = new ScriptedWire({ findCoordinator, coordinator: (_request, broker) => hangs(broker) })
    const session = new TransactionSession({ wire, clock, transactionalId: 'aggregator-0' })
    const startMs = clock.monotonicMs()
    await session.begin()
    return { asked: wire.coordinated, tookMs: clock.monotonicMs() - startMs }
  }
  const moved = await askedOf((count) => (count < 5 ? 1 : 2))
  assert.deepEqual(moved.asked, ['Init 1', 'Init 2'])
  assert(moved.tookMs < COORDINATOR_TIMEOUT_MS + HUNG_COORDINATOR_MS, `${moved.tookMs} ms`)
  const woken = await askedOf((count) => {
    isWell = count > 2
    return 1
  })
  assert.deepEqual(woken.asked, ['Init 1', 'Init 1'])
  assert(woken.tookMs >= COORDINATOR_TIMEOUT_MS + HUNG_COORDINATOR_MS, `${woken.tookMs} ms`)
})

test('a lost answer to EndTxn is not asked for again; one that never left is', async () => {
  for (const wasSent of [true, false]) {
    let ends = 0
    const { session } = opened({
      coordinator: async (request) => (request === 'End' && ++ends === 1 ? await unanswered(wasSent) : null),
    })
    await session.begin()
    await session.send([record('a')])
    if (wasSent) await assert.rejects(session.commit(), TransactionError)
    else await session.commit()
    assert.equal(ends, wasSent ? 1 : 2)
  }
})

test('a refused epoch is told by its name, from the coordinator as from a partition', async () => {
  const scripts: Script[] = [
    { coordinator: async (request) => (request === 'Add' ? 'INVALID_PRODUCER_EPOCH' : null) },
    { produce: async (_broker, batches) => batches.map((batch) => refused(batch, 'INVALID_PRODUCER_EPOCH')) },
  ]
  for (const script of scripts) {
    const { session } = opened(script)
    await session.begin()
    await assert.rejects(session.send([record('a')]), { type: 'INVALID_PRODUCER_EPOCH' })
  }
})

test('a hung coordinator is waited for as long as Kafka’s failover takes, then the beginning fails', async () => {
  const moves = (count: number): number => (count < 8 ? 1 : 2)
  const { session } = opened({
    findCoordinator: moves,
    coordinator: async (_request, broker) => (broker === 1 ? await unanswered(true) : null),
  })
  await session.begin()

  const { clock, session: never } = opened({ coordinator: () => unanswered(true) })
  const startMs = clock.monotonicMs()
  await assert.rejects(never.begin(), TransactionError)
  const tookMs = clock.monotonicMs() - startMs
  assert.ok(tookMs <= INIT_PATIENCE_MS && tookMs > INIT_PATIENCE_MS - 500, `${tookMs} ms`)
})

test('a transaction whose leader hangs is given up before its coordinator aborts it', async () => {
  const { clock, session } = opened({ produce: () => silence() })
  await session.begin()
  const startMs = clock.monotonicMs()
  await assert.rejects(session.send([record('a')]), TransactionError)
  assert.equal(clock.monotonicMs() - startMs, TRANSACTION_PATIENCE_MS)
})

test('one partition that is not acknowledged fails the send', async () => {
  const { session } = opened({
    produce: async (_broker, batches) =>
      batches.map((batch) => (batch.topic === 'b' ? refused(batch, 'MESSAGE_TOO_LARGE') : taken(batch))),
  })
  await session.begin()
  await assert.rejects(session.send([record('a'), record('b')]), /b\/0: MESSAGE_TOO_LARGE/)
})
