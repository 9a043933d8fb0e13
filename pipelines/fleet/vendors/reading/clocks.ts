import { DAY_MS, SECOND_MS } from '../../../../schemas/units.ts'
import type { Warnings } from './warnings.ts'

/** A clock that is further off than this is none: it shows the uptime, or counts from 1970. */
export const CLOCK_SKEW_MS_MAX = 365 * DAY_MS

/** The machine's own clock as RFC 3339; null, with a warning, where it is not set, and null where it is not shown. */
export function deviceTime(epochS: number | null, collectedAtMs: number, warnings: Warnings): string | null {
  if (epochS === null) return null
  const atMs = epochS * SECOND_MS
  if (Math.abs(atMs - collectedAtMs) <= CLOCK_SKEW_MS_MAX) return timeText(atMs)
  warnings.note('device_clock_unset')
  return null
}

/** The time that was `agoS` before the poll, by the node's clock; null where it is unknown or no time. */
export function timeBefore(collectedAtMs: number, agoS: number | null): string | null {
  return agoS === null ? null : timeText(collectedAtMs - agoS * SECOND_MS)
}

/** Epoch milliseconds as RFC 3339; null where a date cannot hold them. */
export function timeText(atMs: number): string | null {
  const date = new Date(atMs)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
