import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '../random.ts'
import { ScriptedWire, refused, silence, taken } from '../../test/support/memory/scripted-wire.ts'
import type { Script } from '../../test/support/memory/scripted-wire.ts'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { silentLogger } from '../logger.ts'
import { DELIVERY_TIMEOUT_MS, IdempotentProducer } from './producer.ts'
import { ProduceError } from '../log/producer.ts'
import type { LogAppend } from '../log/records.ts'

const record = (partition: number): LogAppend => ({ partition, key: null, value: Buffer.from('x') })

function opened(script: Script) {
  const clock = new VirtualClock()
  const wire = new ScriptedWire(script)
  const kafka = { brokers: [], clientId: 'test', logger: silentLogger, clock, random: systemRandom }
  const options = { ...kafka, metrics: noMetrics, topic: 't' }
  return { clock, wire, producer: new IdempotentProducer(options, { clock, openWire: () => wire }) }
}

test('append resolves when every partition is acknowledged, with the offset of each', async () => {
  const { producer } = opened({})
  assert.deepEqual(
    await producer.append([record(0), record(1), record(0)]),
    new Map([
      [0, { baseOffset: 0n, logAppendTimeMs: 1_000 }],
      [1, { baseOffset: 0n, logAppendTimeMs: 1_000 }],
    ]),
  )
})

test('what a broker never names fails the append by the deadline, and only its partition', async () => {
  const { clock, producer } = opened({
    produce: async (_broker, batches) => batches.filter(({ partition }) => partition !== 1).map(taken),
  })
  const startMs = clock.monotonicMs()
  const each = producer.appendEach([record(0), record(1)])
  assert.equal((await each.get(0))?.baseOffset, 0n)
  await assert.rejects(each.get(1) as Promise<unknown>, ProduceError)
  assert.equal(clock.monotonicMs() - startMs, DELIVERY_TIMEOUT_MS)
})

test('after anything but an acknowledgement the next append has a producer id of its own', async () => {
  const { wire, producer } = opened({
    produce: async (_broker, batches, count) =>
      batches.map((batch) => (count === 2 ? refused(batch, 'MESSAGE_TOO_LARGE') : taken(batch))),
  })
  await producer.append([record(0)])
  await assert.rejects(producer.append([record(0)]), (error) => {
    assert.ok(error instanceof ProduceError)
    assert.equal(error.mayBeStored, false)
    return true
  })
  await producer.append([record(0)])
  assert.deepEqual(
    wire.produced.map(({ batches }) => [batches[0]?.producer.producerId, batches[0]?.baseSequence]),
    [
      [1n, 0],
      [1n, 1],
      [2n, 0],
    ],
  )
})

test('a partition has one append at a time', async () => {
  const { producer } = opened({ produce: () => silence() })
  producer
    .appendEach([record(0)])
    .get(0)
    ?.catch(() => {})
  await assert.rejects(producer.append([record(0)]), /one at a time/)
  await producer.stop()
})

test('without a producer id an append fails by its deadline, and nothing of it is stored', async () => {
  const { clock, wire, producer } = opened({})
  wire.initProducer = async () => ({ error: 'GROUP_LOAD_IN_PROGRESS' })
  const startMs = clock.monotonicMs()
  await assert.rejects(producer.append([record(0)]), (error) => {
    assert.ok(error instanceof ProduceError)
    assert.equal(error.mayBeStored, false)
    return true
  })
  assert.ok(clock.monotonicMs() - startMs <= DELIVERY_TIMEOUT_MS)
})

test('stop ends what is under way and lets go of the wire', async () => {
  const { wire, producer } = opened({ produce: () => silence() })
  const appended = producer.append([record(0)])
  await new Promise(setImmediate)
  await producer.stop()
  await assert.rejects(appended, ProduceError)
  assert.ok(wire.isClosed)
})
