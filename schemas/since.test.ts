import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RULES, SINCE_MAX, rulesAt, sinceAt } from './since.ts'
import type { Since } from './since.ts'

test('a record is judged by the newest rules that began at or before it, for good', () => {
  const since = [
    { rules: 1, offset: 10 },
    { rules: 2, offset: 10 },
    { rules: 3, offset: 25 },
  ]
  assert.deepEqual(
    [0, 9, 10, 24, 25, 26n].map((offset) => rulesAt(since, offset)),
    [0, 0, 2, 2, 3, 3],
  )
  assert.equal(rulesAt([], 7), 0)
})

test('a task writes down where its rules begin, once', () => {
  const first = sinceAt([], 40)
  assert.deepEqual(first, [{ rules: RULES, offset: 40 }])
  assert.equal(sinceAt(first, 90), first)
  assert.equal(rulesAt(first, 39), 0)
})

test('rules of a later version, and more than the list holds, are refused', () => {
  assert.throws(() => sinceAt([{ rules: RULES + 1, offset: 0 }], 5), RangeError)
  const full: Since[] = Array.from({ length: SINCE_MAX }, (_, offset) => ({ rules: RULES - 1, offset }))
  assert.throws(() => sinceAt(full, 50), RangeError)
})
