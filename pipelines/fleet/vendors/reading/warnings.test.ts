import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DETAILS_PER_KIND_MAX, Warnings } from './warnings.ts'

test('each detail of a kind stands once, counts are added up, the order is that of the texts', () => {
  const warnings = new Warnings()
  assert.deepEqual(warnings.list(), [])
  warnings.note('sentinel_dropped', '-273')
  warnings.note('nul_stripped', 'pools')
  warnings.note('sentinel_dropped', '-273')
  warnings.note('power_partial')
  warnings.count('not_finite_dropped')
  warnings.count('not_finite_dropped')
  assert.deepEqual(warnings.list(), [
    'not_finite_dropped:2',
    'nul_stripped:pools',
    'power_partial',
    'sentinel_dropped:-273',
  ])
})

test(`an answer full of different wrong numbers gives ${DETAILS_PER_KIND_MAX} of them`, () => {
  const warnings = new Warnings()
  for (let value = 200; value < 300; value += 1) warnings.note('sentinel_dropped', String(value))
  assert.equal(warnings.list().length, DETAILS_PER_KIND_MAX)
})
