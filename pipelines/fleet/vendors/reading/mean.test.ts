import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meanOfKnown } from './mean.ts'

test('a mean divides by those that have a reading', () => {
  assert.equal(meanOfKnown([60, null, 64]), 62)
  assert.equal(meanOfKnown([0, 8]), 4)
  assert.equal(meanOfKnown([null]), null)
  assert.equal(meanOfKnown([]), null)
})
