import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthy } from '../../../test/support/fleet/live/worker.ts'
import { LIVE_PARTS, memoryOf, UNKNOWN } from './memory.ts'
import type { LiveMemory } from './memory.ts'
import { addShares, deliveredPct, HASHES_PER_DIFFICULTY, workOf } from './shares.ts'

function fresh(): LiveMemory {
  const memory = memoryOf(LIVE_PARTS)
  memory.live.accepted[0] = UNKNOWN
  memory.live.reportedHashes[0] = UNKNOWN
  return memory
}

/** One sample 30 s after the one before. Null: the pools did not answer. */
function add(
  memory: LiveMemory,
  atS: number,
  counters: { readonly accepted: number; readonly refused?: number; readonly difficulty?: number } | null,
  but: { readonly isRestart?: boolean; readonly ms?: number; readonly rateHs?: number | null } = {},
): void {
  const sample = {
    ...healthy(atS),
    sharesAccepted: counters?.accepted ?? null,
    sharesRejected: counters === null ? null : (counters.refused ?? 0),
    difficultyAccepted: counters?.difficulty ?? null,
  }
  addShares(memory, 0, sample, { ms: 30_000, rateHs: 1_000, isRestart: false, ...but })
}

test('the first counters begin, the next ones count; what was not answered is counted with the next answer', () => {
  const memory = fresh()
  add(memory, 0, { accepted: 500, refused: 5, difficulty: 10 })
  assert.deepEqual(workOf(memory, 0), {
    accepted: 0,
    refused: 0,
    judged: 0,
    difficulty: 0,
    reportedHashes: 0,
  })
  add(memory, 30, { accepted: 504, refused: 6, difficulty: 14 })
  add(memory, 60, null)
  add(memory, 90, { accepted: 512, refused: 6, difficulty: 22 })
  assert.deepEqual(workOf(memory, 0), {
    accepted: 12,
    refused: 1,
    judged: 12,
    difficulty: 12,
    reportedHashes: 90_000,
  })
})

test('a wrap of 32 bits is growth; any other fall, and a restart, begin anew and judge nothing', () => {
  const memory = fresh()
  add(memory, 0, { accepted: 2 ** 32 - 6, difficulty: 100 })
  add(memory, 30, { accepted: 5, difficulty: 111 })
  assert.equal(workOf(memory, 0).accepted, 11)
  add(memory, 60, { accepted: 3, difficulty: 120 })
  assert.equal(workOf(memory, 0).accepted, 11)
  add(memory, 90, { accepted: 10, difficulty: 4 }, { isRestart: true })
  assert.equal(workOf(memory, 0).accepted, 11)
  add(memory, 120, { accepted: 12, difficulty: 6 })
  assert.deepEqual([workOf(memory, 0).accepted, workOf(memory, 0).difficulty], [13, 13])
})

test('over a gap, or without a rate, shares count, but not what was delivered', () => {
  const memory = fresh()
  add(memory, 0, { accepted: 100, difficulty: 100 })
  add(memory, 300, { accepted: 140, difficulty: 140 }, { ms: 0 })
  add(memory, 330, { accepted: 144, difficulty: 144 }, { rateHs: null })
  add(memory, 360, { accepted: 148, difficulty: 148 })
  assert.deepEqual(workOf(memory, 0), {
    accepted: 48,
    refused: 0,
    judged: 4,
    difficulty: 4,
    reportedHashes: 30_000,
  })
})

test('what is older than half an hour is gone, and within twenty minutes nothing is', () => {
  const memory = fresh()
  add(memory, 0, { accepted: 0, difficulty: 0 })
  add(memory, 30, { accepted: 8, difficulty: 8 })
  for (let atS = 60; atS < 20 * 60; atS += 30) add(memory, atS, { accepted: 8, difficulty: 8 })
  assert.equal(workOf(memory, 0).accepted, 8)
  for (let atS = 20 * 60; atS <= 31 * 60; atS += 30) add(memory, atS, { accepted: 8, difficulty: 8 })
  assert.equal(workOf(memory, 0).accepted, 0)
})

test('delivered is a part of what was reported, and nothing without a factor', () => {
  const work = {
    accepted: 9,
    refused: 0,
    judged: 9,
    difficulty: 3,
    reportedHashes: 4 * HASHES_PER_DIFFICULTY,
  }
  assert.equal(deliveredPct(work, 1), 75)
  assert.equal(deliveredPct(work, 2), 150)
  assert.equal(deliveredPct(work, null), null)
  assert.equal(deliveredPct({ ...work, judged: 0 }, 1), null)
})
