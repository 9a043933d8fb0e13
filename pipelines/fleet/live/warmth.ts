import { newSlots, valueAt, WARMTH_SLOT_MS, WARMTH_SLOTS, WARMTH_ZERO_DECI_C } from './memory.ts'
import type { LiveMemory } from './memory.ts'

/**
 * Takes a chip temperature and says by how many degrees it stands above the lowest of the last 15 minutes. A machine
 * that comes up gets warm as it should, so the caller forgets the ring until it has come up.
 */
export function riseC(memory: LiveMemory, i: number, tMs: number, chipC: number): number {
  const { live, warmth } = memory
  const slot = Math.floor(tMs / WARMTH_SLOT_MS)
  for (let age = newSlots(valueAt(live.warmthSlot, i), slot, WARMTH_SLOTS) - 1; age >= 0; age--) {
    warmth.lowest[i * WARMTH_SLOTS + ((slot - age) % WARMTH_SLOTS)] = 0
  }
  live.warmthSlot[i] = slot
  const now = Math.max(1, Math.round(chipC * 10) - WARMTH_ZERO_DECI_C)
  const place = i * WARMTH_SLOTS + (slot % WARMTH_SLOTS)
  const kept = valueAt(warmth.lowest, place)
  warmth.lowest[place] = kept === 0 ? now : Math.min(kept, now)
  let lowest = now
  for (let other = i * WARMTH_SLOTS; other < (i + 1) * WARMTH_SLOTS; other++) {
    const value = valueAt(warmth.lowest, other)
    if (value !== 0 && value < lowest) lowest = value
  }
  return (now - lowest) / 10
}

/** Forgets the temperatures of a worker. */
export function forgetWarmth(memory: LiveMemory, i: number): void {
  memory.warmth.lowest.fill(0, i * WARMTH_SLOTS, (i + 1) * WARMTH_SLOTS)
}
