import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { mergeWindows, nextWindowEdgeMs, windowsAt } from './windows.ts'
import type { Window } from './windows.ts'

const RAMP_MS = 5

const someWindow: fc.Arbitrary<Window> = fc
  .record({
    kind: fc.constantFrom('curtailment', 'grid', 'maintenance'),
    target: fc.oneof(fc.constant('off' as const), fc.record({ pct: fc.integer({ min: 1, max: 100 }) })),
    startsAtMs: fc.integer({ min: 0, max: 40 }),
    lengthMs: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ kind, target, startsAtMs, lengthMs }): Window => {
    return { kind, target, startsAtMs, endsAtMs: startsAtMs + lengthMs }
  })

const someWindows = fc.array(someWindow, { maxLength: 6 })

const covers = (window: { startsAtMs: number; endsAtMs: number }, atMs: number): boolean =>
  window.startsAtMs <= atMs && atMs < window.endsAtMs

test('events cover what their windows cover, do not touch, and hold every window once', () => {
  fc.assert(
    fc.property(someWindows, (windows) => {
      const events = mergeWindows(windows)
      for (let atMs = 0; atMs < 70; atMs++) {
        assert.equal(
          events.filter((event) => covers(event, atMs)).length,
          windows.some((window) => covers(window, atMs)) ? 1 : 0,
        )
      }
      for (const [n, event] of events.entries()) {
        assert.ok(n === 0 || (events[n - 1]?.endsAtMs ?? 0) < event.startsAtMs)
      }
      assert.equal(events.flatMap((event) => event.windows).length, windows.length)
    }),
    { seed: 11 },
  )
})

test('the target is the lowest of what is on, and what they say changes at edges only', () => {
  fc.assert(
    fc.property(someWindows, (windows) => {
      let before = windowsAt(windows, -1, RAMP_MS, 0)
      for (let atMs = 0; atMs < 80; atMs++) {
        const state = windowsAt(windows, atMs, RAMP_MS, 0)
        const on = windows.filter((window) => covers(window, atMs))
        const targets = on.map(({ kind, target }) =>
          kind === 'maintenance' || target === 'off' ? 0 : 'pct' in target ? target.pct : 100,
        )
        assert.equal(state.targetPct, Math.min(100, ...targets))
        assert.equal(
          state.isActive,
          on.some(({ kind }) => kind !== 'maintenance'),
        )
        if (nextWindowEdgeMs(windows, atMs - 1, RAMP_MS) !== atMs) assert.deepEqual(state, before)
        before = state
      }
    }),
    { seed: 12 },
  )
})

test('a ramp is where the target has risen for less than its time, also between two windows', () => {
  const off: Window = { kind: 'grid', target: 'off', startsAtMs: 0, endsAtMs: 10 }
  const half: Window = { kind: 'grid', target: { pct: 50 }, startsAtMs: 5, endsAtMs: 20 }
  const ramping = (atMs: number): boolean => windowsAt([off, half], atMs, RAMP_MS, 0).isRamping
  assert.deepEqual([9, 10, 14, 15, 19, 20, 24, 25].filter(ramping), [10, 14, 20, 24])
  // Another window with the same target goes on: nothing has risen.
  const after = { ...half, startsAtMs: 12, endsAtMs: 30 }
  assert.equal(windowsAt([half, after], 21, RAMP_MS, 0).isRamping, false)
  // The end of the higher of two changes nothing while the lower is on.
  const longer = { ...off, endsAtMs: 30 }
  assert.equal(windowsAt([longer, half], 21, RAMP_MS, 0).isRamping, false)
  assert.equal(windowsAt([off, half], 12, RAMP_MS, 0).fellAtMs, 5)
})

test('a target in watts is a part of the intended watts, and none where those are not known', () => {
  const window: Window = { kind: 'grid', target: { watts: 700 }, startsAtMs: 0, endsAtMs: 10 }
  assert.equal(windowsAt([window], 1, RAMP_MS, 2_800).targetPct, 25)
  assert.equal(windowsAt([window], 1, RAMP_MS, 350).targetPct, 100)
  const unknown = windowsAt([window], 1, RAMP_MS, 0)
  assert.deepEqual([unknown.targetPct, unknown.isActive], [100, true])
})
