import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../test/support/memory/virtual-clock.ts'
import { bound } from '../../test/support/oracles/named-bounds.ts'
import { UNPACKED_BYTES_MAX } from './kafkajs/codecs.ts'
import { FetchHolding, UNPACKED_TOTAL_BYTES_MAX, UNPACKING_BYTES, UnpackRoom } from './unpack-room.ts'

const PATIENCE_MS = bound('pipelines/kafka/unpack-room.ts', 'ROOM_PATIENCE_MS')

/** Time that stops until the test lets it pass. */
function standing(): { readonly clock: VirtualClock; readonly pass: () => void } {
  const clock = new VirtualClock()
  const { promise, resolve } = Promise.withResolvers<void>()
  clock.delay = () => promise
  return {
    clock,
    pass: () => {
      clock.pass(PATIENCE_MS)
      resolve()
    },
  }
}

test('who finds no room waits its turn, and has it when another gives its own back', async () => {
  const room = new UnpackRoom(standing().clock)
  await room.take(UNPACKED_TOTAL_BYTES_MAX - 10)
  const diary: string[] = []
  const large = room.take(20).then(() => diary.push('large'))
  const small = room.take(5).then(() => diary.push('small'))
  await Promise.resolve()
  assert.deepEqual(diary, [], 'a small one does not overtake')
  room.give(15)
  await Promise.all([large, small])
  assert.deepEqual(diary, ['large', 'small'])
  assert.equal(room.takenBytes, UNPACKED_TOTAL_BYTES_MAX)
})

test('who has waited long goes on all the same: the room may be held by who waits for it', async () => {
  const { clock, pass } = standing()
  const room = new UnpackRoom(clock)
  await room.take(UNPACKED_TOTAL_BYTES_MAX)
  const waiting = room.take(20)
  pass()
  await waiting
  assert.equal(room.takenBytes, UNPACKED_TOTAL_BYTES_MAX + 20)
  room.give(UNPACKED_TOTAL_BYTES_MAX + 20)
  assert.equal(room.takenBytes, 0)
})

test('a fetch is full at one bound of a batch where others need the room, and gives back what it held', async () => {
  const room = new UnpackRoom(standing().clock)
  const holding = new FetchHolding(room)
  await holding.beginUnpacking()
  assert.equal(room.takenBytes, UNPACKING_BYTES)
  holding.unpackedTo(UNPACKED_BYTES_MAX)
  assert.equal(room.takenBytes, UNPACKED_BYTES_MAX)
  assert.equal(holding.isFull, false, 'nobody else is there')
  const other = new FetchHolding(room)
  await other.beginUnpacking()
  assert.equal(holding.isFull, true)
  assert.equal(other.isFull, false, 'each may have one')
  other.unpackedTo(0)
  holding.release()
  assert.equal(room.takenBytes, 0)
})
