import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { WorkSeconds } from '../../../../pipelines/clickhouse/queries/fleet-sums.ts'
import { uptimeOf } from './uptime.ts'

const CELL_S = 300

const cell = (over: Partial<WorkSeconds> = {}): WorkSeconds => ({
  commissionedS: CELL_S,
  hashingS: 0,
  idleS: 0,
  restingS: 0,
  unreachableS: 0,
  unheardS: 0,
  unreadableS: 0,
  ...over,
})

/** A cell cut at six places: the parts are its classes, the last one is what nobody knows. */
const anyCell = fc
  .record({
    commissionedS: fc.integer({ min: 0, max: CELL_S }),
    cuts: fc.array(fc.integer({ min: 0, max: CELL_S }), { minLength: 6, maxLength: 6 }),
  })
  .map(({ commissionedS, cuts }) => {
    const at = cuts.map((cut) => Math.min(cut, commissionedS)).toSorted((left, right) => left - right)
    const length = (index: number): number => (at[index] ?? 0) - (at[index - 1] ?? 0)
    return cell({
      commissionedS,
      hashingS: length(0),
      idleS: length(1),
      restingS: length(2),
      unreachableS: length(3),
      unheardS: length(4),
      unreadableS: length(5),
    })
  })

describe('uptime', () => {
  it('is nothing where nothing is known', () => {
    assert.deepEqual(uptimeOf([cell()]), {
      hashing: null,
      reachability: null,
      coverage: 0,
      isProvisional: true,
    })
    assert.equal(uptimeOf([]).coverage, null)
  })

  it('does not count what could not be read, nor what nobody knows', () => {
    const { hashing, reachability, coverage } = uptimeOf([
      cell({ hashingS: 120, idleS: 60, unreachableS: 30, unreadableS: 60 }),
    ])
    assert.equal(hashing, 120 / 210)
    assert.equal(reachability, 180 / 270)
    assert.equal(coverage, 270 / 300)
  })

  it('is provisional below nine tenths', () => {
    assert.equal(uptimeOf([cell({ hashingS: 269 })]).isProvisional, true)
    assert.equal(uptimeOf([cell({ hashingS: 270 })]).isProvisional, false)
  })

  it('is between 0 and 1, and the same for any order of cells', () => {
    fc.assert(
      fc.property(fc.array(anyCell, { maxLength: 12 }), (cells) => {
        const uptime = uptimeOf(cells)
        assert.deepEqual(uptimeOf(cells.toReversed()), uptime)
        for (const figure of [uptime.hashing, uptime.reachability, uptime.coverage]) {
          if (figure !== null) assert.ok(figure >= 0 && figure <= 1)
        }
      }),
    )
  })
})
