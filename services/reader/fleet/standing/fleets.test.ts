import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOOPBACK_CALLER } from '../../../http/caller.ts'
import { HOUR_MS } from '../../../../schemas/units.ts'
import { MemoryFleet } from '../../../../test/support/memory/memory-fleet.ts'
import { VirtualClock } from '../../../../test/support/memory/virtual-clock.ts'
import { inventoryCommand, SITE } from '../../../../test/support/records/inventory/inventory-commands.ts'
import { Fleets, FLEET_KEPT_MS, FLEETS_KEPT_MAX } from './fleets.ts'

const NOW = Date.UTC(2026, 10, 30, 14, 1)
const pause = async (): Promise<void> => {}

async function site() {
  const fleet = new MemoryFleet(NOW)
  await fleet.give(SITE)
  const clock = new VirtualClock()
  const fleets = new Fleets(fleet.inventory, clock)
  return { fleet, clock, of: (filter = {}) => fleets.of(LOOPBACK_CALLER, 'p', filter, pause) }
}

test('a fleet is looked at again after a while, and at once where its inventory changed', async () => {
  const { fleet, clock, of } = await site()
  const first = await of()
  assert.equal(await of(), first)
  assert.notEqual(await of({ location: 'barn' }), first)
  clock.pass(FLEET_KEPT_MS - 1)
  assert.equal(await of(), first)
  clock.pass(1)
  const second = await of()
  assert.notEqual(second, first)
  await fleet.give([inventoryCommand({ entity: 'worker', entity_id: 'w2', body: { asset_code: 'A-2' } })])
  const third = await of()
  assert.deepEqual(
    [second, third].map(({ standings }) => standings.map(({ registered: { id } }) => id)),
    [['w1'], ['w1', 'w2']],
  )
})

test('a worker that is planned is shown as it begins, and one that has ended is not', async () => {
  const { fleet, clock, of } = await site()
  const shown = async () =>
    (await of()).standings.map(({ registered: { assetCode, isCommissioned, modelName } }) => [
      assetCode,
      isCommissioned,
      modelName,
    ])
  assert.deepEqual(await shown(), [['A-1', false, 'Example X1']])
  clock.pass(NOW + HOUR_MS - clock.nowMs())
  assert.deepEqual(await shown(), [['A-1', true, 'Example X1']])
  fleet.nowMs = NOW + HOUR_MS
  await fleet.give([inventoryCommand({ action: 'end', entity: 'worker', entity_id: 'w1' })])
  assert.deepEqual(await shown(), [['A-1', true, 'Example X1']])
  clock.pass(HOUR_MS)
  assert.deepEqual(await shown(), [])
})

test('so many are kept, whatever is asked for', async () => {
  const { of } = await site()
  const first = await of()
  for (let other = 1; other < FLEETS_KEPT_MAX; other++) await of({ customer: `c${other}` })
  assert.equal(await of(), first)
  await of({ customer: 'one more' })
  assert.notEqual(await of(), first)
})
