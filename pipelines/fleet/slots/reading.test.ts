import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reading } from '../../../test/support/fleet/account/readings.ts'
import { secondsOf, wattsOf } from './reading.ts'

const T_MS = Date.UTC(2026, 6, 3)

test('a machine hashes above a tenth of its intended rate, or above 0 where that is not known', () => {
  const intendedHs = 200
  assert.equal(secondsOf({ rateHs: 21, intendedHs, isMining: true }), 'hashing')
  assert.equal(secondsOf({ rateHs: 20, intendedHs, isMining: true }), 'idle')
  assert.equal(secondsOf({ rateHs: 1, intendedHs: null, isMining: true }), 'hashing')
  assert.equal(secondsOf({ rateHs: 0, intendedHs: null, isMining: null }), 'idle')
})

test('a machine that is set not to work rests, unless it works', () => {
  assert.equal(secondsOf({ rateHs: 20, intendedHs: 200, isMining: false }), 'resting')
  assert.equal(secondsOf({ rateHs: null, intendedHs: 200, isMining: false }), 'resting')
  assert.equal(secondsOf({ rateHs: 150, intendedHs: 200, isMining: false }), 'hashing')
})

test('nobody knows whether a machine hashes that tells no rate', () => {
  assert.equal(secondsOf({ rateHs: null, intendedHs: 200, isMining: true }), 'unreadable')
  assert.equal(secondsOf({ rateHs: null, intendedHs: 200, isMining: null }), 'unreadable')
})

test('what the machine tells comes first, and a measured 0 is a 0', () => {
  assert.deepEqual(wattsOf(reading(T_MS)), { watts: 3_400, source: 'miner_psu' })
  assert.deepEqual(wattsOf(reading(T_MS, { powerW: 0 })), { watts: 0, source: 'miner_psu' })
})

test('the machine’s own estimate does not notice lost boards', () => {
  const estimate = reading(T_MS, { powerSource: 'miner_estimate', powerW: 3_000, boardsOnline: 2 })
  assert.deepEqual(wattsOf(estimate), { watts: 2_000, source: 'miner_estimate' })
  assert.deepEqual(wattsOf({ ...estimate, boardsExpected: null }), { watts: 3_000, source: 'miner_estimate' })
  assert.deepEqual(wattsOf({ ...estimate, powerSource: 'miner' }), { watts: 3_000, source: 'miner' })
})

test('the nameplate is scaled by rate and boards, and never above itself', () => {
  const silent = reading(T_MS, { powerW: null, powerSource: null, nameplateW: 3_300, intendedHs: 200 })
  const scaled = (changed: object): unknown => wattsOf({ ...silent, ...changed })
  assert.deepEqual(scaled({ rateHs: 100 }), { watts: 1_650, source: 'nameplate' })
  assert.deepEqual(scaled({ rateHs: 260 }), { watts: 3_300, source: 'nameplate' })
  assert.deepEqual(scaled({ rateHs: 100, boardsOnline: 1 }), { watts: 550, source: 'nameplate' })
  assert.deepEqual(scaled({ rateHs: 0 }), { watts: 0, source: 'nameplate' })
  for (const unknown of [{ rateHs: null }, { intendedHs: null }, { intendedHs: 0 }, { nameplateW: null }]) {
    assert.equal(scaled(unknown), null)
  }
})
