import assert from 'node:assert/strict'
import { test } from 'node:test'
import { longestGapMs, outageTable, problemsOf } from './outage.ts'
import type { Outage } from './outage.ts'

test('the longest gap is told as far as it lies in the span', () => {
  const times = [0, 100, 900, 1_000, 5_000, 5_100]
  assert.equal(longestGapMs(times, { fromMs: 50, toMs: 1_000 }), 800)
  assert.equal(longestGapMs(times, { fromMs: 950, toMs: 2_000 }), 1_000, 'it goes on after the span')
  assert.equal(longestGapMs(times, { fromMs: 2_000, toMs: 5_050 }), 3_000, 'it began before the span')
  assert.equal(longestGapMs(times, { fromMs: 5_050, toMs: 9_100 }), 4_000, 'nothing came any more')
  assert.equal(longestGapMs([], { fromMs: 5, toMs: 15 }), 10)
})

const outage: Outage = {
  fault: 'broker-killed',
  failoverMs: 8_000,
  withoutAckMs: 9_000,
  withoutCostMs: 9_500,
  refused: 10,
  refusedWithoutRetryAfter: 0,
  refusedAfterMsMax: 1_500,
  unknown: 2,
  boundMs: 10_000,
}

test('each thing that an outage must not be is named', () => {
  assert.deepEqual(problemsOf(outage), [])
  const cases: readonly (readonly [Partial<Outage>, RegExp])[] = [
    [{ withoutAckMs: 10_001 }, /10\.0 s without a 202, where 10\.0 s are promised/],
    [{ withoutCostMs: 12_000 }, /12\.0 s without a decided cost/],
    [{ refusedWithoutRetryAfter: 1 }, /1 answers 503 had no Retry-After/],
    [{ refusedAfterMsMax: 2_100 }, /a 503 took 2\.1 s/],
  ]
  for (const [change, words] of cases) {
    const problems = problemsOf({ ...outage, ...change })
    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', words)
  }
  assert.deepEqual(problemsOf({ ...outage, boundMs: null, withoutAckMs: 99_000 }), [])
})

test('the table has a line a fault', () => {
  const lines = outageTable([outage, { ...outage, withoutAckMs: 4_000 }, { ...outage, fault: 'another' }])
  assert.match(lines, /\| broker-killed \| 2 \| 8\.0 \| 9\.0 \| 9\.0 \| 9\.5 \| 9\.5 \| 20 \| 1\.5 \| 4 \|/)
  assert.match(lines, /^\| another \| 1 \|/m)
})
