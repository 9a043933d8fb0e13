import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { columnsOf } from '../pages/layout.ts'
import { countBetween, deltaOf, inherit, noDeltas, passageOf } from './counters.ts'
import type { Passage } from './counters.ts'
import { reading } from '../../../test/support/fleet/account/readings.ts'
import type { Counters } from './reading.ts'
import { READING, writeReading } from './reading-columns.ts'
import { slotOf } from './slot.ts'

const START_MS = Date.UTC(2026, 6, 3, 4, 5)

test('a restart is a start of the process more than 30 s after the one before', () => {
  assert.equal(passageOf(5_000, 5_030), 'ran')
  assert.equal(passageOf(5_000, 5_031), 'restarted')
  assert.equal(passageOf(5_000, 4_000), 'ran')
  assert.equal(passageOf(null, 5_000), 'unknown')
  assert.equal(passageOf(5_000, null), 'unknown')
})

test('a counter that fell was restarted, or went round its 32 bits, or nobody knows', () => {
  const top = 2 ** 32
  const cases: readonly (readonly [number, number, Passage, boolean, number | null])[] = [
    [40, 47, 'ran', true, 7],
    [40, 47, 'unknown', true, 7],
    [40, 40, 'ran', true, 0],
    [40, 47, 'restarted', true, 47],
    [40, 3, 'restarted', true, 3],
    [top - 6, 5, 'ran', true, 11],
    [2 ** 31 + 1, 0, 'ran', true, 2 ** 31 - 1],
    [2 ** 31, 0, 'ran', true, null],
    [top - 6, 5, 'unknown', true, null],
    [top - 6, 5, 'ran', false, null],
    // The counter of an energy meter: it does not restart with the machine, and is not one of 32 bits.
    [880_160, 12, 'ran', false, null],
  ]
  for (const [before, after, passage, isOf32Bits, delta] of cases) {
    assert.equal(deltaOf(before, after, passage, isOf32Bits), delta, `${before} to ${after}, ${passage}`)
  }
})

/** Readings of one machine, with what each adds to the one before it. */
function deltasOf(sent: readonly (Partial<Counters> & { readonly atS: number })[]): unknown[] {
  const rows = columnsOf(READING, sent.length + 1)
  return sent.map(({ atS, ...counters }, nth) => {
    const tMs = START_MS + atS * 1_000
    writeReading(rows, nth + 1, slotOf(tMs), reading(tMs, { counters }))
    const deltas = countBetween(rows, nth, rows, nth + 1, noDeltas())
    inherit(rows, nth, rows, nth + 1)
    return [deltas.accepted, deltas.difficulty, deltas.restarts, deltas.unknown]
  })
}

test('a wrap, an answer without counters, a restart, and a reboot behind which the counter is higher', () => {
  const top = 2 ** 32
  assert.deepEqual(
    deltasOf([
      { atS: 0, uptimeS: 70_000, accepted: top - 20, difficultyAccepted: 500_000 },
      { atS: 30, uptimeS: 70_030, accepted: top - 13, difficultyAccepted: 507_000 },
      { atS: 60, uptimeS: 70_060, accepted: 2, difficultyAccepted: 522_000 },
      { atS: 90, uptimeS: 70_090 },
      { atS: 120, uptimeS: 70_120, accepted: 13, difficultyAccepted: 533_000 },
      { atS: 150, uptimeS: 9, accepted: 1, difficultyAccepted: 1_000 },
      { atS: 210, uptimeS: 69, accepted: 6, difficultyAccepted: 6_000 },
      { atS: 4_210, uptimeS: 2_000, accepted: 300, difficultyAccepted: 300_000 },
    ]),
    [
      [0, 0, 0, 0],
      [7, 7_000, 0, 0],
      [15, 15_000, 0, 0],
      [0, 0, 0, 0],
      [11, 11_000, 0, 0],
      [1, 1_000, 1, 0],
      [5, 5_000, 0, 0],
      [300, 300_000, 1, 0],
    ],
  )
})

test('a restart that is seen in an answer without counters counts for the next one', () => {
  assert.deepEqual(
    deltasOf([
      { atS: 0, uptimeS: 900, accepted: 50 },
      { atS: 30, uptimeS: 10 },
      { atS: 60, uptimeS: 40, accepted: 60 },
    ]),
    [
      [0, 0, 0, 0],
      [0, 0, 1, 0],
      [60, 0, 0, 0],
    ],
  )
})

test('a fall without an uptime is unknown, and the next delta counts from there', () => {
  assert.deepEqual(
    deltasOf([
      { atS: 0, accepted: 50, difficultyAccepted: 9 },
      { atS: 30, accepted: 20, difficultyAccepted: 10 },
      { atS: 60, accepted: 23, difficultyAccepted: 12 },
    ]),
    [
      [0, 0, 0, 0],
      [0, 1, 0, 1],
      [3, 2, 0, 0],
    ],
  )
})

test('values that cannot be a counter’s are not told', () => {
  const wrong = [-1, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY]
  for (const accepted of wrong) {
    const deltas = deltasOf([
      { atS: 0, uptimeS: 60, accepted: 5 },
      { atS: 30, uptimeS: 90, accepted },
      { atS: 60, uptimeS: 120, accepted: 8 },
    ])
    assert.deepEqual(deltas.at(-1), [3, 0, 0, 0], String(accepted))
  }
})

test('a reading between two others never makes what was counted between them less', () => {
  const value = fc.oneof(fc.nat(2 ** 32 - 1), fc.nat(200))
  const passage = fc.constantFrom<Passage>('ran', 'restarted', 'unknown')
  fc.assert(
    fc.property(
      value,
      value,
      value,
      passage,
      passage,
      fc.boolean(),
      (before, found, after, first, second, is32) => {
        const all =
          first === 'restarted' || second === 'restarted'
            ? 'restarted'
            : first === 'ran' && second === 'ran'
              ? 'ran'
              : 'unknown'
        const sum = (deltaOf(before, found, first, is32) ?? 0) + (deltaOf(found, after, second, is32) ?? 0)
        // After a restart in the first half a counter cannot be lower at the end than in the middle.
        fc.pre(first !== 'restarted' || second === 'restarted' || after >= found)
        assert.ok(sum >= (deltaOf(before, after, all, is32) ?? 0))
      },
    ),
    { seed: 20_260_703, numRuns: 2_000 },
  )
})
