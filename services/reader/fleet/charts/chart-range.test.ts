import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../../schemas/units.ts'
import { CHART_BUCKETS } from './buckets.ts'
import { CHART_DAYS_MAX, chartRange, WHOLE_AFTER_MS, wholeTo } from './chart-range.ts'

const NOON_MS = Date.UTC(2026, 2, 8, 12)

test('a day is buckets of 5 minutes, an hour is buckets of one', () => {
  const day = chartRange({ fromMs: NOON_MS - DAY_MS, toMs: NOON_MS })
  assert.deepEqual(day, { range: { fromMs: NOON_MS - DAY_MS, toMs: NOON_MS }, lengthMs: 5 * MINUTE_MS })
  assert.equal(chartRange({ fromMs: NOON_MS, toMs: NOON_MS + HOUR_MS }).lengthMs, MINUTE_MS)
})

test('any range is whole buckets around it, and few more than asked for', () => {
  const ranges = fc.record({
    fromMs: fc.integer({ min: 1, max: 4_000_000_000_000 }),
    lengthMs: fc.integer({ min: 1, max: CHART_DAYS_MAX * DAY_MS }),
  })
  fc.assert(
    fc.property(ranges, ({ fromMs, lengthMs }) => {
      const asked = { fromMs, toMs: fromMs + lengthMs }
      const { range, lengthMs: bucketMs } = chartRange(asked)
      assert.equal(bucketMs % MINUTE_MS, 0)
      assert.ok(range.fromMs <= asked.fromMs && range.toMs >= asked.toMs)
      const buckets = (range.toMs - range.fromMs) / bucketMs
      assert.ok(Number.isInteger(buckets) && buckets <= CHART_BUCKETS + 1)
    }),
  )
})

test('a range that is too long is refused with what to do', () => {
  const asked = { fromMs: NOON_MS, toMs: NOON_MS + CHART_DAYS_MAX * DAY_MS }
  assert.ok(chartRange(asked).range.toMs >= asked.toMs)
  assert.throws(
    () => chartRange({ ...asked, toMs: asked.toMs + 1 }),
    /longer than 31 days: ask for a shorter one/,
  )
})

test('minutes are whole some time before the watermark', () => {
  assert.equal(wholeTo(NOON_MS), NOON_MS - WHOLE_AFTER_MS)
  assert.equal(wholeTo(null), null)
})
