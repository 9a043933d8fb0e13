import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decideInstallation } from './decide-installation.ts'
import type { StoresFound } from './decide-installation.ts'

const NEW: StoresFound = {
  kafkaId: null,
  clickhouseIds: [],
  hasTasks: false,
  hasRows: false,
  hasEveryBlock: true,
}
const USED = { ...NEW, hasTasks: true, hasRows: true, hasEveryBlock: false }

/** The result for two stores: the id and which store is written, or the first words of the refusal. */
const CASES: readonly [name: string, found: StoresFound, expected: string][] = [
  ['both new', NEW, 'new id to Kafka, ClickHouse'],
  ['of a version before', USED, 'new id to Kafka, ClickHouse'],
  ['both named', { ...USED, kafkaId: 'a', clickhouseIds: ['a'] }, 'a to nobody'],
  ['an interrupted first run', { ...NEW, clickhouseIds: ['a'] }, 'a to Kafka'],
  ['an interrupted run after an upgrade', { ...USED, clickhouseIds: ['a'] }, 'a to Kafka'],
  ['a copy of ClickHouse from before the upgrade', { ...USED, kafkaId: 'a' }, 'a to ClickHouse'],
  [
    'two installations',
    { ...USED, kafkaId: 'a', clickhouseIds: ['b'] },
    'refuse: Kafka belongs to installation a',
  ],
  [
    'two ids in ClickHouse',
    { ...USED, clickhouseIds: ['a', 'b'] },
    'refuse: ClickHouse names 2 installations',
  ],
  ['Kafka lost', { ...USED, hasTasks: false, clickhouseIds: ['a'] }, 'refuse: Kafka is empty'],
  ['Kafka lost, of a version before', { ...USED, hasTasks: false }, 'refuse: Kafka is empty'],
  [
    'an empty ClickHouse that the log can fill',
    { ...USED, kafkaId: 'a', hasRows: false, hasEveryBlock: true },
    'a to ClickHouse',
  ],
  [
    'an empty ClickHouse that it cannot fill',
    { ...USED, kafkaId: 'a', hasRows: false },
    'refuse: ClickHouse is empty',
  ],
]

function outcomeOf(found: StoresFound): string {
  const decision = decideInstallation(found)
  if (decision.do === 'refuse') return `refuse: ${decision.reason}`
  const stores = [decision.inKafka ? ['Kafka'] : [], decision.inClickhouse ? ['ClickHouse'] : []].flat()
  return `${decision.id ?? 'new id'} to ${stores.length === 0 ? 'nobody' : stores.join(', ')}`
}

describe('which id an installation gets', () => {
  for (const [name, found, expected] of CASES) {
    it(`${name}: ${expected}`, () => assert.equal(outcomeOf(found).slice(0, expected.length), expected))
  }
})
