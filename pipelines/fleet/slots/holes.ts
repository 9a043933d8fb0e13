import { countBetween, noDeltas } from './counters.ts'
import type { Page } from './page.ts'
import { rememberSlot } from './page-state.ts'
import { pollReach, secondsOfPoll } from './poll.ts'
import { copyReading, hasReading, isBridge, reachOf } from './reading-columns.ts'
import type { Readings } from './reading-columns.ts'
import { LATE_MS_MAX, SLOT_MS } from './slot.ts'

/** Holes of a worker. One more, and the shortest that has ended is closed for good. */
export const HOLES_MAX = 16

/**
 * A slot settles with none: the hole that ends there becomes longer, or a new one begins. What the readings and failed
 * polls before it reach has settled already.
 */
export function extendHoles(page: Page, worker: number, slot: number): void {
  const { edges, holes, workers } = page
  const growing = (workers.holes[worker] as number) > 0 ? growingAt(page, worker, slot) : -1
  if (growing >= 0) {
    holes.columns.to[growing] = slot + 1
    return
  }
  const hole = holes.add(worker, slot, slot + 1)
  copyReading(edges, worker, holes.left, hole)
  recount(page, worker)
}

function growingAt({ holes }: Page, worker: number, slot: number): number {
  const { isBefore, to } = holes.columns
  const growing = holes
    .of(worker)
    .find((hole) => to[hole] === slot && isBefore[hole] === 0 && !hasReading(holes.right, hole))
  return growing ?? -1
}

/**
 * The next reading after a hole, or after several, is their right edge. Whether its counters are to wait: it closes a hole
 * that is still open, and a late reading in there may tell where they counted.
 */
export function meetReading(page: Page, worker: number, readings: Readings, row: number): boolean {
  const { holes } = page
  const { isPending, to } = holes.columns
  let waits = false
  for (const hole of holes.of(worker)) {
    if (hasReading(holes.right, hole)) continue
    endAt(page, hole, readings, row)
    if (holes.isClosed(hole) || to[hole] !== readings.slot[row]) continue
    isPending[hole] = 1
    waits = true
  }
  recount(page, worker)
  return waits
}

/** A reading becomes the right edge of a hole: what is before it is filled as far as it can be. */
export function endAt(page: Page, hole: number, readings: Readings, row: number): void {
  const { holes } = page
  copyReading(readings, row, holes.right, hole)
  fillReach(page, hole, holes.columns.to[hole] as number)
  bridge(page, hole)
}

/**
 * Fills the slots before `until` that the left edge or the failed poll behind it cover. They are left open as long as
 * nothing is known to their right, since a late reading in one of them comes first.
 */
export function fillReach(page: Page, hole: number, until: number): void {
  const { left, columns } = page.holes
  const reach = Math.min(until, reachOf(left, hole))
  while ((columns.from[hole] as number) < reach) {
    fillSlot(page, hole, columns.from[hole] as number, false)
    columns.from[hole] = (columns.from[hole] as number) + 1
  }
  const poll = columns.poll[hole] as number
  const polled = Math.min(until, pollReach(columns.pollSlot[hole] as number, poll))
  while ((columns.from[hole] as number) < polled) {
    markSlot(page, hole, columns.from[hole] as number, secondsOfPoll(poll))
    columns.from[hole] = (columns.from[hole] as number) + 1
  }
  if (page.holes.isClosed(hole)) bookPending(page, hole)
}

/** Fills a hole whose edges are close enough, and closes it. */
export function bridge(page: Page, hole: number): void {
  const { holes } = page
  const { left, right, columns } = holes
  if (holes.isClosed(hole) || !hasReading(left, hole) || !hasReading(right, hole)) return
  if (!isBridge(left, hole, right, hole)) return
  const reach = reachOf(left, hole)
  const to = columns.to[hole] as number
  for (let slot = columns.from[hole] as number; slot < to; slot++) fillSlot(page, hole, slot, slot >= reach)
  bookPending(page, hole)
  holes.close(hole)
}

/** A slot of a hole becomes its left edge's. */
export function fillSlot(page: Page, hole: number, slot: number, isBridged: boolean): void {
  const { booking, holes } = page
  const worker = holes.columns.worker[hole] as number
  if (booking.aim(page, worker, slot)) {
    if (holes.columns.isBefore[hole] === 1) booking.commissioned()
    booking.reading(holes.left, hole, isBridged)
  }
  rememberSlot(page, worker, slot, isBridged)
}

/** A slot of a hole becomes time without a reading of which it is known why. */
export function markSlot(
  page: Page,
  hole: number,
  slot: number,
  seconds: 'unreachable' | 'unreadable' | 'unheard',
): void {
  const { booking, holes } = page
  const worker = holes.columns.worker[hole] as number
  if (!booking.aim(page, worker, slot)) return
  if (holes.columns.isBefore[hole] === 1) booking.commissioned()
  booking.without(seconds)
}

/** The deltas across a hole are counted at its right edge, if they waited for it to be closed. */
export function bookPending(page: Page, hole: number): void {
  const { booking, holes } = page
  const { left, right, columns } = holes
  if (columns.isPending[hole] === 0) return
  columns.isPending[hole] = 0
  const deltas = countBetween(left, hole, right, hole, noDeltas())
  const isAcrossGap = hasReading(left, hole) && !isBridge(left, hole, right, hole)
  if (booking.aim(page, columns.worker[hole] as number, right.slot[hole] as number)) {
    booking.counters(deltas, isAcrossGap)
  }
}

/** Nothing that comes later fills the hole. */
function closeForGood(page: Page, hole: number): void {
  const { holes } = page
  bridge(page, hole)
  fillReach(page, hole, holes.columns.to[hole] as number)
  bookPending(page, hole)
  holes.close(hole)
}

/** At full minutes: fills holes between edges that are near by now, and closes what is too old for late data. */
export function scanHoles(page: Page, worker: number): void {
  const { holes, nowMs } = page
  const { from, to } = holes.columns
  const oldest = Math.floor((nowMs - LATE_MS_MAX) / SLOT_MS)
  let isAnyClosed = false
  for (const hole of holes.of(worker)) {
    bridge(page, hole)
    if ((to[hole] as number) <= oldest) closeForGood(page, hole)
    else if ((from[hole] as number) < oldest) {
      fillReach(page, hole, to[hole] as number)
      from[hole] = Math.max(from[hole] as number, oldest)
    }
    if (holes.isClosed(hole)) isAnyClosed = true
  }
  if (isAnyClosed) recount(page, worker)
}

/** Ends a change of holes: takes the closed ones out, and closes the shortest where there are too many. */
export function recount(page: Page, worker: number): void {
  const { holes, workers } = page
  holes.sweep()
  while (holes.of(worker).length > HOLES_MAX) {
    closeForGood(page, shortest(page, worker))
    page.holesGivenUp++
    holes.sweep()
  }
  workers.holes[worker] = holes.of(worker).length
}

/** The shortest hole that has ended, and the oldest of several. The one that still grows may become the longest. */
function shortest({ holes, workers }: Page, worker: number): number {
  const { from, to } = holes.columns
  const open = workers.open[worker] as number
  const ended = holes.of(worker).filter((hole) => (to[hole] as number) < open)
  const byLength = ended.toSorted(
    (one, other) => holes.slots(one) - holes.slots(other) || (from[one] as number) - (from[other] as number),
  )
  return byLength[0] as number
}
