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
  if (hole >= 0 && slot >= reachOf(holes.left, hole)) {
    insert(page, hole, slot, packed, poll.seconds)
    becomeNewest(page, worker, slot, packed)
    recount(page, worker)
    return 'late'
  }
  if (isKnownTime(page, worker, poll.tMs)) return 'repeat'
  if (!poll.isShadow) {
    const isNewest = becomeNewest(page, worker, slot, packed)
    if (reachHole(page, worker, slot, packed) || isNewest) return 'late'
  }
  return wasBridged(page, worker, slot) ? 'bridged_over' : 'covered'
}

function isKnownTime({ holes, workers }: Page, worker: number, tMs: number): boolean {
  const { poll, pollSlot } = holes.columns
  if (pollTimeMs(workers.pollSlot[worker] as number, workers.poll[worker] as number) === tMs) return true
  return holes
    .of(worker)
    .some((hole) => pollTimeMs(pollSlot[hole] as number, poll[hole] as number) === tMs)
}

function insert(
  page: Page,
  hole: number,
  slot: number,
  packed: number,
  seconds: FailedPoll['seconds'],
): void {
  const { holes } = page
  fillReach(page, hole, slot)
  markSlot(page, hole, slot, seconds)
  rememberSlot(page, holes.columns.worker[hole] as number, slot, false)
  const from = holes.columns.from[hole] as number
  if (from < slot) holes.columns.isPending[holes.addLike(hole, from, slot)] = 0
  holes.columns.from[hole] = slot + 1
  holes.columns.pollSlot[hole] = slot
  holes.columns.poll[hole] = packed
  if (holes.isClosed(hole)) bookPending(page, hole)
}

/** Whether it is newer than all that has settled, and reaches into what is open. */
function becomeNewest({ edges, workers }: Page, worker: number, slot: number, packed: number): boolean {
  const tMs = pollTimeMs(slot, packed)
  if (pollReach(slot, packed) <= (workers.open[worker] as number)) return false
  if (tMs <= timeOf(edges, worker)) return false
  const knownMs = pollTimeMs(workers.pollSlot[worker] as number, workers.poll[worker] as number)
  if (tMs <= knownMs) return false
  workers.pollSlot[worker] = slot
  workers.poll[worker] = packed
  return true
}

/** Whether it reaches into a hole, past the reading and the failed poll that were the nearest before it. */
function reachHole({ holes }: Page, worker: number, slot: number, packed: number): boolean {
  const { from, to, poll, pollSlot } = holes.columns
  const tMs = pollTimeMs(slot, packed)
  const reach = pollReach(slot, packed)
  const reached = holes.of(worker).find((hole) => {
    const knownMs = pollTimeMs(pollSlot[hole] as number, poll[hole] as number)
    const isBefore = (from[hole] as number) > slot || slot < reachOf(holes.left, hole)
    const isNear = (from[hole] as number) < reach && (to[hole] as number) > slot
    return isBefore && isNear && tMs > knownMs && tMs > timeOf(holes.left, hole)
  })
  if (reached === undefined) return false
  pollSlot[reached] = slot
  poll[reached] = packed
  return true
}
