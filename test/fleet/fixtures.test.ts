import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { normalise } from '../../pipelines/fleet/normalise.ts'
import { ADAPTERS } from '../../pipelines/fleet/vendors/adapters.ts'
import { WARNING_KINDS } from '../../pipelines/fleet/vendors/reading/warnings.ts'
import { isJsonObject } from '../../pipelines/json/json-object.ts'
import { differences } from '../support/fleet/compare.ts'
import { fleetFixtures, pollOf, readableFixtures } from '../support/fleet/fixtures.ts'

describe('the telemetry of each fixture is what its pair says', () => {
  assert.ok(fleetFixtures().length >= 18)
  for (const { name, adapter, document, expected } of fleetFixtures()) {
    const skip = ADAPTERS.has(adapter) ? false : `no adapter ${adapter} yet`
    test(name, { skip }, () => {
      assert.deepEqual(differences(expected, normalise(pollOf(document))), [])
    })
  }
})

test('no fixture expects a warning of a kind that does not exist', () => {
  const known: ReadonlySet<string> = new Set(WARNING_KINDS)
  const expected = fleetFixtures().flatMap((fixture) => fixture.expected['warnings'] as readonly string[])
  assert.ok(expected.length > 10)
  assert.deepEqual(
    expected.filter((warning) => !known.has(warning.split(':', 1)[0] ?? '')),
    [],
  )
})

test('every adapter of the table has a fixture', () => {
  const adapters = new Set(readableFixtures().map(({ adapter }) => adapter))
  assert.deepEqual(
    [...ADAPTERS.keys()].filter((name) => !adapters.has(name)),
    [],
  )
})

describe('the comparison', () => {
  test('finds every leaf that is not what was expected', () => {
    for (const { expected } of fleetFixtures()) {
      assert.deepEqual(differences(expected, expected), [])
      const altered = [...alterations(expected)]
      assert.ok(altered.length > 10)
      for (const one of altered) assert.equal(differences(one, expected).length, 1, JSON.stringify(one))
    }
  })

  test('takes null for absent, and never for 0', () => {
    assert.deepEqual(differences({ power_w: null }, {}), [])
    assert.equal(differences({ power_w: null }, { power_w: 0 }).length, 1)
    assert.equal(differences({ power_w: 0 }, { power_w: null }).length, 1)
    assert.equal(differences({ power_w: 0 }, {}).length, 1)
  })

  test('compares lists by their length, numbers by a millionth, warnings by their kinds', () => {
    assert.equal(differences({ fans: [] }, { fans: [{}] }).length, 1)
    assert.equal(differences({ fans: [] }, {}).length, 1)
    assert.deepEqual(differences({ rate: 1e14 }, { rate: 1e14 + 9e7 }), [])
    assert.equal(differences({ rate: 1e14 }, { rate: 1e14 + 2e8 }).length, 1)
    assert.deepEqual(differences({ warnings: ['gap:60s'] }, { warnings: ['gap:90s', 'gap:30s'] }), [])
    assert.equal(differences({ warnings: ['gap'] }, { warnings: [] }).length, 1)
    assert.equal(differences({ warnings: [] }, { warnings: ['gap'] }).length, 1)
  })
})

/** The document with one leaf altered, once for each leaf that is compared. */
function* alterations(value: unknown, name = ''): Generator {
  if (name === 'notes' || name === 'reason') return
  if (name === 'warnings') yield [...(value as readonly unknown[]), 'a_kind_that_is_none']
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      for (const altered of alterations(item)) yield value.with(index, altered)
  } else if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value))
      for (const altered of alterations(member, key)) yield { ...value, [key]: altered }
  } else if (value === null) yield 0
  else if (typeof value === 'number') yield value + Math.max(1, value / 1_000)
  else if (typeof value === 'boolean') yield !value
  else yield `another than ${JSON.stringify(value)}`
}
