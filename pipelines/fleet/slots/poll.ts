import type { FailedPoll } from './reading.ts'
import { reachEnd, SLOT_MS } from './slot.ts'

/**
 * A failed poll in 32 bits, without its slot: time in the slot (15), interval (9), whether the machine answered, whether
 * it is a shadow's, and 1 for being there. 0 is no failed poll.
 */
const INTERVAL_BITS = 9
const INTERVAL_SHIFT = 15
const UNREADABLE = 1 << 24
const SHADOW = 1 << 25
const THERE = 1 << 26
const OFFSET_MASK = (1 << INTERVAL_SHIFT) - 1
const INTERVAL_MASK = (1 << INTERVAL_BITS) - 1

export function packedPoll({ tMs, intervalS, isShadow, seconds }: FailedPoll, slot: number): number {
  return (
    THERE |
    (tMs - slot * SLOT_MS) |
    (intervalS << INTERVAL_SHIFT) |
    (seconds === 'unreadable' ? UNREADABLE : 0) |
    (isShadow ? SHADOW : 0)
  )
}

function pollOffsetMs(poll: number): number {
  return poll & OFFSET_MASK
}

export function isShadowPoll(poll: number): boolean {
  return (poll & SHADOW) !== 0
}

export function secondsOfPoll(poll: number): FailedPoll['seconds'] {
  return (poll & UNREADABLE) === 0 ? 'unreachable' : 'unreadable'
}

export function pollTimeMs(slot: number, poll: number): number {
  return poll === 0 ? 0 : slot * SLOT_MS + pollOffsetMs(poll)
}

/** The first slot that a failed poll does not cover; 0 where there is none. */
export function pollReach(slot: number, poll: number): number {
  if (poll === 0) return 0
  return reachEnd(slot, pollOffsetMs(poll), (poll >>> INTERVAL_SHIFT) & INTERVAL_MASK)
}
