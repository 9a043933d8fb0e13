import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SCORE_UNIT, pointsNumber, pointsText, scoreOf } from './score.ts'
import type { Contribution } from './score.ts'

const nothing: Contribution = {
  uptimePpm: 0,
  agents: 0,
  posts: 0,
  adImpressions: 0,
  gpuMs: 0n,
  inferences: 0n,
  energyMwh: 0n,
  costNanoUsd: 0n,
}
const UP = 1_000_000

test("the original's vectors", () => {
  const active = scoreOf({ ...nothing, uptimePpm: UP, agents: 10, posts: 20 })
  assert.deepEqual([pointsNumber(active.units, 2), active.visibilityTier], [130, 'featured'])
  const stale = scoreOf({ ...nothing, uptimePpm: UP / 2, agents: 5 })
  assert.deepEqual([pointsNumber(stale.units, 2), stale.visibilityTier], [60, 'standard'])
})

test('tiers begin at 100 and 500, by the unrounded score', () => {
  const tier = (microPoints: bigint) =>
    scoreOf({ ...nothing, inferences: 0n, costNanoUsd: microPoints * 100n }).visibilityTier
  assert.equal(tier(99_999_999n), 'standard')
  assert.equal(tier(100_000_000n), 'featured')
  assert.equal(tier(499_999_999n), 'featured')
  assert.equal(tier(500_000_000n), 'priority')
})

test('the weights of the documented sample: 156.3 GPU-hours, 12,847 inferences, 26.57 kWh, 4.82 USD', () => {
  const { units, weights } = scoreOf({
    ...nothing,
    gpuMs: 562_680_000n,
    inferences: 12_847n,
    energyMwh: 26_570_000n,
    costNanoUsd: 4_820_000_000n,
  })
  assert.equal(pointsNumber(weights.gpuHours, 4), 781.5)
  assert.equal(pointsNumber(weights.inferences, 4), 128.47)
  assert.equal(pointsNumber(weights.energy, 4), 53.14)
  assert.equal(pointsNumber(weights.apiCosts, 4), 48.2)
  assert.equal(pointsNumber(units, 2), 1011.31)
  assert.equal(pointsText(units), '1011.31')
})

test('one millisecond of GPU time is not lost and not rounded before the end', () => {
  assert.equal(pointsText(scoreOf({ ...nothing, gpuMs: 1n }).units), '0.000001388889')
  assert.equal(pointsText(scoreOf({ ...nothing, gpuMs: 720_000n }).units), '1')
})

test('the score is the sum of its weights, and adding work adds its weight', () => {
  const bigs = fc.bigInt(0n, 10n ** 18n)
  fc.assert(
    fc.property(
      bigs,
      bigs,
      bigs,
      bigs,
      fc.nat(UP),
      (gpuMs, inferences, energyMwh, costNanoUsd, uptimePpm) => {
        const one = scoreOf({ ...nothing, gpuMs, inferences, energyMwh, costNanoUsd, uptimePpm })
        const sum = Object.values(one.weights).reduce((total: bigint, weight: bigint) => total + weight, 0n)
        assert.equal(one.units, sum)
        const more = scoreOf({
          ...nothing,
          gpuMs,
          inferences: inferences + 100n,
          energyMwh,
          costNanoUsd,
          uptimePpm,
        })
        assert.equal(more.units - one.units, SCORE_UNIT)
      },
    ),
  )
})
