import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  LIVE_PARTS,
  MEAN_SLOT_MS,
  MEAN_SLOTS,
  memoryOf,
  RATE_SLOT_MS,
  RATE_SLOTS,
  UNKNOWN,
} from './memory.ts'
import { addMean, addRate, forgetMeans, meanOfNow, meanOfR5 } from './rates.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'

/** Steps between readings, with gaps, and rates that a mean keeps exactly. */
const readings = fc.array(
  fc.record({
    stepMs: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 1_000, max: 60_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 2_000_000 }) },
    ),
    rateHs: fc.option(fc.integer({ min: 0, max: 2 ** 40 }), { nil: null }),
  }),
  { maxLength: 120 },
)

const START_MS = Date.UTC(2026, 5, 1)

/** The readings of the newest slots of a ring: a direct reading of what r5 and r10 are. */
function within(
  kept: readonly { tMs: number; value: number }[],
  tMs: number,
  slotMs: number,
  slots: number,
): number[] {
  const newest = Math.floor(tMs / slotMs)
  return kept.filter((one) => Math.floor(one.tMs / slotMs) > newest - slots).map(({ value }) => value)
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

test('r5 and r10 are means over the last slots, in any rhythm, and workers do not mix', () => {
  fc.assert(
    fc.property(readings, fc.constantFrom(30, 200), (those, intervalS) => {
      const memory = memoryOf(LIVE_PARTS)
      const valuesMin = intervalS >= 120 ? 1 : 3
      const now: { tMs: number; value: number }[] = []
      const fives: { tMs: number; value: number }[] = []
      let tMs = START_MS
      for (const { stepMs, rateHs } of those) {
        tMs += stepMs
        addRate(memory, 3, tMs, rateHs)
        addRate(memory, 4, tMs, 2 ** 50)
        if (rateHs !== null) now.push({ tMs, value: rateHs })
        const r5 = within(now, tMs, RATE_SLOT_MS, RATE_SLOTS)
        const r5Hs = meanOfNow(memory, 3, intervalS * SECOND_MS)
        assert.equal(r5Hs, r5.length < valuesMin ? UNKNOWN : mean(r5))
        addMean(memory, 3, tMs, r5Hs)
        addMean(memory, 4, tMs, 2 ** 50)
        if (r5Hs !== UNKNOWN) fives.push({ tMs, value: r5Hs })
        const r10 = within(fives, tMs, MEAN_SLOT_MS, MEAN_SLOTS)
        const r10Hs = meanOfR5(memory, 3, intervalS * SECOND_MS)
        if (r10.length < valuesMin) assert.equal(r10Hs, UNKNOWN)
        // Sums of fractions depend on their order in the last bit.
        else assert.ok(Math.abs(r10Hs - mean(r10)) <= 1e-9 * mean(r10))
      }
    }),
    { seed: 21 },
  )
})

test('r10 is forgotten whole, and of one worker only', () => {
  const memory = memoryOf(LIVE_PARTS)
  for (let n = 0; n < 20; n++) {
    addMean(memory, 0, START_MS + n * MINUTE_MS, 5)
    addMean(memory, 1, START_MS + n * MINUTE_MS, 7)
  }
  forgetMeans(memory, 0)
  assert.equal(meanOfR5(memory, 0, 30 * SECOND_MS), UNKNOWN)
  assert.equal(meanOfR5(memory, 1, 30 * SECOND_MS), 7)
})
