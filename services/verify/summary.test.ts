import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Differences } from './differences.ts'
import { summaryOf } from './summary.ts'

const USAGE = {
  compared: [
    [12, 'windows'],
    [3, 'costs'],
  ],
  undecided: 0,
  otherwise: [],
  leftOut: [],
} as const
const ACCOUNTS = { compared: [[2, 'accounts']], undecided: 0, otherwise: [], leftOut: [] } as const

test('one line where all is as it should be', () => {
  assert.deepEqual(summaryOf([USAGE, ACCOUNTS], new Differences()), [
    '0 differences in 12 windows, 3 costs, 2 accounts',
  ])
})

test('how it was compared comes before what was left out and the differences', () => {
  const differences = new Differences()
  differences.extraRow('usage_1m', 'a')
  const lines = summaryOf(
    [
      { ...USAGE, undecided: 4, leftOut: ['1 windows took in more'] },
      { ...ACCOUNTS, undecided: 3, otherwise: ['1 older than the inbox'] },
    ],
    differences,
  )
  assert.deepEqual(lines, [
    '1 older than the inbox',
    '7 events and requests were set aside as cannot_be_decided: taken as facts',
    '1 windows took in more',
    'usage_1m a: (row) is present, expected absent',
    '1 differences in 12 windows, 3 costs, 2 accounts',
  ])
})
