import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pageWith, RETIRED_MS, run, total } from '../../../test/support/fleet/account/run.ts'
import type { Step } from '../../../test/support/fleet/account/run.ts'
import { BEGIN_MS, failed, seen } from '../../../test/support/fleet/account/steps.ts'
import { CELL_MS, LATE_MS_MAX } from './slot.ts'

// Where the counters of readings count, and that they count once.

describe('counters', () => {
  const shares = (afterS: number, accepted: number, logS = afterS): Step =>
    seen(
      afterS,
      { counters: { uptimeS: 50_000 + afterS, accepted, difficultyAccepted: accepted * 1_000 } },
      logS,
    )
  const cellsOf = (steps: readonly Step[]): [number, number, number][] => {
    const { cells } = run(pageWith(BEGIN_MS, 30), steps, RETIRED_MS + LATE_MS_MAX)
    const rows = Map.groupBy(cells, ({ cellMs }) => (cellMs - BEGIN_MS) / CELL_MS)
    return [...rows]
      .map(([cell, those]): [number, number, number] => [
        cell,
        total(those, ({ shares }) => shares.accepted),
        total(those, ({ shares }) => shares.acceptedAcrossGap),
      ])
      .filter(([, accepted]) => accepted > 0)
      .toSorted(([one], [other]) => one - other)
  }

  test('deltas follow the time of observation while slots are open', () => {
    assert.deepEqual(cellsOf([shares(0, 4), shares(60, 13, 62), shares(30, 8, 63)]), [[0, 9, 0]])
  })

  test('what was counted across a gap stands at its right edge', () => {
    assert.deepEqual(cellsOf([shares(0, 4), shares(1_510, 404)]), [[5, 400, 400]])
  })

  test('late readings take their part of it, and the total stays', () => {
    const edges = [shares(0, 4), shares(1_510, 404)]
    assert.deepEqual(cellsOf([...edges, shares(610, 104, 1_900)]), [
      [2, 100, 0],
      [5, 300, 300],
    ])
    // The first was closer to the right edge; what comes into the hole before it was counted with it.
    assert.deepEqual(cellsOf([...edges, shares(610, 104, 1_900), shares(310, 54, 1_901)]), [
      [2, 100, 0],
      [5, 300, 300],
    ])
  })

  test('what waits is counted when a late failed poll fills the last slot of a hole', () => {
    const edges = [shares(0, 4), shares(1_510, 404)]
    assert.deepEqual(cellsOf([...edges, failed(1_480, {}, 1_900)]), [[5, 400, 400]])
  })

  test('a counter that the right edge does not tell is left to the next one that does', () => {
    const late = shares(610, 104, 1_900)
    const pending = [shares(0, 4), seen(1_510), shares(1_540, 404)]
    assert.deepEqual(cellsOf([...pending, late]), cellsOf(pending))
    const counted = [shares(0, 4), failed(1_450), seen(1_510), shares(1_540, 404)]
    assert.deepEqual(cellsOf([...counted, late]), cellsOf(counted))
    assert.deepEqual(cellsOf(counted), [[5, 400, 0]])
  })

  test('a late reading without counters leaves the last ones that were told', () => {
    assert.deepEqual(cellsOf([shares(0, 4), seen(600, {}, 1_200), shares(1_210, 30)]), [[4, 26, 26]])
    const failing = Array.from({ length: 20 }, (_, nth) => failed(630 + nth * 30))
    const late = [shares(0, 4), ...failing, seen(600, {}, 1_205), shares(1_230, 30)]
    assert.deepEqual(cellsOf(late), [[4, 26, 26]])
  })

  test('a late reading shows what a restart had hidden', () => {
    const restarted = seen(1_510, { counters: { uptimeS: 100, accepted: 20 } })
    assert.deepEqual(cellsOf([shares(0, 4), restarted]), [[5, 20, 20]])
    assert.deepEqual(cellsOf([shares(0, 4), restarted, shares(610, 104, 1_900)]), [
      [2, 100, 0],
      [5, 20, 20],
    ])
  })
})
