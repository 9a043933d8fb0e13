import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  energyOfGpuTime,
  MINUTE_WINDOW_MS,
  QUARTER_HOUR_WINDOW_MS,
  USAGE_BOUNDS,
  windowStart,
} from './usage.ts'

const instant = fc.integer({ min: -8_640_000_000_000, max: 8_640_000_000_000 })
const size = fc.constantFrom(MINUTE_WINDOW_MS, QUARTER_HOUR_WINDOW_MS)

test('windows tile time: epoch-aligned, half-open, every instant in exactly one', () => {
  fc.assert(
    fc.property(instant, size, (atMs, sizeMs) => {
      const start = windowStart(atMs, sizeMs)
      assert.equal(Math.abs(start % sizeMs), 0)
      assert.ok(start <= atMs && atMs < start + sizeMs)
      // The neighbours do not hold it: the end belongs to the next window, and the start not to the one before.
      assert.equal(windowStart(start, sizeMs), start)
      assert.equal(windowStart(start + sizeMs - 1, sizeMs), start)
      assert.equal(windowStart(start + sizeMs, sizeMs), start + sizeMs)
      assert.equal(windowStart(start - 1, sizeMs), start - sizeMs)
    }),
  )
})

test('a quarter of an hour is exactly its fifteen minutes', () => {
  fc.assert(
    fc.property(instant, (atMs) => {
      const quarter = windowStart(atMs, QUARTER_HOUR_WINDOW_MS)
      assert.equal(windowStart(windowStart(atMs, MINUTE_WINDOW_MS), QUARTER_HOUR_WINDOW_MS), quarter)
    }),
  )
})

test('energy of GPU time is rounded half-even, once', () => {
  const known: readonly (readonly [gpuMs: number, watts: number, mwh: number])[] = [
    // 170 W for 10 s are 0.000472 kWh: the documented vector.
    [10_000, 170, 472],
    [0, 170, 0],
    [3_600, 1, 1],
    [1_799, 1, 0],
    [1_800, 1, 0],
    [1_801, 1, 1],
    [5_400, 1, 2],
    [9_000, 1, 2],
    [9_001, 1, 3],
    [3_600_000, 0, 0],
  ]
  for (const [gpuMs, watts, mwh] of known) assert.equal(energyOfGpuTime(gpuMs, watts), mwh, `${gpuMs} ms`)
  // Tokens count a millisecond each, so GPU time may be twice the most tokens.
  fc.assert(
    fc.property(fc.nat(2 * USAGE_BOUNDS.tokensMax), fc.nat(2_000), (gpuMs, watts) => {
      const product = BigInt(gpuMs) * BigInt(watts)
      const floor = product / 3_600n
      const twice = (product % 3_600n) * 2n
      const up = twice > 3_600n || (twice === 3_600n && floor % 2n === 1n)
      assert.equal(BigInt(energyOfGpuTime(gpuMs, watts)), floor + (up ? 1n : 0n))
    }),
  )
})
