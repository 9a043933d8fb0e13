import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { MINUTE_MS } from '../../../../schemas/units.ts'
import { bucketsOf } from './buckets.ts'
import { counts } from './minute.ts'
import type { FleetMinute } from './minute.ts'

const FROM_MS = Date.UTC(2026, 2, 8, 6)
const LENGTH_MS = 5 * MINUTE_MS
const RANGE = { fromMs: FROM_MS, toMs: FROM_MS + 4 * LENGTH_MS, lengthMs: LENGTH_MS }

/** A minute of ten workers that is whole: 660 TH/s and 33 kW. */
const minute = (at: number, over: Partial<FleetMinute> = {}): FleetMinute => ({
  minuteMs: FROM_MS + at * MINUTE_MS,
  expectedS: 600,
  coveredS: 600,
  hashes: new Map([['sha256', 660_000_000_000_000n * 60n]]),
  joules: 33_000n * 60n,
  temperature: { slots: 20, sumTenths: 14_000, minTenths: 650, maxTenths: 790 },
  ...over,
})

const anyMinute = fc
  .record({
    at: fc.integer({ min: -3, max: 25 }),
    expectedS: fc.integer({ min: 0, max: 60_000 }),
    share: fc.integer({ min: 0, max: 100 }),
    joules: fc.bigInt({ min: 0n, max: 2n ** 40n }),
    hashes: fc.bigInt({ min: 0n, max: 2n ** 90n }),
  })
  .map(({ at, expectedS, share, joules, hashes }) =>
    minute(at, {
      expectedS,
      coveredS: Math.floor((expectedS * share) / 100),
      joules,
      hashes: new Map([['scrypt', hashes]]),
    }),
  )

describe('buckets of a chart', () => {
  it('are as many as the range has, also where there are no minutes', () => {
    const buckets = bucketsOf([], RANGE)
    assert.deepEqual(
      buckets.map(({ startMs, powerW }) => [startMs, powerW]),
      [0, 1, 2, 3].map((index) => [FROM_MS + index * LENGTH_MS, null]),
    )
  })

  it('are the least, the mean and the most of their minutes', () => {
    const [bucket] = bucketsOf([minute(0), minute(1, { joules: 30_000n * 60n }), minute(4)], RANGE)
    assert.deepEqual(bucket?.powerW, { min: 30_000, mean: 32_000, max: 33_000 })
    assert.deepEqual(bucket?.hashrateHs.get('sha256'), {
      min: 660_000_000_000_000n,
      mean: 660_000_000_000_000n,
      max: 660_000_000_000_000n,
    })
    assert.deepEqual(bucket?.temperatureTenths, { min: 650, mean: 700, max: 790 })
  })

  it('leave out a minute that lacks more than a tenth, and do not scale one that lacks less', () => {
    const short = minute(1, { coveredS: 539, joules: 5n * 60n })
    const nearly = minute(2, { coveredS: 540, joules: 29_700n * 60n })
    const [bucket] = bucketsOf([minute(0), short, nearly], RANGE)
    assert.deepEqual(bucket?.powerW, { min: 29_700, mean: 31_350, max: 33_000 })
  })

  it('are null where less than half is covered, whatever single minutes say', () => {
    const gone = [1, 2, 3].map((at) => minute(at, { coveredS: 0, joules: 0n }))
    assert.equal(bucketsOf([minute(0), ...gone], RANGE)[0]?.powerW, null)
    assert.equal(bucketsOf([minute(0), ...gone], RANGE)[0]?.temperatureTenths, null)
    assert.equal(bucketsOf([minute(0), ...gone.slice(1)], RANGE)[0]?.hashrateHs.size, 0)
    assert.notEqual(bucketsOf([minute(0), minute(4), ...gone.slice(1)], RANGE)[0]?.powerW, null)
  })

  it('do not depend on the order of minutes, lose no second, and bound their mean', () => {
    const any = fc.uniqueArray(anyMinute, { selector: ({ minuteMs }) => minuteMs, maxLength: 20 })
    fc.assert(
      fc.property(any, (minutes) => {
        const buckets = bucketsOf(minutes, RANGE)
        assert.deepEqual(bucketsOf(minutes.toReversed(), RANGE), buckets)
        const inside = minutes.filter(({ minuteMs }) => minuteMs >= RANGE.fromMs && minuteMs < RANGE.toMs)
        const total = (all: readonly { expectedS: number }[]): number =>
          all.reduce((sum, { expectedS }) => sum + expectedS, 0)
        assert.equal(total(buckets), total(inside))
        for (const { startMs, powerW, hashrateHs } of buckets) {
          const own = inside.filter(({ minuteMs }) => minuteMs >= startMs && minuteMs < startMs + LENGTH_MS)
          if (!own.some(counts)) assert.equal(powerW, null)
          for (const band of [...hashrateHs.values(), ...(powerW === null ? [] : [powerW])]) {
            assert.ok(band.min <= band.mean && band.mean <= band.max)
          }
        }
      }),
    )
  })
})
