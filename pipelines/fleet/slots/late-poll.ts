import { bookPending, fillReach, markSlot, recount } from './holes.ts'
import type { Outcome } from './outcome.ts'
import type { Page } from './page.ts'
import { rememberSlot, wasBridged } from './page-state.ts'
import { packedPoll, pollReach, pollTimeMs } from './poll.ts'
import type { FailedPoll } from './reading.ts'
import { reachOf, timeOf } from './reading-columns.ts'

/**
 * A failed poll of a slot that has settled. With none: it splits the hole, and its slot is added; what its interval covers
 * besides is added when something is known behind it. Otherwise its slot is taken, and it may reach into the hole behind.
 */
export function lateFailedPoll(page: Page, worker: number, slot: number, poll: FailedPoll): Outcome {
  const { holes } = page
  const packed = packedPoll(poll, slot)
  const hole = holes.at(worker, slot)
  if (hole >= 0 && poll.isShadow) return 'shadow'
  const isFilled = hole >= 0 && slot >= reachOf(holes.left, hole)
  if (isFilled) insert(page, hole, slot, poll.seconds)
  else if (isKnownTime(page, worker, poll.tMs)) return 'repeat'
  const reaches = !poll.isShadow && reachOn(page, worker, slot, packed)
  if (isFilled) recount(page, worker)
  if (isFilled || reaches) return 'late'
  return wasBridged(page, worker, slot) ? 'bridged_over' : 'covered'
}

function isKnownTime({ holes, workers }: Page, worker: number, tMs: number): boolean {
  const { poll, pollSlot } = holes.columns
  if (pollTimeMs(workers.pollSlot[worker] as number, workers.poll[worker] as number) === tMs) return true
  return holes.of(worker).some((hole) => pollTimeMs(pollSlot[hole] as number, poll[hole] as number) === tMs)
}

function insert(page: Page, hole: number, slot: number, seconds: FailedPoll['seconds']): void {
  const { holes } = page
  fillReach(page, hole, slot)
  markSlot(page, hole, slot, seconds)
  rememberSlot(page, holes.columns.worker[hole] as number, slot, false)
  holes.cutOff(hole, slot)
  holes.columns.from[hole] = slot + 1
  if (holes.isClosed(hole)) bookPending(page, hole)
}

/** Whether it becomes the newest failed poll before what is open, or before a hole: it must reach into that. */
function reachOn(page: Page, worker: number, slot: number, packed: number): boolean {
  const { edges, holes, workers } = page
  const { from, to, poll, pollSlot } = holes.columns
  const tMs = pollTimeMs(slot, packed)
  const reach = pollReach(slot, packed)
  const knownMs = pollTimeMs(workers.pollSlot[worker] as number, workers.poll[worker] as number)
  let reaches = reach > (workers.open[worker] as number) && tMs > timeOf(edges, worker) && tMs > knownMs
  if (reaches) {
    workers.pollSlot[worker] = slot
    workers.poll[worker] = packed
  }
  for (const hole of holes.of(worker)) {
    const holeKnownMs = pollTimeMs(pollSlot[hole] as number, poll[hole] as number)
    const isBehind = (from[hole] as number) > slot || slot < reachOf(holes.left, hole)
    const isNear = (from[hole] as number) < reach && (to[hole] as number) > slot
    if (!isBehind || !isNear || tMs <= holeKnownMs || tMs <= timeOf(holes.left, hole)) continue
    pollSlot[hole] = slot
    poll[hole] = packed
    reaches = true
  }
  return reaches
}
