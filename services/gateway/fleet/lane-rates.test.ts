import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { NOW } from '../app-fixture.ts'
import { ManualClock } from '../fixtures.ts'
import { LaneRates, RATE_SPAN_MS, REPLAYING_MS, SEEN_NODES_MAX } from './lane-rates.ts'
import { PARTITION_ITEMS_PER_SECOND_MAX } from './replay-share.ts'

const INTERVAL_S = 30
const MACHINES = 900

const of = (node_id: string, lane: 'live' | 'replay' = 'live', interval_s = INTERVAL_S) => ({
  provider_id: 'krill',
  location_id: 'barn',
  node_id,
  lane,
  interval_s,
})

test('a node that polls steadily may replay four times as much from its first batch on', async () => {
  const clock = new ManualClock(NOW)
  const rates = new LaneRates(4, clock)
  const expected = (4 * MACHINES) / INTERVAL_S
  for (let round = 0; round < 60; round += 1) {
    const budget = rates.took(of('n'), MACHINES)
    assert.ok(Math.abs(budget - expected) <= expected * 0.1, `${budget} in round ${round}`)
    await clock.pass(INTERVAL_S * SECOND_MS)
  }
  const replayed = rates.took(of('n', 'replay'), 1_000)
  assert.ok(replayed <= expected * 1.1, 'what is replayed earns nothing')
})

test('a node that stops polling loses its budget', async () => {
  const clock = new ManualClock(NOW)
  const rates = new LaneRates(4, clock)
  rates.took(of('n'), MACHINES)
  await clock.pass(2 * RATE_SPAN_MS)
  assert.equal(rates.took(of('n', 'replay'), 1), 1)
})

test('those that replay share what is left, and one that has ended leaves its share', async () => {
  const clock = new ManualClock(NOW)
  const rates = new LaneRates(1, clock)
  const large = 5_000 * INTERVAL_S
  rates.took(of('a'), large)
  rates.took(of('b'), large)
  const left = PARTITION_ITEMS_PER_SECOND_MAX - 10_000
  assert.equal(rates.took(of('a', 'replay'), 1), left)
  assert.equal(rates.took(of('b', 'replay'), 1), left / 2)
  for (let spentMs = 0; spentMs < REPLAYING_MS; spentMs += INTERVAL_S * SECOND_MS) {
    await clock.pass(INTERVAL_S * SECOND_MS)
    for (const node of ['a', 'b']) rates.took(of(node), large)
  }
  await clock.pass(1)
  assert.equal(rates.took(of('b', 'replay'), 1), left)
})

test(`beyond ${SEEN_NODES_MAX} nodes of a partition the one that was silent for longest is forgotten`, async () => {
  const clock = new ManualClock(NOW)
  const rates = new LaneRates(1, clock)
  const budget = rates.took(of('first'), MACHINES)
  assert.ok(budget > 1)
  for (let node = 1; node < SEEN_NODES_MAX; node += 1) rates.took(of(`n${node}`), 1)
  assert.ok(rates.took(of('first', 'replay'), 0) > 1)
  for (let node = 0; node < SEEN_NODES_MAX; node += 1) rates.took(of(`m${node}`), 1)
  await clock.pass(MINUTE_MS)
  assert.equal(rates.took(of('first', 'replay'), 0), 1, 'as one that was never seen')
})
