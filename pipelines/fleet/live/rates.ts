import { MEAN_SLOT_MS, MEAN_SLOTS, newSlots, RATE_SLOT_MS, RATE_SLOTS, UNKNOWN, valueAt } from './memory.ts'
import type { LiveMemory } from './memory.ts'
import { MINUTE_MS } from '../../../schemas/units.ts'

/** A mean needs so many values, or one where samples are so far apart that there cannot be more. */
const VALUES_MIN = 3
const RARE_INTERVAL_MS = 2 * MINUTE_MS

function valuesMin(intervalMs: number): number {
  return intervalMs >= RARE_INTERVAL_MS ? 1 : VALUES_MIN
}

/**
 * Takes the present rate of a current sample into r5's ring; `null` only moves the ring on. A mean over the last five
 * minutes needs no time of each reading, only its slot, so it costs ten slots whatever the interval is.
 */
export function addRate(memory: LiveMemory, i: number, tMs: number, rateHs: number | null): void {
  const { live, rates } = memory
  const slot = Math.floor(tMs / RATE_SLOT_MS)
  for (let age = newSlots(valueAt(live.rateSlot, i), slot, RATE_SLOTS) - 1; age >= 0; age--) {
    const place = i * RATE_SLOTS + ((slot - age) % RATE_SLOTS)
    rates.sumHs[place] = 0
    rates.samples[place] = 0
  }
  live.rateSlot[i] = slot
  if (rateHs === null) return
  const place = i * RATE_SLOTS + (slot % RATE_SLOTS)
  rates.sumHs[place] = valueAt(rates.sumHs, place) + rateHs
  rates.samples[place] = valueAt(rates.samples, place) + 1
}

/** The mean of the present rates of the last five minutes, `UNKNOWN` where there are too few. */
export function meanOfNow(memory: LiveMemory, i: number, intervalMs: number): number {
  let sum = 0
  let samples = 0
  for (let place = i * RATE_SLOTS; place < (i + 1) * RATE_SLOTS; place++) {
    sum += valueAt(memory.rates.sumHs, place)
    samples += valueAt(memory.rates.samples, place)
  }
  return samples >= valuesMin(intervalMs) ? sum / samples : UNKNOWN
}

/** Takes r5 at a current sample into r10's ring; `UNKNOWN` only moves the ring on. */
export function addMean(memory: LiveMemory, i: number, tMs: number, r5Hs: number): void {
  const { live, means } = memory
  const slot = Math.floor(tMs / MEAN_SLOT_MS)
  for (let age = newSlots(valueAt(live.meanSlot, i), slot, MEAN_SLOTS) - 1; age >= 0; age--) {
    const place = i * MEAN_SLOTS + ((slot - age) % MEAN_SLOTS)
    means.sumHs[place] = 0
    means.samples[place] = 0
  }
  live.meanSlot[i] = slot
  if (r5Hs === UNKNOWN) return
  const place = i * MEAN_SLOTS + (slot % MEAN_SLOTS)
  means.sumHs[place] = valueAt(means.sumHs, place) + r5Hs
  means.samples[place] = valueAt(means.samples, place) + 1
}

/** Forgets r10: what a machine did while nothing could be asked of it says nothing about it. */
export function forgetMeans(memory: LiveMemory, i: number): void {
  memory.means.sumHs.fill(0, i * MEAN_SLOTS, (i + 1) * MEAN_SLOTS)
  memory.means.samples.fill(0, i * MEAN_SLOTS, (i + 1) * MEAN_SLOTS)
}

/** r10: the mean of r5 over the last ten minutes, `UNKNOWN` where there are too few. */
export function meanOfR5(memory: LiveMemory, i: number, intervalMs: number): number {
  let sum = 0
  let samples = 0
  for (let place = i * MEAN_SLOTS; place < (i + 1) * MEAN_SLOTS; place++) {
    sum += valueAt(memory.means.sumHs, place)
    samples += valueAt(memory.means.samples, place)
  }
  return samples >= valuesMin(intervalMs) ? sum / samples : UNKNOWN
}
