import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ModelTable } from '../../../schemas/model-table.ts'
import { COMPILED_ROWS } from '../../../schemas/models.ts'
import { SEED_ROWS } from '../../../schemas/models-seed.ts'
import { isPaidModel } from './paid-models.ts'

/**
 * Names as they come, and names that fit by accident: beginnings of families with parts left out or added on either side.
 */
const names = fc
  .tuple(
    fc.constantFrom('', '', '', 'openai/', 'azure/', 'x-ai/', 'us.anthropic.', 'meta.', 'global.', 'nobody/'),
    fc.constantFrom(...SEED_ROWS.map(({ pattern }) => pattern.replace('*', ''))),
    fc.nat(3),
    fc.oneof(
      fc.constantFrom('', '-v1:0', '-2025-04-14', '@20250414', '-v1:0:200k', '-8b'),
      fc.string({ maxLength: 4 }),
    ),
  )
  .map(([before, name, cut, behind]) => `${before}${name.slice(0, name.length - cut)}${behind}`)

test('the checker knows which calls are paid as the product does, in rules of its own', () => {
  const first = new ModelTable(1, COMPILED_ROWS)
  const second = new ModelTable(2, SEED_ROWS)
  fc.assert(
    fc.property(names, (name) => {
      assert.equal(isPaidModel(name, 1), first.factsOf(name).paid_api, `${name} by version 1`)
      assert.equal(isPaidModel(name, 2), second.factsOf(name).paid_api, `${name} by version 2`)
    }),
    { numRuns: 3_000 },
  )
})
