import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newPage } from '../../../../pipelines/fleet/status/memory.ts'
import { POWER_SOURCES } from '../../../../pipelines/fleet/live/sample.ts'
import type { FleetFace } from '../../../../schemas/fleet/page-records.ts'
import { SECOND_MS } from '../../../../schemas/units.ts'
import type { Registered } from './registered.ts'
import { READING_AGE_MS_MAX, standingOf } from './standing.ts'
import type { Standing } from './standing.ts'

const AS_OF_MS = Date.UTC(2026, 2, 8, 12)
const TERA = 1_000_000_000_000

const FACE: FleetFace = {
  worker_id: 'w1',
  status: 'working',
  reason: 'hashing',
  unknown: false,
  status_since: 1,
  reason_since: 2,
  version: 3,
}

const registered = (intervalS = 30): Registered => ({
  id: 'w1',
  place: 257,
  assetCode: 'A-1',
  isCommissioned: true,
  algorithm: 'SHA-256',
  location: null,
  container: null,
  slot: null,
  node: null,
  customer: null,
  model: null,
  modelName: null,
  intervalS,
  intent: { profileRateHs: null, profilePowerW: null, modelRateHs: 100 * TERA, modelPowerW: 3_000 },
})

/** The second worker of the second page, whose last sample is `agoS` old. */
function standing(
  agoS: number,
  {
    face = FACE,
    watts = 2_900,
    of = registered(),
  }: { face?: FleetFace; watts?: number | null; of?: Registered } = {},
): Standing {
  const { live: readings } = newPage()
  readings.sampleMs[1] = AS_OF_MS - agoS * SECOND_MS
  readings.r5Hs[1] = 50 * TERA
  readings.powerW[1] = watts ?? 0
  readings.powerSource[1] = POWER_SOURCES.indexOf(watts === null ? 'none' : 'miner')
  return standingOf(of, face, { readings, asOfMs: AS_OF_MS })
}

test('a reading is present for two intervals of its worker, and never longer than ten minutes', () => {
  const read = (agoS: number, intervalS: number) => standing(agoS, { of: registered(intervalS) }).reading
  assert.deepEqual(read(60, 30), {
    observedAtMs: AS_OF_MS - 60 * SECOND_MS,
    rateHs: 50 * TERA,
    powerW: 2_900,
    powerSource: 'miner',
  })
  assert.equal(read(61, 30), null)
  assert.notEqual(read(READING_AGE_MS_MAX / SECOND_MS, 400), null)
  assert.equal(read(READING_AGE_MS_MAX / SECOND_MS + 1, 400), null)
})

test('watts that are not told are those of the nameplate, scaled by the rate', () => {
  const { reading } = standing(0, { watts: null })
  assert.deepEqual([reading?.powerW, reading?.powerSource], [1_500, 'nameplate'])
})

test('nothing is said of a worker of which nothing is known, nor of one that had the place before', () => {
  assert.equal(standing(0, { face: { ...FACE, unknown: true } }).reading, null)
  const other = standing(0, { face: { ...FACE, worker_id: 'w0' } })
  assert.deepEqual([other.face, other.reading, other.intendedHs], [null, null, 100 * TERA])
  const later = standing(0, { of: { ...registered(), isCommissioned: false } })
  assert.deepEqual([later.face, later.reading], [null, null])
})
