import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOTHING_MET } from './fault.ts'
import type { Fault, Lane } from './fault.ts'
import { FAULTS } from '../faults/all.ts'
import { plan } from './schedule.ts'

const fault = (name: string, lanes: readonly Lane[]): Fault => ({
  name,
  lanes,
  strike: async () => NOTHING_MET,
})

test('the same seed plans the same, and one on the world is alone in its round', () => {
  const rounds = plan(FAULTS, 200, 7)
  assert.deepEqual(plan(FAULTS, 200, 7), rounds)
  assert.notDeepEqual(plan(FAULTS, 200, 8), rounds)
  assert.ok(rounds.flat().length >= 200)
  for (const round of rounds) {
    const lanes = round.map(({ lane }) => lane)
    assert.equal(new Set(lanes).size, lanes.length)
    if (lanes.includes('world')) assert.equal(lanes.length, 1)
  }
})

test('where the world is to be whole, each of its kinds strikes, whatever the seed', () => {
  const kinds = FAULTS.filter(({ lanes }) => lanes.includes('world')).map(({ name }) => name)
  for (let seed = 1; seed <= 50; seed++) {
    const struck = new Set(plan(FAULTS, 200, seed, true).flatMap((round) => round.map((one) => one.fault)))
    const missing = kinds.filter((name) => !struck.has(name))
    assert.deepEqual(missing, [], `seed ${seed}`)
  }
})

test('a run of one kind is that kind alone', () => {
  const rounds = plan([fault('one', ['world'])], 3, 1, true)
  assert.deepEqual(
    rounds.map((round) => round.map(({ fault: name, lane }) => `${name} ${lane}`)),
    [['one world'], ['one world'], ['one world']],
  )
})
