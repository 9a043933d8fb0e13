import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../gateway/fixtures.ts'
import {
  ANSWERED_WITHIN_MS,
  InFlight,
  REQUESTS_MAX,
  REQUEST_BYTES_MAX,
  REQUEST_BYTES_MIN,
} from './in-flight.ts'

const MIB = 1_048_576

function setUp() {
  const clock = new ManualClock(0)
  const inFlight = new InFlight(clock)
  const { bytes } = inFlight
  /**
   * Bytes in all that it would let in now, in whole MiB: each from a different credential, so that no share is in the way.
   */
  const roomMib = (): number => {
    let room = 0
    while (bytes.take(`credential ${room}`, MIB)) room += 1
    for (let one = 0; one < room; one += 1) bytes.giveBack(`credential ${one}`, MIB)
    // One is always left: no credential can take the last.
    return room + 1
  }
  return { clock, inFlight, bytes, roomMib }
}

test('one credential has room for half of the requests, another for half of the rest', () => {
  const { requests } = setUp().inFlight
  for (let request = 0; request < REQUESTS_MAX / 2; request += 1) assert.ok(requests.take('a', 1))
  assert.ok(!requests.take('a', 1))
  for (let request = 0; request < REQUESTS_MAX / 4; request += 1) assert.ok(requests.take('b', 1))
  assert.ok(!requests.take('b', 1))
})

test('before anything was answered there is room for the least, half of it for one, and no byte beyond', () => {
  const { bytes } = setUp()
  assert.ok(bytes.take('a', REQUEST_BYTES_MIN / 2 - 10))
  assert.ok(!bytes.take('a', 11))
  assert.ok(bytes.take('a', 10))
  assert.ok(bytes.take('b', REQUEST_BYTES_MIN / 4))
  assert.ok(!bytes.take('b', 1))
})

test('room grows with what was answered of late, up to the most', () => {
  const { inFlight, roomMib } = setUp()
  for (let one = 0; one < 5; one += 1) inFlight.answered(8 * MIB)
  assert.equal(roomMib(), 40)
  for (let one = 0; one < 20; one += 1) inFlight.answered(8 * MIB)
  assert.equal(roomMib() * MIB, REQUEST_BYTES_MAX)
})

test('what was answered is forgotten in time, the older part first', async () => {
  const { clock, inFlight, roomMib } = setUp()
  for (let one = 0; one < 6; one += 1) inFlight.answered(8 * MIB)
  await clock.pass(ANSWERED_WITHIN_MS / 2)
  for (let one = 0; one < 5; one += 1) inFlight.answered(8 * MIB)
  assert.equal(roomMib(), 88)
  await clock.pass(ANSWERED_WITHIN_MS / 2)
  assert.equal(roomMib(), 40)
  await clock.pass(100 * ANSWERED_WITHIN_MS)
  assert.equal(roomMib() * MIB, REQUEST_BYTES_MIN)
})
