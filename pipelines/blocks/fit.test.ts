import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storedMark, TEST_INSTALLATION } from '../../test/support/memory/stored-marks.ts'
import type { HaltError } from '../log/records.ts'
import { foreignStore, historyMisfit, historyOf, logMisfit, taskMisfit } from './fit.ts'
import type { StoredMark } from './fit.ts'

const reasonOf = (halt: HaltError | null): string => halt?.reason ?? 'fits'

/** The task has written block 100 at position 900, watermark 5,000. */
const TASK = { lastSeq: 100, position: 900, watermarkMs: 5_000 }

const CASES: readonly [name: string, stored: Partial<StoredMark>, expected: string][] = [
  ['nothing was ever loaded', {}, 'fits'],
  ['all is loaded', { seq: 100, position: 900, watermarkMs: 5_000 }, 'fits'],
  ['the rest is still to be loaded', { seq: 80, position: 700, watermarkMs: 4_000 }, 'fits'],
  ['an idle time between', { seq: 80, position: 700, watermarkMs: 5_000 }, 'fits'],
  ['ClickHouse put back from an older copy', { seq: 10, position: 90, watermarkMs: 500 }, 'fits'],
  ['loaded by a version before', { seq: 100 }, 'fits'],
  ['loaded by a version before, Kafka older', { seq: 101 }, 'kafka_older'],
  ['Kafka put back from an older copy', { seq: 130, position: 990, watermarkMs: 6_000 }, 'kafka_older'],
  ['older by a transaction', { seq: 101, position: 901, watermarkMs: 5_000 }, 'kafka_older'],
  [
    'written on since: same number, other input',
    { seq: 100, position: 901, watermarkMs: 5_000 },
    'other_history',
  ],
  [
    'written on since: same number, other time',
    { seq: 100, position: 900, watermarkMs: 5_001 },
    'other_history',
  ],
  ['written on since, behind in input', { seq: 80, position: 901, watermarkMs: 4_000 }, 'other_history'],
  ['written on since, ahead in time', { seq: 80, position: 700, watermarkMs: 5_001 }, 'other_history'],
]

for (const [name, stored, expected] of CASES) {
  test(`a task beside what ClickHouse holds, ${name}: ${expected}`, () => {
    assert.equal(reasonOf(taskMisfit('usage.blocks[0]', TASK, storedMark(stored))), expected)
  })
}

test('a log that was longer when ClickHouse was loaded is an older copy', () => {
  const stored = storedMark({ blocksEnd: 50n })
  assert.equal(reasonOf(logMisfit('usage.blocks[0]', 50n, stored)), 'fits')
  assert.equal(reasonOf(logMisfit('usage.blocks[0]', 49n, stored)), 'kafka_older')
  assert.equal(reasonOf(logMisfit('usage.blocks[0]', 0n, storedMark())), 'fits')
})

test('the first block that is not loaded follows what is', () => {
  const stored = storedMark({ seq: 80, position: 700, watermarkMs: 4_000 })
  assert.equal(reasonOf(historyMisfit('usage.blocks[0]', historyOf(stored), stored)), 'fits')
  assert.equal(reasonOf(historyMisfit('usage.blocks[0]', '700/4001', stored)), 'other_history')
  assert.equal(
    reasonOf(historyMisfit('usage.blocks[0]', null, stored)),
    'fits',
    'a block of a version before',
  )
  assert.equal(reasonOf(historyMisfit('usage.blocks[0]', '7/8', storedMark({ seq: 80 }))), 'fits')
})

test('tables that name no installation, another one, or two are not this one’s', () => {
  assert.equal(foreignStore(TEST_INSTALLATION, storedMark()), null)
  for (const installationIds of [[], ['other'], [TEST_INSTALLATION, 'other']]) {
    assert.equal(
      reasonOf(foreignStore(TEST_INSTALLATION, storedMark({ installationIds }))),
      'other_installation',
    )
  }
})
