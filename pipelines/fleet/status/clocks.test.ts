import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasHeld, heldS, moved } from './clocks.ts'

test('a clock counts what lies between samples that show the condition, from 0 at the first', () => {
  const first = moved(0, 'holds', 30)
  assert.deepEqual([heldS(first), hasHeld(first, 0), hasHeld(first, 1)], [0, true, false])
  const third = moved(moved(first, 'holds', 30), 'holds', 29)
  assert.deepEqual([heldS(third), hasHeld(third, 59), hasHeld(third, 60)], [59, true, false])
})

test('what is unknown lets it stand, what is gone sets it back; without the condition nothing has held', () => {
  const clock = moved(moved(0, 'holds', 0), 'holds', 100)
  assert.equal(moved(clock, 'unknown', 500), clock)
  assert.equal(moved(clock, 'gone', 500), 0)
  assert.equal(hasHeld(0, 0), false)
  assert.equal(moved(0, 'unknown', 500), 0)
})

test('it stops at the end of 16 bits, and does not begin anew', () => {
  const end = moved(moved(0, 'holds', 0), 'holds', 1_000_000)
  assert.equal(moved(end, 'holds', 30), end)
  const column = new Uint16Array([end])
  assert.equal(column[0], end)
  assert.equal(hasHeld(end, 65_534), true)
})
