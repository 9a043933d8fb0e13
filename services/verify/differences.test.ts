import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Differences } from './differences.ts'

describe('differences', () => {
  it('name table, key, column, what is found and what was expected', async () => {
    const differences = new Differences()
    await differences.compareRows(
      'usage_1m',
      new Map([
        ['a', { events: 1n, cost: 2, list: ['x'], none: null }],
        ['b', { events: 1 }],
        ['c', { events: 1 }],
      ]),
      [
        ['a', { events: '1', cost: '3', list: ['x'], none: null, beside: 5 }],
        ['c', { events: 1 }],
        ['c', { events: 1 }],
        ['d', { events: 1 }],
      ],
    )
    assert.deepEqual(differences.lines(), [
      'usage_1m a: cost is 3, expected 2',
      'usage_1m c: (row) is present again, expected present once',
      'usage_1m d: (row) is present, expected absent',
      'usage_1m b: (row) is absent, expected present',
    ])
  })

  it('are shown up to fifty, then counted', () => {
    const differences = new Differences()
    for (let at = 0; at < 53; at += 1) differences.extraRow('t', String(at))
    assert.equal(differences.lines().length, 51)
    assert.equal(differences.lines().at(-1), '… and 3 more')
    assert.equal(differences.count, 53)
  })

  it('see a difference beyond what a line shows', () => {
    const differences = new Differences()
    differences.compareRow('t', 'k', { value: `${'a'.repeat(500)}b` }, { value: `${'a'.repeat(500)}c` })
    assert.equal(differences.count, 1)
  })
})
