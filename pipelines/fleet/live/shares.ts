import { newSlots, SHARE_SLOT_MS, SHARE_SLOTS, UNKNOWN, valueAt } from './memory.ts'
import type { LiveMemory } from './memory.ts'
import type { LiveSample } from './sample.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

/** What a pool took and refused of a worker in the last 30 minutes. */
export interface Work {
  readonly accepted: number
  readonly refused: number
  /** The accepted shares of which the difficulty, and the rate that was reported meanwhile, are known as well. */
  readonly judged: number
  readonly difficulty: number
  readonly reportedHashes: number
}

/** Hashes that a share of difficulty 1 stands for, where the pools of an algorithm count as those of SHA-256 do. */
export const HASHES_PER_DIFFICULTY = 2 ** 32

const WRAP = 2 ** 32

/**
 * Takes the counters of a current sample. `stepMs`: the time since the sample before, 0 if that was too long ago to say
 * what the machine did meanwhile; `rateHs`: its reported rate, null if not known. A restart judges nothing: its interval
 * is dropped, and counting begins again with the new counters.
 */
export function addShares(
  memory: LiveMemory,
  i: number,
  sample: LiveSample,
  step: { readonly ms: number; readonly rateHs: number | null; readonly isRestart: boolean },
): void {
  const { live } = memory
  turn(memory, i, sample.tMs)
  const reported = valueAt(live.reportedHashes, i)
  const isStepKnown = reported !== UNKNOWN && step.ms > 0 && step.rateHs !== null
  live.reportedHashes[i] = isStepKnown ? reported + ((step.rateHs ?? 0) * step.ms) / SECOND_MS : UNKNOWN
  const accepted = sample.sharesAccepted
  if (accepted === null) return
  const refused = (sample.sharesRejected ?? 0) + (sample.sharesStale ?? 0)
  const difficulty = sample.difficultyAccepted ?? UNKNOWN
  if (!step.isRestart && valueAt(live.accepted, i) !== UNKNOWN) {
    addInterval(memory, i, sample.tMs, { accepted, refused, difficulty })
  }
  live.accepted[i] = accepted
  live.refused[i] = refused
  live.difficulty[i] = difficulty
  live.reportedHashes[i] = 0
}

/** Adds what came between the counters that are kept and these, where it can be told. */
function addInterval(
  { live, shares }: LiveMemory,
  i: number,
  tMs: number,
  now: { readonly accepted: number; readonly refused: number; readonly difficulty: number },
): void {
  const accepted = grown(valueAt(live.accepted, i), now.accepted)
  const refused = grown(valueAt(live.refused, i), now.refused)
  if (accepted === null || refused === null) return
  const place = i * SHARE_SLOTS + (Math.floor(tMs / SHARE_SLOT_MS) % SHARE_SLOTS)
  shares.accepted[place] = valueAt(shares.accepted, place) + accepted
  shares.refused[place] = valueAt(shares.refused, place) + refused
  const before = valueAt(live.difficulty, i)
  const reported = valueAt(live.reportedHashes, i)
  if (before === UNKNOWN || now.difficulty < before || reported === UNKNOWN) return
  shares.judged[place] = valueAt(shares.judged, place) + accepted
  shares.difficulty[place] = valueAt(shares.difficulty, place) + now.difficulty - before
  shares.reportedHashes[place] = valueAt(shares.reportedHashes, place) + reported
}

/** By how much a counter grew: a fall from the upper half of 32 bits is a wrap, any other cannot be told. */
function grown(before: number, now: number): number | null {
  if (now >= before) return now - before
  return before >= WRAP / 2 && before < WRAP ? now + WRAP - before : null
}

function turn({ live, shares }: LiveMemory, i: number, tMs: number): void {
  const slot = Math.floor(tMs / SHARE_SLOT_MS)
  for (let age = newSlots(valueAt(live.shareSlot, i), slot, SHARE_SLOTS) - 1; age >= 0; age--) {
    const place = i * SHARE_SLOTS + ((slot - age) % SHARE_SLOTS)
    for (const column of Object.values(shares)) column[place] = 0
  }
  live.shareSlot[i] = slot
}

/** The sums of the last 30 minutes. */
export function workOf({ shares }: LiveMemory, i: number): Work {
  const work = { accepted: 0, refused: 0, judged: 0, difficulty: 0, reportedHashes: 0 }
  for (let place = i * SHARE_SLOTS; place < (i + 1) * SHARE_SLOTS; place++) {
    work.accepted += valueAt(shares.accepted, place)
    work.refused += valueAt(shares.refused, place)
    work.judged += valueAt(shares.judged, place)
    work.difficulty += valueAt(shares.difficulty, place)
    work.reportedHashes += valueAt(shares.reportedHashes, place)
  }
  return work
}

/**
 * delivered30 as percent of what the machine reported in the same time, or null where it cannot be told. A share's
 * difficulty stands for 2^32 × `shareMultiplier` hashes; null: the algorithm's pools agree on no factor.
 */
export function deliveredPct(work: Work, shareMultiplier: number | null): number | null {
  if (shareMultiplier === null || work.judged === 0 || work.reportedHashes === 0) return null
  return (work.difficulty * HASHES_PER_DIFFICULTY * shareMultiplier * 100) / work.reportedHashes
}
