import { countBetween, inherit } from './counters.ts'
import { leaveDueCells } from './leave.ts'
import { freeOpenSlot, nextReading, openSlotAt } from './open-slots.ts'
import type { Page } from './page.ts'
import { delayOf, rememberSlot } from './page-state.ts'
import { isShadowPoll, pollReach, pollTimeMs, secondsOfPoll } from './poll.ts'
import { copyReading, hasReading, isBridge, reachOf, timeOf } from './reading-columns.ts'
import { extendHoles, meetReading } from './holes.ts'
import { SLOT_MS } from './slot.ts'

/** Settles the slots of a worker whose end + D is at or before `nowMs`, and lets its cells leave that are due. */
export function settleTo(page: Page, worker: number, nowMs: number): void {
  const { open } = page.workers
  const due = Math.floor((nowMs - delayOf(page, worker)) / SLOT_MS)
  while ((open[worker] as number) < due) settleSlot(page, worker)
  leaveDueCells(page, worker, nowMs)
}

/**
 * Settles the first open slot of a worker: what it comes to is final. Readings beat bridges, these beat failed polls,
 * these beat none.
 */
export function settleSlot(page: Page, worker: number): void {
  const { booking, edges, workers } = page
  const slot = workers.open[worker] as number
  const passage = passOpenSlot(page, worker, slot)
  const isCommissioned = booking.aim(page, worker, slot)
  const isReached = slot < reachOf(edges, worker)
  const isBridged = !isReached && isBridgedOver(page, worker, slot)
  const poll = workers.poll[worker] as number
  const isPolled = slot < pollReach(workers.pollSlot[worker] as number, poll)
  if (isCommissioned) {
    booking.commissioned()
    if (passage !== 'none' && passage !== 'pending') booking.counters(page.deltas, passage === 'gap')
    if (isReached || isBridged) booking.reading(edges, worker, isBridged)
    else if (isPolled) booking.without(secondsOfPoll(poll))
    else if (page.placement.isComplete(worker, slot, page.nowMs)) booking.without('unheard')
    else extendHoles(page, worker, slot)
  }
  workers.open[worker] = slot + 1
  rememberSlot(page, worker, slot, isBridged)
}

/**
 * What becomes of the counters of the slot that settles: it has no reading that counts; they count; they count as across a
 * gap; or they wait until the hole before them is closed.
 */
type CounterPassage = 'none' | 'near' | 'gap' | 'pending'

/** What is known of the slot becomes the newest reading and the newest failed poll; its place becomes free. */
function passOpenSlot(page: Page, worker: number, slot: number): CounterPassage {
  const place = openSlotAt(page, worker, slot)
  if (place < 0) return 'none'
  const passage = isEdge(page, worker, place) ? passReading(page, worker, place) : 'none'
  passPoll(page, worker, slot, page.open.poll[place] as number)
  freeOpenSlot(page, place)
  return passage
}

/** Whether the reading of an open slot counts: a shadow's does only where the holder's do not reach. */
function isEdge({ edges, open }: Page, worker: number, place: number): boolean {
  if (!hasReading(open, place)) return false
  const isUnderHolder = edges.isShadow[worker] === 0 && (open.slot[place] as number) < reachOf(edges, worker)
  return open.isShadow[place] === 0 || !isUnderHolder
}

/** The deltas of its counters are in `page.deltas` afterwards. */
function passReading(page: Page, worker: number, place: number): CounterPassage {
  const { deltas, edges, open, workers } = page
  countBetween(edges, worker, open, place, deltas)
  const isAcrossGap = hasReading(edges, worker) && !isBridge(edges, worker, open, place)
  const isPending = (workers.holes[worker] as number) > 0 && meetReading(page, worker, open, place)
  inherit(edges, worker, open, place)
  copyReading(open, place, edges, worker)
  const polledMs = pollTimeMs(workers.pollSlot[worker] as number, workers.poll[worker] as number)
  if (polledMs < timeOf(edges, worker)) workers.poll[worker] = 0
  if (isPending) return 'pending'
  return isAcrossGap ? 'gap' : 'near'
}

/** The failed poll of the slot that settles becomes the newest one, unless it is older than the newest reading. */
function passPoll({ edges, workers }: Page, worker: number, slot: number, poll: number): void {
  if (poll === 0) return
  const known = workers.poll[worker] as number
  const isUnderHolder =
    known !== 0 && !isShadowPoll(known) && slot < pollReach(workers.pollSlot[worker] as number, known)
  if (isShadowPoll(poll) && isUnderHolder) return
  if (hasReading(edges, worker) && pollTimeMs(slot, poll) < timeOf(edges, worker)) return
  workers.pollSlot[worker] = slot
  workers.poll[worker] = poll
}

/** Whether the slot lies between the newest settled reading and the next one, and these are close enough. */
function isBridgedOver(page: Page, worker: number, slot: number): boolean {
  const { edges, open } = page
  if (!hasReading(edges, worker)) return false
  const next = nextReading(page, worker, slot)
  return next >= 0 && isBridge(edges, worker, open, next)
}
