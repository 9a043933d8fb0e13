import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../schemas/records.ts'
import { FORGOTTEN_PER_BATCH_MAX, OUTCOMES_PER_NODE_MAX, Outcomes, outcomeKey } from './outcomes.ts'

const MINUTE_MS = 60_000

const outcome = (until: number, is_counted = true): Outcome => ({
  body_hash: Buffer.alloc(16),
  status: 200,
  code: null,
  detail: '',
  result: '{}',
  account_version: 1,
  until,
  is_counted,
})

test('an outcome is kept until its time, and forgotten within the minute after', () => {
  const outcomes = new Outcomes()
  const key = outcomeKey('n', 'c')
  outcomes.set(key, outcome(90_000))
  assert.deepEqual(outcomes.forgetDue(90_000), [])
  assert.deepEqual(outcomes.of(key), outcome(90_000))
  assert.deepEqual(outcomes.forgetDue(2 * MINUTE_MS), [key])
  assert.equal(outcomes.of(key), undefined)
  assert.deepEqual(outcomes.forgetDue(9 * MINUTE_MS), [])
})

test('a node is full with 1,000 that count, and has room again when one is forgotten', () => {
  const outcomes = new Outcomes()
  for (let count = 0; count < OUTCOMES_PER_NODE_MAX; count++) {
    assert.equal(outcomes.isFull('n'), false)
    outcomes.set(outcomeKey('n', String(count)), outcome(MINUTE_MS * count))
    outcomes.set(outcomeKey('n', `reservation ${count}`), outcome(MINUTE_MS, false))
  }
  assert.equal(outcomes.isFull('n'), true)
  assert.equal(outcomes.isFull('m'), false)
  // The same one written again counts once.
  outcomes.set(outcomeKey('n', '7'), outcome(MINUTE_MS))
  assert.ok(outcomes.delete(outcomeKey('n', '7')))
  assert.equal(outcomes.isFull('n'), false)
  assert.equal(outcomes.delete(outcomeKey('n', '7')), false)
})

test('of many that are due at once some wait for the next batch', () => {
  const outcomes = new Outcomes()
  for (let count = 0; count < FORGOTTEN_PER_BATCH_MAX + 5; count++)
    outcomes.set(outcomeKey('n', String(count)), outcome(0))
  assert.equal(outcomes.forgetDue(MINUTE_MS).length, FORGOTTEN_PER_BATCH_MAX)
  assert.equal(outcomes.forgetDue(MINUTE_MS).length, 5)
  assert.equal(outcomes.size, 0)
})
