import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR_MS } from '../../../schemas/units.ts'
import { CompleteSpans } from './complete.ts'

const OFFSET = 1_000_000
const NOTHING_LOST = { spans: [], isUnknown: false }

test('what was polled is complete but for what is held, and is said once', () => {
  const spans = new CompleteSpans(null, 100)
  assert.deepEqual(spans.due([]), [])
  spans.polledUntil(1_000, OFFSET)
  const held = [{ from: OFFSET + 400, to: OFFSET + 600 }]
  const due = spans.due(held)
  assert.deepEqual(due, [
    { from: OFFSET + 100, to: OFFSET + 400 },
    { from: OFFSET + 600, to: OFFSET + 1_000 },
  ])
  assert.deepEqual(spans.due(held), due, 'until the log has it')
  spans.told(due)
  assert.deepEqual(spans.due(held), [])
  spans.polledUntil(1_500, OFFSET)
  assert.deepEqual(spans.due([]), [
    { from: OFFSET + 400, to: OFFSET + 600 },
    { from: OFFSET + 1_000, to: OFFSET + 1_500 },
  ])
})

test('a span of which something was lost is never complete, in this process and the next', () => {
  const spans = new CompleteSpans(null, 0)
  spans.polledUntil(1_000, OFFSET)
  spans.lose({ spans: [{ from: OFFSET + 200, to: OFFSET + 300 }], isUnknown: false }, 1_000)
  const expected = [
    { from: OFFSET, to: OFFSET + 200 },
    { from: OFFSET + 300, to: OFFSET + 1_000 },
  ]
  assert.deepEqual(spans.due([]), expected)
  const next = new CompleteSpans(spans.kept(), 5_000)
  next.loseEarlier({ spans: [{ from: OFFSET + 900, to: Number.MAX_SAFE_INTEGER }], isUnknown: false })
  assert.deepEqual(next.due([]), [expected[0], { from: OFFSET + 300, to: OFFSET + 900 }])
  next.polledUntil(6_000, OFFSET)
  assert.deepEqual(next.due([]).at(-1), { from: OFFSET + 5_000, to: OFFSET + 6_000 })
})

test('a loss of unknown time leaves nothing of what was before it', () => {
  const spans = new CompleteSpans({ polled: [{ from: 10, to: 20 }], told: [] }, 0)
  spans.loseEarlier(NOTHING_LOST)
  assert.deepEqual(spans.due([]), [{ from: 10, to: 20 }])
  spans.polledUntil(1_000, OFFSET)
  spans.lose({ spans: [], isUnknown: true }, 1_200)
  assert.deepEqual(spans.due([]), [])
  spans.polledUntil(1_300, OFFSET)
  assert.deepEqual(spans.due([]), [{ from: OFFSET + 1_200, to: OFFSET + 1_300 }])
})

test('the log’s clock may be set by a little between two spans, which are one; a jump leaves a gap', () => {
  const spans = new CompleteSpans(null, 0)
  spans.polledUntil(1_000, OFFSET)
  spans.polledUntil(2_000, OFFSET + 40)
  assert.deepEqual(spans.due([]), [{ from: OFFSET, to: OFFSET + 2_040 }])
  spans.polledUntil(3_000, OFFSET + 60_000)
  assert.deepEqual(spans.due([]).at(-1), { from: OFFSET + 62_000, to: OFFSET + 63_000 })
})

test('a batch names at most 64 spans, and old ones are forgotten', () => {
  const spans = new CompleteSpans(null, 0)
  spans.polledUntil(HOUR_MS, OFFSET)
  const held = Array.from({ length: 100 }, (_, at) => ({
    from: OFFSET + at * 1_000,
    to: OFFSET + at * 1_000 + 1,
  }))
  assert.equal(spans.due(held).length, 64)
  spans.told([{ from: OFFSET, to: OFFSET + HOUR_MS - 10 }])
  spans.polledUntil(82 * HOUR_MS, OFFSET)
  assert.deepEqual(spans.kept().told, [])
})

test('a loss that is forgotten is not said to be complete either', () => {
  const spans = new CompleteSpans(null, 0)
  const lost = Array.from({ length: 300 }, (_, at) => ({
    from: OFFSET + at * 1_000,
    to: OFFSET + at * 1_000 + 10,
  }))
  spans.lose({ spans: lost, isUnknown: false }, 0)
  spans.polledUntil(300_000, OFFSET)
  spans.polledUntil(301_000, OFFSET)
  assert.ok(spans.kept().polled.length > 200)
  for (const { from, to } of spans.kept().polled) {
    assert.ok(lost.every((one) => one.to <= from || one.from >= to))
  }
})
