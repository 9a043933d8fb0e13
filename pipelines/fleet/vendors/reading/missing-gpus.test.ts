import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingGpus } from './missing-gpus.ts'
import { Warnings } from './warnings.ts'

test('cards of the inventory that a host does not list are missing', () => {
  const read = (listed: number, gpusExpected: number | null): unknown[] => {
    const warnings = new Warnings()
    const context = { model: null, locationTimezone: null, gpusExpected }
    return [missingGpus(listed, context, warnings), warnings.list()]
  }
  assert.deepEqual(read(6, 8), [2, ['gpu_missing:2']])
  assert.deepEqual(read(8, 8), [0, []])
  assert.deepEqual(read(9, 8), [0, []])
  assert.deepEqual(read(6, null), [0, []])
})
