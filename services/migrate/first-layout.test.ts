import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { firstPartitions } from './first-layout.ts'

describe('how many partitions an installation without a layout has', () => {
  for (const [what, wanted, counts, used, expected] of [
    ['new', 4, {}, 0, 4],
    ['of a version before', 4, { 'usage.metered': 4, 'node.state': 4 }, 4, 4],
    ['with partitions that somebody added to one topic', 2, { 'usage.metered': 4, 'node.state': 2 }, 2, 2],
    ['with partitions that somebody added to all', 2, { 'usage.metered': 4, 'node.state': 4 }, 2, 2],
    [
      'whose settings say more',
      4,
      { 'usage.metered': 2, 'node.state': 2 },
      2,
      /usage\.metered has 2 .*PARTITIONS to 2; .*--grow 4/,
    ],
    [
      'whose settings say fewer than its tasks work in',
      2,
      { 'node.state': 4 },
      4,
      /worked in 4 .*PARTITIONS to 4; .*--grow 5/,
    ],
    ['that was made with more and never used', 2, { 'usage.metered': 4 }, 0, 2],
    ['that lacks one of its partitions', 4, { 'usage.metered': 4, 'node.state': 2 }, 4, /node\.state has 2/],
  ] as const) {
    it(`${what}: ${String(expected)}`, () => {
      const found = firstPartitions(wanted, { counts: new Map(Object.entries(counts)), used })
      if (expected instanceof RegExp) assert.match(String(found), expected)
      else assert.equal(found, expected)
    })
  }
})
