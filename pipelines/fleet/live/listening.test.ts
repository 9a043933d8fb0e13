import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { deafBetween, listenedAt, LISTENING_MS, withSpan } from './listening.ts'
import type { Span } from './listening.ts'

const someSpan = fc
  .tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 15 }))
  .map(([fromMs, lengthMs]): Span => ({ fromMs, toMs: fromMs + lengthMs }))

const someSpans = fc.array(someSpan, { maxLength: 6 })

const covers = (spans: readonly Span[], atMs: number): boolean =>
  spans.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)

const merged = (spans: readonly Span[]): readonly Span[] => spans.reduce<readonly Span[]>(withSpan, [])

test('spans that are added one by one cover the same, are disjoint, and are in order', () => {
  fc.assert(
    fc.property(someSpans, (spans) => {
      const whole = merged(spans)
      for (let atMs = 0; atMs < 70; atMs++) assert.equal(covers(whole, atMs), covers(spans, atMs))
      for (const [n, span] of whole.entries()) {
        assert.ok(span.fromMs < span.toMs)
        assert.ok(n === 0 || (whole[n - 1]?.toMs ?? 0) < span.fromMs)
      }
    }),
    { seed: 31 },
  )
})

test('a due time is when so many milliseconds were listened to, counted one by one', () => {
  fc.assert(
    fc.property(
      someSpans,
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 30 }),
      (spans, fromMs, lengthMs) => {
        const deaf = merged(spans)
        let atMs = fromMs
        for (let heardMs = 0; heardMs < lengthMs; atMs++) if (!covers(deaf, atMs)) heardMs++
        assert.equal(listenedAt(fromMs, lengthMs, deaf), atMs)
      },
    ),
    { seed: 32 },
  )
})

test('while a deaf span lasts nothing in it is ever due; before it, everything is', () => {
  const deaf = [{ fromMs: 100, toMs: Number.POSITIVE_INFINITY }]
  assert.equal(listenedAt(50, 50, deaf), 100)
  assert.equal(listenedAt(50, 51, deaf), Number.POSITIVE_INFINITY)
  assert.equal(listenedAt(120, 1, deaf), Number.POSITIVE_INFINITY)
})

test('contacts up to 90 s apart are listening; what is beyond is not', () => {
  assert.equal(deafBetween(5, 5 + LISTENING_MS), null)
  assert.deepEqual(deafBetween(5, 6 + LISTENING_MS), { fromMs: 5 + LISTENING_MS, toMs: 6 + LISTENING_MS })
  const none = Number.POSITIVE_INFINITY
  assert.deepEqual(deafBetween(5, none), { fromMs: 5 + LISTENING_MS, toMs: none })
})
