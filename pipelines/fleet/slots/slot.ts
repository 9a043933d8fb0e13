import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'

/** A worker's time is slots of this length, counted from the epoch. Each second of it is in one slot and counts once. */
export const SLOT_S = 30
export const SLOT_MS = SLOT_S * SECOND_MS

/** A cell of `fleet_5m`. */
export const CELL_MS = 5 * MINUTE_MS
export const CELL_SLOTS = CELL_MS / SLOT_MS
export const MINUTE_SLOTS = MINUTE_MS / SLOT_MS

/** After the end of a slot it stays open for so long, by log time: the longer, the longer the worker's interval is. */
const SETTLE_DELAY_MS_MIN = 120 * SECOND_MS
const SETTLE_DELAY_MS_MAX = 10 * MINUTE_MS

/** A sample may be ahead of log time by so much. */
export const AHEAD_MS_MAX = MINUTE_MS

/** Data that come later than this are not accepted, so no hole is older. */
export const LATE_MS_MAX = 80 * HOUR_MS

/** The slot in which a time lies. */
export function slotOf(tMs: number): number {
  return Math.floor(tMs / SLOT_MS)
}

/** D: how long a slot stays open after its end, for a worker that is polled each `intervalS`. */
export function settleDelayMs(intervalS: number): number {
  return Math.min(SETTLE_DELAY_MS_MAX, Math.max(SETTLE_DELAY_MS_MIN, 2 * intervalS * SECOND_MS))
}

/**
 * The first slot that something observed at `offsetMs` after the beginning of `slot` does not cover: it covers the slots
 * that begin before its time + interval, its own first.
 */
export function reachEnd(slot: number, offsetMs: number, intervalS: number): number {
  return slot + Math.ceil((offsetMs + intervalS * SECOND_MS) / SLOT_MS)
}
