import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS, HOUR_MS } from '../../../schemas/units.ts'
import { anchorOf, betterAnchor, logTimeAt } from './log-clock.ts'
import { NodeTime } from './node-time.ts'

const LOG = Date.UTC(2026, 10, 30)

function timeAt(wallMs: number, floorMs: number | null) {
  const now = { wallMs, monotonicMs: 1_000 }
  const clock = { nowMs: () => now.wallMs, monotonicMs: () => now.monotonicMs, delay: async () => {} }
  return { now, time: new NodeTime(clock, { id: 'b', uptimeMs: 61_000 }, floorMs) }
}

test('the log’s time goes on with the monotonic clock, whatever the wall clock does', () => {
  const { now, time } = timeAt(LOG, null)
  assert.equal(time.logTimeAt(time.bootMs()), null)
  assert.equal(time.bootMs(), 61_000, 'counted from the start of the machine')
  const sentMs = time.bootMs()
  now.monotonicMs += 200
  assert.equal(time.acknowledged(sentMs, LOG), true)
  now.monotonicMs += HOUR_MS
  now.wallMs -= 30 * DAY_MS
  assert.equal(time.logTimeAt(time.bootMs()), LOG + 100 + HOUR_MS)
  assert.equal(time.presentMs(), LOG + 100 + HOUR_MS)
})

test('of two answers the one that was faster counts, until the quartz may have gone as wrong; a jump of the log counts at once', () => {
  const good = anchorOf(0, 20, LOG)
  const slow = anchorOf(10_000, 14_000, LOG + 13_000)
  assert.equal(betterAnchor(null, slow), slow)
  assert.equal(betterAnchor(good, slow), good)
  const muchLater = anchorOf(DAY_MS, DAY_MS + 4_000, LOG + DAY_MS + 3_000)
  assert.equal(betterAnchor(good, muchLater), muchLater)
  const jumped = anchorOf(10_000, 14_000, LOG + HOUR_MS)
  assert.equal(betterAnchor(good, jumped), jumped)
  assert.equal(logTimeAt(good, 1_010), LOG + 1_000)
})

test('a wall clock is believed only where the log’s last known time allows it', () => {
  assert.equal(timeAt(LOG, null).time.wallOffsetMs(), null, 'a node that has never heard of the log')
  assert.equal(timeAt(LOG - 1, LOG).time.wallOffsetMs(), null, 'before what is known to have been')
  assert.equal(timeAt(LOG + 401 * DAY_MS, LOG).time.wallOffsetMs(), null, 'far ahead')
  assert.equal(timeAt(LOG + 5, LOG).time.wallOffsetMs(), LOG + 5 - 61_000)
  assert.equal(timeAt(LOG + 5, LOG).time.presentMs(), LOG + 5)
  assert.equal(timeAt(3_600, LOG).time.presentMs(), null, 'a clock that counts from 1970')
})
