import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProduceError } from './producer.ts'
import type { LogProducer } from './producer.ts'
import type { LogAppend } from './records.ts'
import { APPEND_WAITING_MAX, SharedAppend } from './shared-append.ts'

const record = (name: string): LogAppend => ({ partition: 0, key: name, value: null })

/** A producer whose sends the test lets go, one at a time. */
function heldProducer() {
  const sends: { names: (string | null)[]; settle: PromiseWithResolvers<void> }[] = []
  const producer: LogProducer = {
    append: async (records) => {
      const settle = Promise.withResolvers<void>()
      sends.push({ names: records.map(({ key }) => key), settle })
      await settle.promise
      return new Map()
    },
    stop: async () => {},
  }
  return { producer, sends }
}

test('what comes while a send is under way goes together with the next', async () => {
  const { producer, sends } = heldProducer()
  const shared = new SharedAppend(producer)
  const first = shared.append([record('a')])
  const others = [shared.append([record('b'), record('c')]), shared.append([record('d')])]
  assert.deepEqual(
    sends.map(({ names }) => names),
    [['a']],
  )
  sends[0]?.settle.resolve()
  await first
  assert.deepEqual(
    sends.map(({ names }) => names),
    [['a'], ['b', 'c', 'd']],
  )
  sends[1]?.settle.resolve()
  await Promise.all(others)
})

test('a send that fails is told to those whose records it carried, and to nobody else', async () => {
  const { producer, sends } = heldProducer()
  const shared = new SharedAppend(producer)
  const failing = shared.append([record('a')])
  const next = shared.append([record('b')])
  sends[0]?.settle.reject(new ProduceError('lost'))
  await assert.rejects(failing, ProduceError)
  sends[1]?.settle.resolve()
  await next
})

test('APPEND_WAITING_MAX: what waits is bounded, and there is room again afterwards', async () => {
  const { producer, sends } = heldProducer()
  const shared = new SharedAppend(producer)
  const waiting = shared.append(Array.from({ length: APPEND_WAITING_MAX }, () => record('a')))
  assert.equal(shared.hasRoom(1), false)
  sends[0]?.settle.resolve()
  await waiting
  assert.equal(shared.hasRoom(APPEND_WAITING_MAX), true)
  assert.equal(shared.hasRoom(APPEND_WAITING_MAX + 1), false)
})
