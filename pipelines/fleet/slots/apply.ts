import { lateFailedPoll } from './late-poll.ts'
import { lateReading } from './late-reading.ts'
import { freePlace, openSlotAt } from './open-slots.ts'
import type { Outcome } from './outcome.ts'
import type { Page } from './page.ts'
import { isShadowPoll, packedPoll, pollTimeMs } from './poll.ts'
import type { FailedPoll, Reading } from './reading.ts'
import { hasReading, timeOf, writeReading } from './reading-columns.ts'
import { settleSlot, settleTo } from './settle.ts'
import { AHEAD_MS_MAX, LATE_MS_MAX, slotOf } from './slot.ts'

/** Applies a reading of a worker at the page's log time. */
export function applyReading(page: Page, worker: number, reading: Reading): Outcome {
  const { open } = page
  const refusal = refusalOf(page, reading.tMs)
  if (refusal !== null) return refusal
  settleTo(page, worker, page.nowMs)
  const slot = slotOf(reading.tMs)
  const place = openPlace(page, worker, slot)
  if (place < 0) return lateReading(page, worker, slot, reading)
  if (hasReading(open, place)) {
    const known = { tMs: timeOf(open, place), isShadow: open.isShadow[place] === 1 }
    const outcome = outcomeBeside(known, reading)
    if (outcome !== 'counted') return outcome
  }
  writeReading(open, place, slot, reading)
  return 'counted'
}

/** Applies a failed poll of a worker at the page's log time. */
export function applyFailedPoll(page: Page, worker: number, poll: FailedPoll): Outcome {
  const { open } = page
  const refusal = refusalOf(page, poll.tMs)
  if (refusal !== null) return refusal
  settleTo(page, worker, page.nowMs)
  const slot = slotOf(poll.tMs)
  const place = openPlace(page, worker, slot)
  if (place < 0) return lateFailedPoll(page, worker, slot, poll)
  const packed = open.poll[place] as number
  if (packed !== 0) {
    const known = { tMs: pollTimeMs(slot, packed), isShadow: isShadowPoll(packed) }
    const outcome = outcomeBeside(known, poll)
    if (outcome !== 'counted') return outcome
  }
  open.poll[place] = packedPoll(poll, slot)
  return 'counted'
}

function refusalOf({ nowMs }: Page, tMs: number): Outcome | null {
  if (tMs > nowMs + AHEAD_MS_MAX) return 'refused'
  return tMs < nowMs - LATE_MS_MAX ? 'quarantined' : null
}

interface Seen {
  readonly tMs: number
  readonly isShadow: boolean
}

/**
 * Of one open slot's readings, and of its failed polls, one counts: the holder's before a shadow's, then the newest. A time
 * that is there changes nothing, whoever sends it: a copy may come from a node that holds the lease by now.
 */
function outcomeBeside(known: Seen, other: Seen): Outcome {
  if (known.tMs === other.tMs) return 'repeat'
  if (known.isShadow && !other.isShadow) return 'counted'
  return known.isShadow === other.isShadow && other.tMs > known.tMs ? 'counted' : 'covered'
}

/**
 * The place of an open slot, a new one if nothing was known of it; -1 where the slot has settled. A worker that has too
 * many open slots settles its oldest for it.
 */
function openPlace(page: Page, worker: number, slot: number): number {
  while (slot >= (page.workers.open[worker] as number)) {
    const known = openSlotAt(page, worker, slot)
    if (known >= 0) return known
    const free = freePlace(page, worker)
    if (free >= 0) {
      page.open.slot[free] = slot
      return free
    }
    settleSlot(page, worker)
    page.settledEarly++
  }
  return -1
}
