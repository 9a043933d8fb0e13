import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { reading } from '../../../test/support/fleet/account/readings.ts'
import { columnsOf } from '../pages/layout.ts'
import { contributionsOf } from './contributions.ts'
import { JOULE_SOURCES } from './reading.ts'
import { READING, writeReading } from './reading-columns.ts'
import { CELL_SLOTS, slotOf } from './slot.ts'
import { addReading, CELL, MINUTE } from './sums.ts'

const T_MS = Date.UTC(2026, 6, 3)
const SETTINGS = { seed: 20_260_706, numRuns: 300 }

const anyReading = fc
  .record({
    rateHs: fc.oneof(fc.nat(1_000), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER)),
    powerW: fc.oneof(fc.nat(4_000), fc.constant(1_000_000)),
    powerSource: fc.constantFrom('miner_psu', 'miner', 'miner_estimate', 'gpu_sum'),
    chipMaxC: fc.option(fc.integer({ min: -273, max: 1_000 })),
    inletC: fc.option(fc.integer({ min: -200, max: 600 }).map((tenths) => tenths / 10)),
  })
  .map((changed) => reading(T_MS, changed))

test('sums of a cell and of a minute are exact at every bound', () => {
  const cell = fc.array(anyReading, { maxLength: CELL_SLOTS })
  fc.assert(
    fc.property(cell, (readings) => {
      const rows = columnsOf(READING, 1)
      const sums = [columnsOf(CELL, 1), columnsOf(MINUTE, 1)]
      for (const one of readings) {
        writeReading(rows, 0, slotOf(T_MS), one)
        for (const columns of sums) addReading(columns, 0, rows, 0, false)
      }
      for (const columns of sums) {
        const out = contributionsOf(columns, 0)
        assert.equal(out.hashes, 30n * readings.reduce((sum, { rateHs }) => sum + BigInt(rateHs ?? 0), 0n))
        for (const source of JOULE_SOURCES) {
          const own = readings.filter(({ powerSource }) => powerSource === source)
          const joules = own.reduce((sum, { powerW }) => sum + 30 * (powerW ?? 0), 0)
          assert.deepEqual(out.joules[source], { joules, seconds: 30 * own.length })
        }
        assert.equal(
          out.billedReadingJ,
          readings.reduce((sum, { powerW }) => sum + 30 * (powerW ?? 0), 0),
        )
        for (const [kind, name] of [
          ['chip', 'chipMaxC'],
          ['inlet', 'inletC'],
        ] as const) {
          const tenths = readings.flatMap((one) => (one[name] === null ? [] : [Math.round(one[name] * 10)]))
          const wanted = {
            slots: tenths.length,
            sumTenths: tenths.reduce((sum, one) => sum + one, 0),
            minTenths: Math.min(...tenths),
            maxTenths: Math.max(...tenths),
          }
          assert.deepEqual(out.temperatures[kind], tenths.length === 0 ? null : wanted)
        }
        assert.equal(out.temperatures.board, null)
      }
    }),
    SETTINGS,
  )
})

test('a value out of its range is not reported', () => {
  const rows = columnsOf(READING, 1)
  const sums = columnsOf(CELL, 1)
  const wrong = { rateHs: 2 ** 53, powerW: 1_000_001, nameplateW: null, chipMaxC: 1_001, inletC: -274 }
  writeReading(rows, 0, slotOf(T_MS), reading(T_MS, wrong))
  addReading(sums, 0, rows, 0, false)
  const out = contributionsOf(sums, 0)
  assert.equal(out.hashes, 0n)
  assert.equal(out.seconds.unreadable, 30)
  assert.equal(out.billedReadingJ, 0)
  assert.deepEqual(out.temperatures, { chip: null, board: null, inlet: null })
})
