import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InFlight, REQUESTS_MAX, REQUEST_BYTES_MAX } from './in-flight.ts'

test('room for so many requests, and one beyond', () => {
  const inFlight = new InFlight()
  for (let request = 0; request < REQUESTS_MAX; request += 1) assert.ok(inFlight.enter(1))
  assert.ok(!inFlight.enter(1))
  inFlight.leave(1)
  assert.ok(inFlight.enter(1))
})

test('room for so many bytes, and one beyond', () => {
  const inFlight = new InFlight()
  assert.ok(inFlight.enter(REQUEST_BYTES_MAX - 10))
  assert.ok(!inFlight.enter(11))
  assert.ok(inFlight.enter(10))
  inFlight.leave(REQUEST_BYTES_MAX - 10)
  assert.ok(inFlight.enter(REQUEST_BYTES_MAX - 10))
})
