import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RETRY_MS_MAX, retryDelayMs } from './backoff.ts'
import { LIVE_MS_MAX, LiveWindow } from './live-window.ts'
import { ReplayBudget } from './replay-budget.ts'

const chance = (value: number) => ({ next: () => value, bytes: (size: number) => Buffer.alloc(size) })

test('a retry waits longer each time, never beyond the bound, and never less than it was asked to', () => {
  assert.deepEqual(
    [1, 2, 3, 40].map((failures) => retryDelayMs(failures, 0, chance(1))),
    [1_000, 2_000, 4_000, RETRY_MS_MAX],
  )
  assert.equal(retryDelayMs(1, 0, chance(0)), 500)
  assert.equal(retryDelayMs(1, 7_000, chance(0)), 7_000)
  assert.equal(retryDelayMs(1, 1e12, chance(0)), RETRY_MS_MAX, 'a gateway cannot send a node away for ever')
})

test('the budget fills four times as fast as live, holds ten seconds, and follows what the gateway grants', () => {
  const budget = new ReplayBudget(10, 0)
  assert.equal(budget.available(0), 0)
  assert.equal(budget.available(1_000), 40)
  assert.equal(budget.available(60_000), 400)
  budget.spend(390)
  assert.equal(budget.available(60_000), 10)
  budget.grant(5)
  assert.equal(budget.available(62_000), 20)
  budget.grant(0)
  assert.equal(budget.available(90_000), 0)
  budget.grant(1_000)
  assert.equal(budget.available(91_000), 40, 'never more than its own bound')
  budget.grant(null)
  assert.equal(budget.available(92_000), 80)
})

test('what was spooled within a minute is live', () => {
  const window = new LiveWindow()
  assert.equal(window.floor(1, 0), 1)
  window.spooled(1, 0)
  window.spooled(11, 30_000)
  assert.equal(window.floor(21, LIVE_MS_MAX), 1)
  assert.equal(window.floor(21, LIVE_MS_MAX + 1), 11)
  assert.equal(window.floor(21, 30_001 + LIVE_MS_MAX), 21)
})

test('beyond 600 spoolings the oldest are replayed', () => {
  const window = new LiveWindow()
  for (let seq = 1; seq <= 601; seq += 1) window.spooled(seq, 0)
  assert.equal(window.floor(602, 0), 2)
})
