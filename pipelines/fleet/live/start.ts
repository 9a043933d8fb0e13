import { valueAt } from './memory.ts'
import type { LiveMemory } from './memory.ts'
import type { LiveSample } from './sample.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

/** By how much a start may seem to move on without a restart: clocks differ, and uptimes are rounded. */
const START_TOLERANCE_S = 30

/** Whole seconds of observation time. All times that rules hold for are counted in them. */
export function secondsOf(tMs: number): number {
  return Math.floor(tMs / SECOND_MS)
}

/**
 * Notes the uptime of a current sample, and says whether the machine has restarted since the one before: its uptime is
 * below that uptime and the time since by more than 30 s. A sample without an uptime says nothing.
 */
export function noteUptime({ live }: LiveMemory, i: number, sample: LiveSample): boolean {
  if (sample.uptimeS === null) return false
  const startS = Math.max(1, Math.floor(sample.tMs / SECOND_MS - sample.uptimeS))
  const before = valueAt(live.startS, i)
  live.startS[i] = startS
  return before !== 0 && startS > before + START_TOLERANCE_S
}

/**
 * Since when the machine comes up: the start of its process, or when it began to hash again after it had stood. The
 * second counts as well, since a machine that was paused, or had no pool, comes up without a restart; and it is all that
 * is known of a machine that tells no uptime.
 */
export function comesUpSinceS({ live }: LiveMemory, i: number): number {
  return Math.max(valueAt(live.startS, i), valueAt(live.resumedS, i))
}
