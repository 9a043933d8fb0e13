import assert from 'node:assert/strict'
import { test } from 'node:test'
import { powerOfParts } from './power-of-parts.ts'
import { Warnings } from './warnings.ts'

function read(partsW: readonly (number | null)[], hasAllParts = true): unknown[] {
  const warnings = new Warnings()
  return [powerOfParts(partsW, hasAllParts, warnings), warnings.list()]
}

test('watts of parts are the power only where each part is there and known', () => {
  assert.deepEqual(read([110, 0, 95.5]), [{ power_w: 205.5 }, []])
  assert.deepEqual(read([110, null]), [{ power_lower_bound_w: 110 }, ['power_partial']])
  assert.deepEqual(read([110, 95], false), [{ power_lower_bound_w: 205 }, ['power_partial']])
  assert.deepEqual(read([0, null]), [{ power_lower_bound_w: 0 }, ['power_partial']])
})

test('where no part is known, nothing is', () => {
  assert.deepEqual(read([null, null]), [{}, []])
  assert.deepEqual(read([], false), [{}, []])
})
