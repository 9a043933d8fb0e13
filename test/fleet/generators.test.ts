import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { normalise } from '../../pipelines/fleet/normalise.ts'
import { ADAPTERS } from '../../pipelines/fleet/vendors/adapters.ts'
import { differences } from '../support/fleet/compare.ts'
import { pollOf } from '../support/fleet/fixtures.ts'
import { GENERATORS } from '../support/fleet/generators.ts'

const SEED = 1_417
const RUNS = 1_000

describe('an adapter reads the truth out of every answer that is made from it', () => {
  for (const { adapter, name, polls } of GENERATORS) {
    test(`${adapter}: ${name}`, () => {
      fc.assert(
        fc.property(polls, ({ document, expected }) => {
          assert.deepEqual(differences(expected, normalise(pollOf(document))), [])
        }),
        { seed: SEED, numRuns: RUNS },
      )
    })
  }
})

describe('every adapter of the table has a generator', () => {
  const generated = new Set(GENERATORS.map(({ adapter }) => adapter))
  for (const name of ADAPTERS.keys()) {
    // While adapters are added one by one; once each has its own, this clause goes.
    const skip = generated.has(name) ? false : 'no generator yet'
    test(name, { skip }, () => assert.ok(generated.has(name)))
  }
  test('every generator is for an adapter of the table', () => {
    assert.deepEqual(
      [...generated].filter((name) => !ADAPTERS.has(name)),
      [],
    )
  })
})
