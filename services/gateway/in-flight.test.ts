import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from './fixtures.ts'
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
  /** Lets in a request and has it answered at once. */
  const answer = (sizeBytes: number, isTaken: boolean): void => {
    assert.ok(inFlight.enter(sizeBytes))
    inFlight.leave(sizeBytes, isTaken)
  }
  /** Bytes that it would let in now, in whole MiB. */
  const roomMib = (): number => {
    let room = 0
    while (inFlight.enter(MIB)) room += 1
    for (let one = 0; one < room; one += 1) inFlight.leave(MIB, false)
    return room
  }
  return { clock, inFlight, answer, roomMib }
}

test('room for so many requests, and one beyond', () => {
  const { inFlight } = setUp()
  for (let request = 0; request < REQUESTS_MAX; request += 1) assert.ok(inFlight.enter(1))
  assert.ok(!inFlight.enter(1))
  inFlight.leave(1, true)
  assert.ok(inFlight.enter(1))
})

test('before anything was answered there is room for the least, and one byte beyond', () => {
  const { inFlight } = setUp()
  assert.ok(inFlight.enter(REQUEST_BYTES_MIN - 10))
  assert.ok(!inFlight.enter(11))
  assert.ok(inFlight.enter(10))
  inFlight.leave(REQUEST_BYTES_MIN - 10, false)
  assert.ok(inFlight.enter(REQUEST_BYTES_MIN - 10))
})

test('room grows with what was answered of late, up to the most', () => {
  const { answer, roomMib } = setUp()
  for (let one = 0; one < 5; one += 1) answer(8 * MIB, true)
  assert.equal(roomMib(), 40)
  for (let one = 0; one < 20; one += 1) answer(8 * MIB, true)
  assert.equal(roomMib() * MIB, REQUEST_BYTES_MAX)
})

test('what was refused or got no answer makes no room', () => {
  const { answer, roomMib } = setUp()
  for (let one = 0; one < 5; one += 1) answer(8 * MIB, false)
  assert.equal(roomMib() * MIB, REQUEST_BYTES_MIN)
})

test('what was answered is forgotten in time, the older part first', async () => {
  const { clock, answer, roomMib } = setUp()
  for (let one = 0; one < 4; one += 1) answer(8 * MIB, true)
  await clock.pass(ANSWERED_WITHIN_MS / 2)
  for (let one = 0; one < 3; one += 1) answer(8 * MIB, true)
  assert.equal(roomMib(), 56)
  await clock.pass(ANSWERED_WITHIN_MS / 2)
  assert.equal(roomMib(), 24)
  await clock.pass(100 * ANSWERED_WITHIN_MS)
  assert.equal(roomMib() * MIB, REQUEST_BYTES_MIN)
})
