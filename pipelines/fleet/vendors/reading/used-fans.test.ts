import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelRecord } from '../../poll.ts'
import { usedFans } from './used-fans.ts'

const model = (fans: number | null): ModelRecord => ({
  make: null,
  model: null,
  algorithm: null,
  boards: null,
  chipsPerBoard: null,
  fans,
  labelUnit: null,
})
const used = (rpms: readonly (number | null)[], fans: number | null): number[] =>
  usedFans(
    rpms.map((rpm, index) => ({ index, rpm })),
    model(fans),
  ).map(({ index }) => index)

test('a fan of the model that stands still is a fan; a connector beyond it is none', () => {
  assert.deepEqual(used([4_000, 0, 0, 0], 2), [0, 1])
  assert.deepEqual(used([4_000, null], 2), [0, 1])
  assert.deepEqual(used([0, 0], 0), [])
  assert.deepEqual(used([0, 0], null), [0, 1])
})

test('fans on connectors further on are those that turn', () => {
  assert.deepEqual(used([0, 0, 4_000, 0, 0, 3_900], 2), [2, 5])
  assert.deepEqual(used([4_000, 4_000, 4_000], 2), [0, 1, 2])
})

test('without a model every connector counts', () => {
  assert.deepEqual(usedFans([{ index: 0, rpm: 0 }], null), [{ index: 0, rpm: 0 }])
})
