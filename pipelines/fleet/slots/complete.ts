import { bookPending, bridge, fillSlot, markSlot, recount } from './holes.ts'
import type { Page } from './page.ts'
import { pollReach, secondsOfPoll } from './poll.ts'
import { reachOf } from './reading-columns.ts'
import { SLOT_MS } from './slot.ts'

/**
 * The worker's node says that it polled in `[fromMs, toMs)` and holds nothing of that time back any more. Whole slots of
 * it that settled with none, and that no reading or failed poll reaches, become unheard, and that part of the hole closes.
 */
export function completeSpan(page: Page, worker: number, fromMs: number, toMs: number): void {
  const { holes } = page
  const first = Math.ceil(fromMs / SLOT_MS)
  const end = Math.floor(toMs / SLOT_MS)
  for (const hole of holes.of(worker)) {
    // The node was not asked for a worker that nobody knew.
    if (holes.columns.isBefore[hole] === 1) continue
    const from = Math.max(first, holes.columns.from[hole] as number)
    const to = Math.min(end, holes.columns.to[hole] as number)
    if (from >= to) continue
    bridge(page, hole)
    if (holes.isClosed(hole)) continue
    for (let slot = from; slot < to; slot++) hear(page, hole, slot)
    cut(page, hole, from, to)
  }
  recount(page, worker)
}

/** What a slot is of which nothing more will come. */
function hear(page: Page, hole: number, slot: number): void {
  const { left, columns } = page.holes
  const poll = columns.poll[hole] as number
  if (slot < reachOf(left, hole)) fillSlot(page, hole, slot, false)
  else if (slot < pollReach(columns.pollSlot[hole] as number, poll)) {
    markSlot(page, hole, slot, secondsOfPoll(poll))
  } else markSlot(page, hole, slot, 'unheard')
}

/** Takes a part out of a hole. What is left behind it still waits for the right edge, if the hole did. */
function cut(page: Page, hole: number, from: number, to: number): void {
  const { holes } = page
  holes.cutOff(hole, from)
  holes.columns.from[hole] = to
  if (holes.isClosed(hole)) bookPending(page, hole)
}
