import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock, settled } from '../../services/gateway/fixtures.ts'
import { appendingWhole } from '../../test/support/memory/whole-append.ts'
import { APPEND_PATIENCE_MS } from './append-lanes.ts'
import { ProduceError } from './producer.ts'
import type { LogAppend } from './records.ts'
import { APPEND_WAITING_MAX, SharedAppend } from './shared-append.ts'

const record = (name: string, partition = 0): LogAppend => ({ partition, key: name, value: null })

/** A producer whose sends the test releases, one at a time. */
function held() {
  const sends: { names: (string | null)[]; settle: PromiseWithResolvers<void> }[] = []
  const producer = appendingWhole(async (records) => {
    const settle = Promise.withResolvers<void>()
    sends.push({ names: records.map(({ key }) => key), settle })
    await settle.promise
  })
  const clock = new ManualClock(0)
  return { shared: new SharedAppend(producer, clock), clock, sends }
}

test('what comes while a send is under way goes together with the next', async () => {
  const { shared, sends } = held()
  const first = shared.append([record('a')])
  const others = [shared.append([record('b'), record('c')]), shared.append([record('d')])]
  assert.deepEqual(
    sends.map(({ names }) => names),
    [['a']],
  )
  sends[0]?.settle.resolve()
  await first
  await settled()
  assert.deepEqual(
    sends.map(({ names }) => names),
    [['a'], ['b', 'c', 'd']],
  )
  sends[1]?.settle.resolve()
  await Promise.all(others)
})

test('a send that fails is told to those whose records it carried, and to nobody else', async () => {
  const { shared, sends } = held()
  const failing = shared.append([record('a')])
  const next = shared.append([record('b')])
  sends[0]?.settle.reject(new ProduceError('lost'))
  await assert.rejects(failing, ProduceError)
  await settled()
  sends[1]?.settle.resolve()
  await next
})

test('APPEND_WAITING_MAX: what waits is bounded, and there is room again afterwards', async () => {
  const { shared, sends } = held()
  const waiting = shared.append(Array.from({ length: APPEND_WAITING_MAX }, () => record('a')))
  assert.equal(shared.hasRoom(1), false)
  sends[0]?.settle.resolve()
  await waiting
  assert.equal(shared.hasRoom(APPEND_WAITING_MAX), true)
  assert.equal(shared.hasRoom(APPEND_WAITING_MAX + 1), false)
})

test('a partition whose broker is silent holds up no other, and takes nothing more until it has answered', async () => {
  const { shared, clock, sends } = held()
  const silent = assert.rejects(shared.append([record('a', 0)]), { mayBeStored: true })
  const behind = assert.rejects(shared.append([record('b', 0)]), { mayBeStored: false })
  const other = shared.append([record('c', 1)])
  sends[1]?.settle.resolve()
  await other
  await clock.pass(APPEND_PATIENCE_MS)
  await Promise.all([silent, behind])
  await assert.rejects(shared.append([record('d', 0)]), { mayBeStored: false })
  const mixed = assert.rejects(shared.append([record('e', 0), record('f', 1)]), { mayBeStored: true })
  sends[2]?.settle.resolve()
  await mixed
  sends[0]?.settle.resolve()
  await settled()
  const again = shared.append([record('g', 0)])
  assert.deepEqual(
    sends.map(({ names }) => names),
    [['a'], ['c'], ['f'], ['g']],
  )
  sends[3]?.settle.resolve()
  await again
})
