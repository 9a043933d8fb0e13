import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandOutcome, Ending } from '../../schemas/commands/outcome.ts'
import {
  FORGOTTEN_PER_BATCH_MAX,
  OUTCOMES_PER_CREDENTIAL_MAX,
  OUTCOMES_PER_NODE_MAX,
  Outcomes,
  outcomeKey,
} from './outcomes.ts'

const MINUTE_MS = 60_000

const DONE = { become: 'done', result: '{}' } as const
const ORIGIN = { ...DONE, caller: 'key:1', by_admin: false }

type Origin = Ending & Pick<CommandOutcome, 'caller' | 'by_admin'>

const outcome = (until: number, is_counted = true, origin: Origin = ORIGIN): CommandOutcome => ({
  body_hash: Buffer.alloc(16),
  account_version: 1,
  until,
  is_counted,
  ...origin,
})

test('an outcome is kept until its time, and forgotten within the minute after', () => {
  const outcomes = new Outcomes()
  const key = outcomeKey('n', 'c')
  outcomes.set(key, outcome(90_000))
  assert.deepEqual(outcomes.forgetDue(90_000), [])
  assert.deepEqual(outcomes.of(key, 90_000), outcome(90_000))
  assert.deepEqual(outcomes.forgetDue(2 * MINUTE_MS), [key])
  assert.equal(outcomes.of(key, 2 * MINUTE_MS), undefined)
  assert.deepEqual(outcomes.forgetDue(9 * MINUTE_MS), [])
})

test('a credential has 1,000 of a node that count, and has room again when one is forgotten', () => {
  const outcomes = new Outcomes()
  for (let count = 0; count < OUTCOMES_PER_CREDENTIAL_MAX; count++) {
    assert.equal(outcomes.isFull('n', ORIGIN, 0), false)
    outcomes.set(outcomeKey('n', String(count)), outcome(9 * MINUTE_MS))
    outcomes.set(outcomeKey('n', `reservation ${count}`), outcome(MINUTE_MS, false))
  }
  assert.equal(outcomes.isFull('n', ORIGIN, 0), true)
  assert.equal(outcomes.isFull('m', ORIGIN, 0), false)
  // The same one written again counts once.
  outcomes.set(outcomeKey('n', '7'), outcome(9 * MINUTE_MS))
  assert.ok(outcomes.delete(outcomeKey('n', '7')))
  assert.equal(outcomes.isFull('n', ORIGIN, 0), false)
  assert.equal(outcomes.delete(outcomeKey('n', '7')), false)
})

test('no credential takes the room of another, all together none that of an admin, and admins none of theirs', () => {
  const outcomes = new Outcomes()
  let written = 0
  const write = (origin: typeof ORIGIN, count: number): void => {
    for (let left = count; left > 0; left--) {
      assert.equal(outcomes.isFull('n', origin, 0), false, `${origin.caller}, ${left} left`)
      outcomes.set(outcomeKey('n', String(written++)), outcome(9 * MINUTE_MS, true, origin))
    }
  }
  const admin = { ...DONE, caller: 'key:admin', by_admin: true }
  const credentials = Array.from({ length: 6 }, (_, at) => ({
    ...DONE,
    caller: `key:${at}`,
    by_admin: false,
  }))
  for (const one of credentials.slice(0, 5)) write(one, OUTCOMES_PER_CREDENTIAL_MAX)
  for (const one of credentials) assert.equal(outcomes.isFull('n', one, 0), true)
  assert.equal(outcomes.isFull('m', ORIGIN, 0), false)
  write(admin, OUTCOMES_PER_NODE_MAX)
  assert.equal(outcomes.isFull('n', admin, 0), true)
  assert.ok(outcomes.delete(outcomeKey('n', '3')))
  write(credentials[5] ?? ORIGIN, 1)
})

test('releases have places of their own, by what they came to: they take none of other writes', () => {
  const outcomes = new Outcomes()
  const refused = { caller: 'key:1', by_admin: false, become: 'refused', detail: '' } as const
  const released: Origin[] = [
    { ...ORIGIN, become: 'released' },
    { ...refused, code: 'reservation_not_found' },
  ]
  for (let count = 0; count < OUTCOMES_PER_CREDENTIAL_MAX; count++) {
    const one = released[count % 2] ?? ORIGIN
    assert.equal(outcomes.isFull('n', one, 0), false)
    outcomes.set(outcomeKey('n', String(count)), outcome(9 * MINUTE_MS, true, one))
  }
  for (const one of released) assert.equal(outcomes.isFull('n', one, 0), true)
  for (const other of [ORIGIN, { ...refused, code: 'node_not_registered' as const }])
    assert.equal(outcomes.isFull('n', other, 0), false)
  assert.ok(outcomes.delete(outcomeKey('n', '3')))
  for (const one of released) assert.equal(outcomes.isFull('n', one, 0), false)
})

test('of many that are due at once some wait for the next batch', () => {
  const outcomes = new Outcomes()
  for (let count = 0; count < FORGOTTEN_PER_BATCH_MAX + 5; count++)
    outcomes.set(outcomeKey('n', String(count)), outcome(0))
  assert.equal(outcomes.forgetDue(MINUTE_MS).length, FORGOTTEN_PER_BATCH_MAX)
  assert.equal(outcomes.forgetDue(MINUTE_MS).length, 5)
  assert.equal(outcomes.size, 0)
})

test('it is over by log time, whether or not its tombstone is written yet', () => {
  const outcomes = new Outcomes()
  for (let count = 0; count < OUTCOMES_PER_CREDENTIAL_MAX; count++)
    outcomes.set(outcomeKey('n', String(count)), outcome(0))
  assert.equal(outcomes.isFull('n', ORIGIN, MINUTE_MS - 1), true)
  assert.equal(outcomes.isFull('n', ORIGIN, MINUTE_MS), false)
  assert.equal(outcomes.of(outcomeKey('n', '3'), MINUTE_MS), undefined)
  // It is written anew before its tombstone: the tombstone must not follow it.
  outcomes.set(outcomeKey('n', '3'), outcome(5 * MINUTE_MS))
  assert.ok(!outcomes.forgetDue(MINUTE_MS).includes(outcomeKey('n', '3')))
})

test('what is over from the start needs its tombstone all the same', () => {
  const outcomes = new Outcomes()
  assert.equal(outcomes.of('x', 9 * MINUTE_MS), undefined)
  outcomes.set(outcomeKey('n', 'late'), outcome(0))
  assert.deepEqual(outcomes.forgetDue(9 * MINUTE_MS), [outcomeKey('n', 'late')])
})

test('what is kept of an outcome does not keep the pool that its bytes were cut from', () => {
  const outcomes = new Outcomes()
  const pool = Buffer.alloc(4096)
  outcomes.set('c', { ...outcome(MINUTE_MS), body_hash: pool.subarray(16, 32) })
  assert.equal(outcomes.of('c', 0)?.body_hash.buffer.byteLength, 16)
})
