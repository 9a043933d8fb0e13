import { countBetween, countFound, inherit, noDeltas, onlyTold } from './counters.ts'
import type { CounterDeltas } from './counters.ts'
import { bookPending, endAt, recount } from './holes.ts'
import type { Outcome } from './outcome.ts'
import type { Page } from './page.ts'
import { rememberSlot, wasBridged } from './page-state.ts'
import { pollTimeMs } from './poll.ts'
import type { Reading } from './reading.ts'
import { copyReading, hasReading, reachOf, timeOf, writeReading } from './reading-columns.ts'
import type { Readings } from './reading-columns.ts'

/** Rows of `page.found`: the late reading as it came, and with the counters that it inherits from the one before it. */
const AS_IT_CAME = 0
const COMPLETED = 1

/**
 * A reading of a slot that has settled. With none: it splits the hole; its slot is added, and what is bridged to it. What
 * it reaches or bridges itself is added later, since the next reading of a replay comes first: when that one comes, or
 * with the next full minute where the right edge is near, or when the hole is closed. Otherwise its slot is taken; where
 * its interval reaches into a hole, or into what is still open, it becomes the newest reading before that.
 */
export function lateReading(page: Page, worker: number, slot: number, reading: Reading): Outcome {
  const { found, holes } = page
  writeReading(found, AS_IT_CAME, slot, reading)
  const hole = holes.at(worker, slot)
  if (hole >= 0) {
    if (reading.isShadow) return 'shadow'
    insert(page, worker, hole, slot)
    return 'late'
  }
  if (isEdgeTime(page, worker, reading.tMs)) return 'repeat'
  if (!reading.isShadow && reachesOn(page, worker, slot)) return 'late'
  return wasBridged(page, worker, slot) ? 'bridged_over' : 'covered'
}

/** Whether a time is that of a reading that is known. */
function isEdgeTime({ edges, holes }: Page, worker: number, tMs: number): boolean {
  if (timeOf(edges, worker) === tMs) return true
  const of = holes.of(worker)
  return of.some((hole) => timeOf(holes.left, hole) === tMs || timeOf(holes.right, hole) === tMs)
}

function insert(page: Page, worker: number, hole: number, slot: number): void {
  const { booking, found, holes } = page
  complete(found, holes.left, hole)
  const deltas = foundInHole(page, worker, hole)
  if (booking.aim(page, worker, slot)) {
    if (holes.columns.isBefore[hole] === 1) booking.commissioned()
    booking.reading(found, AS_IT_CAME, false)
    booking.counters(deltas, false)
  }
  rememberSlot(page, worker, slot, false)
  holes.cutOff(hole, slot)
  holes.columns.from[hole] = slot + 1
  if (holes.isClosed(hole)) {
    copyReading(found, COMPLETED, holes.left, hole)
    bookPending(page, hole)
  }
  becomeEdge(page, worker, slot)
}

/** Whether a late reading whose own slot is taken is the newest one before a hole, or before what is open. */
function reachesOn(page: Page, worker: number, slot: number): boolean {
  const { booking, edges, found, holes, workers } = page
  const reach = reachOf(found, AS_IT_CAME)
  const tMs = timeOf(found, AS_IT_CAME)
  const { from } = holes.columns
  const reached = holes.of(worker).find((hole) => {
    const begins = from[hole] as number
    return begins > slot && begins < reach && timeOf(holes.left, hole) < tMs
  })
  const isNewest = tMs > timeOf(edges, worker) && reach > (workers.open[worker] as number)
  if (reached === undefined && !isNewest) return false
  if (reached === undefined) complete(found, edges, worker)
  else complete(found, holes.left, reached)
  const deltas =
    reached === undefined
      ? countBetween(edges, worker, found, AS_IT_CAME, noDeltas())
      : foundInHole(page, worker, reached)
  if (booking.aim(page, worker, slot)) booking.counters(deltas, false)
  becomeEdge(page, worker, slot)
  return true
}

/** Makes the completed form of the late reading, from the reading before it. */
function complete(found: Readings, before: Readings, row: number): void {
  copyReading(found, AS_IT_CAME, found, COMPLETED)
  inherit(before, row, found, COMPLETED)
}

/**
 * What the late reading adds to the counters: what was counted since the left edge, as long as nothing was counted across
 * the hole; after that, what was not seen then. A counter that the right edge does not tell is left to the readings behind
 * it, which count from before the hole.
 */
function foundInHole({ found, holes }: Page, worker: number, hole: number): CounterDeltas {
  const { left, right, columns } = holes
  const first = countBetween(left, hole, found, AS_IT_CAME, noDeltas())
  if (!hasReading(right, hole)) return first
  const isPending = holes
    .of(worker)
    .some(
      (other) =>
        columns.isPending[other] === 1 &&
        timeOf(left, other) === timeOf(left, hole) &&
        timeOf(right, other) === timeOf(right, hole),
    )
  if (isPending) return onlyTold(first, right, hole)
  const second = countBetween(found, COMPLETED, right, hole, noDeltas())
  const all = countBetween(left, hole, right, hole, noDeltas())
  return onlyTold(countFound(all, [first, second]), right, hole)
}

/** The late reading is now the nearest one for the holes beside it, and the newest if none is newer. */
function becomeEdge(page: Page, worker: number, slot: number): void {
  const { edges, found, holes, workers } = page
  const tMs = timeOf(found, AS_IT_CAME)
  for (const hole of holes.of(worker)) {
    const { left, right, columns } = holes
    if ((columns.from[hole] as number) > slot) {
      if (timeOf(left, hole) >= tMs) continue
      copyReading(found, COMPLETED, left, hole)
      const polledMs = pollTimeMs(columns.pollSlot[hole] as number, columns.poll[hole] as number)
      if (polledMs < tMs) columns.poll[hole] = 0
    } else if (!hasReading(right, hole) || timeOf(right, hole) > tMs) endAt(page, hole, found, AS_IT_CAME)
  }
  recount(page, worker)
  if (timeOf(edges, worker) >= tMs) return
  copyReading(found, COMPLETED, edges, worker)
  const polledMs = pollTimeMs(workers.pollSlot[worker] as number, workers.poll[worker] as number)
  if (polledMs < tMs) workers.poll[worker] = 0
}
