import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthy } from '../../../test/support/fleet/live/worker.ts'
import { DEFAULT_THRESHOLDS } from '../status/thresholds.ts'
import { AHEAD_MS, BEHIND_MS, isCurrent } from './current.ts'
import { believedRateHs, intendedPowerW, intendedRateHs } from './intended.ts'
import type { Intent } from './intended.ts'
import { LIVE_PARTS, memoryOf } from './memory.ts'
import { comesUpSinceS, noteUptime, secondsOf } from './start.ts'
import { forgetWarmth, riseC } from './warmth.ts'

const { plausible } = DEFAULT_THRESHOLDS
const STICKER: Intent = { profileRateHs: null, profilePowerW: null, modelRateHs: 1_000, modelPowerW: 300 }

test('a sample is current between 60 s ahead and 120 s behind, and after the last one', () => {
  const nowMs = 10_000_000
  assert.equal(isCurrent(nowMs + AHEAD_MS, 0, nowMs), true)
  assert.equal(isCurrent(nowMs + AHEAD_MS + 1, 0, nowMs), false)
  assert.equal(isCurrent(nowMs - BEHIND_MS, 0, nowMs), true)
  assert.equal(isCurrent(nowMs - BEHIND_MS - 1, 0, nowMs), false)
  assert.equal(isCurrent(nowMs, nowMs, nowMs), false)
  assert.equal(isCurrent(nowMs, nowMs - 1, nowMs), true)
})

test('H*: profile, then the device within 20 to 130 % of the sticker, then the sticker', () => {
  const rate = (intent: Partial<Intent>, device: number): number =>
    intendedRateHs({ ...STICKER, ...intent }, device, plausible)
  assert.equal(rate({ profileRateHs: 610 }, 900), 610)
  assert.deepEqual(
    [199, 200, 1_300, 1_301, 0].map((device) => rate({}, device)),
    [1_000, 200, 1_300, 1_000, 1_000],
  )
  assert.equal(rate({ modelRateHs: null }, 5), 5)
  assert.equal(rate({ modelRateHs: null }, 0), 0)
})

test('W*: profile, then the sticker in proportion to H*', () => {
  assert.equal(intendedPowerW({ ...STICKER, profilePowerW: 123 }, 500), 123)
  assert.equal(intendedPowerW(STICKER, 500), 150)
  assert.equal(intendedPowerW({ ...STICKER, modelRateHs: null }, 500), 300)
  assert.equal(intendedPowerW({ ...STICKER, modelPowerW: null }, 500), 0)
})

test('a rate is believed from 1 to 200 % of the sticker, and lower from a machine that has shown better', () => {
  const believed = (rateHs: number, isProven: boolean): number | null =>
    believedRateHs(rateHs, 1_000, plausible, isProven)
  assert.deepEqual(
    [0, 9, 10, 2_000, 2_001].map((rateHs) => believed(rateHs, false)),
    [0, null, 10, 2_000, null],
  )
  assert.deepEqual(
    [9, 2_001].map((rateHs) => believed(rateHs, true)),
    [9, null],
  )
  assert.equal(believedRateHs(9, 0, plausible, false), 9)
})

test('a machine comes up from its start or, later, from when it hashed again', () => {
  const memory = memoryOf(LIVE_PARTS)
  assert.equal(noteUptime(memory, 0, { ...healthy(0), uptimeS: 100 }), false)
  assert.equal(comesUpSinceS(memory, 0), secondsOf(healthy(0).tMs) - 100)
  assert.equal(noteUptime(memory, 0, { ...healthy(60), uptimeS: null }), false)
  assert.equal(noteUptime(memory, 0, { ...healthy(90), uptimeS: 190 - 30 }), false)
  assert.equal(noteUptime(memory, 0, { ...healthy(120), uptimeS: 190 - 31 }), true)
  memory.live.resumedS[0] = secondsOf(healthy(500).tMs)
  assert.equal(comesUpSinceS(memory, 0), secondsOf(healthy(500).tMs))
})

test('a rise is over the lowest of 15 minutes; negative temperatures count, and are forgotten on demand', () => {
  const memory = memoryOf(LIVE_PARTS)
  assert.equal(riseC(memory, 0, healthy(0).tMs, -5.5), 0)
  assert.equal(riseC(memory, 0, healthy(300).tMs, 4), 9.5)
  assert.equal(riseC(memory, 0, healthy(899).tMs, 5), 10.5)
  assert.equal(riseC(memory, 0, healthy(900).tMs, 5), 1)
  forgetWarmth(memory, 0)
  assert.equal(riseC(memory, 0, healthy(930).tMs, 40), 0)
})
