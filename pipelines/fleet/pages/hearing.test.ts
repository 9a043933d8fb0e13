import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEAF_SPANS_MAX, Hearing, hearingOf, justBefore } from './hearing.ts'

const FOREVER = Number.POSITIVE_INFINITY

test('a page gets what was known at its own place, whatever has come since', () => {
  const node = new Hearing()
  node.begin('deaf', 190, 4)
  node.begin('silent', 400, 9)
  node.end(700, 12)
  const gateways = new Hearing()
  assert.deepEqual(hearingOf(node, gateways, 3), { silentAtMs: FOREVER, returnedAtMs: 0, deaf: [] })
  assert.deepEqual(hearingOf(node, gateways, justBefore(4)).deaf, [{ fromMs: 190, toMs: FOREVER }])
  assert.equal(hearingOf(node, gateways, justBefore(12)).silentAtMs, 400)
  assert.equal(hearingOf(node, gateways, 8).silentAtMs, FOREVER)
  assert.equal(hearingOf(node, gateways, 11).silentAtMs, 400)
  assert.deepEqual(hearingOf(node, gateways, 12), {
    silentAtMs: FOREVER,
    returnedAtMs: 700,
    deaf: [{ fromMs: 190, toMs: 700 }],
  })
  assert.deepEqual(hearingOf(node, gateways, 4).deaf, [{ fromMs: 190, toMs: FOREVER }])
})

test('time in which no gateway was heard is deaf for every node, also for one that nothing is known of', () => {
  const gateways = new Hearing([{ kind: 'deaf', from: 100, from_offset: 1, to: 300, to_offset: 2 }])
  const node = new Hearing([{ kind: 'deaf', from: 250, from_offset: 1, to: null, to_offset: null }])
  assert.deepEqual(hearingOf(node, gateways, 2).deaf, [{ fromMs: 100, toMs: FOREVER }])
  assert.deepEqual(hearingOf(null, gateways, 2).deaf, [{ fromMs: 100, toMs: 300 }])
  assert.deepEqual(hearingOf(null, gateways, 0).deaf, [])
})

test('as many deaf spans are known at every place, and what no page asks for is forgotten', () => {
  const node = new Hearing()
  const spans = DEAF_SPANS_MAX + 6
  for (let n = 0; n < spans; n++) {
    node.begin('deaf', n * 100, n * 10)
    node.end(n * 100 + 50, n * 10 + 5)
  }
  const before = node.deaf((spans - 3) * 10)
  assert.equal(before.length, DEAF_SPANS_MAX)
  node.forgetBefore((spans - 3) * 10)
  assert.ok(node.spans.length < spans)
  assert.deepEqual(node.deaf((spans - 3) * 10), before)
  assert.deepEqual(node.deaf(spans * 10).at(-1), { fromMs: (spans - 1) * 100, toMs: (spans - 1) * 100 + 50 })
})
