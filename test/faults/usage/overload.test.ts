import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeOverload, problemsOf, quantile } from './overload.ts'
import type { Overload } from './overload.ts'

const good: Overload = {
  capacity: 10_000,
  goodput: 9_500,
  offered: 30_000,
  times: 3,
  requests: 1_350,
  refused: 900,
  refusedWithRetryAfter: 900,
  refusedAfterMsP99: 120,
  unknown: 0,
  heldBack: 0,
  memory: { before: 100e6, most: 400e6, after: 200e6 },
}

test('an overload that is borne has no problems', () => {
  assert.deepEqual(problemsOf(good), [])
  assert.match(
    describeOverload(good),
    /9500 acknowledged \(95\.0 %\); 900 of 1350 requests got 503, p99 after 120 ms/,
  )
})

test('each thing that an overload must not do is named', () => {
  const cases: readonly (readonly [Partial<Overload>, RegExp])[] = [
    [{ capacity: 0, goodput: 0, offered: 0 }, /^nothing was acknowledged/],
    [{ goodput: 8_999 }, /goodput fell to 90\.0 %/],
    [{ offered: 20_000 }, /offered only 2\.0 times/],
    [{ refusedWithRetryAfter: 899 }, /^1 answers 503 had no Retry-After/],
    [{ refusedAfterMsP99: 1_001 }, /came after 1001 ms/],
    [{ memory: { before: 100e6, most: 400e6, after: 302e6 } }, /grew by 202 MB/],
  ]
  for (const [change, words] of cases) {
    const problems = problemsOf({ ...good, ...change })
    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', words)
  }
})

test('a quantile is one of the values', () => {
  assert.equal(quantile([], 0.99), 0)
  assert.equal(quantile([5], 0.99), 5)
  assert.equal(quantile([3, 1, 2, 4], 0.5), 3)
})
