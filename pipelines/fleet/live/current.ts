import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'

/** How far a sample's observation time may be ahead of log time, and behind it, for the live plane to use it. */
export const AHEAD_MS = MINUTE_MS
export const BEHIND_MS = 120 * SECOND_MS

/**
 * Whether a sample of the lease's holder, observed at `tMs` and in the log at `nowMs`, says what is true now. `lastMs` is
 * the observation time of the worker's last current sample, 0 if there was none. The same for results of polls. A sample
 * of another node than the holder, or of a conflict, is never current.
 */
export function isCurrent(tMs: number, lastMs: number, nowMs: number): boolean {
  return tMs > lastMs && tMs <= nowMs + AHEAD_MS && nowMs - tMs <= BEHIND_MS
}
