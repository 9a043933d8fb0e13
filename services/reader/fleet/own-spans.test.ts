import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFleet } from '../../../test/support/memory/memory-fleet.ts'
import { inventoryCommand, SITE } from '../../../test/support/records/inventory/inventory-commands.ts'
import { LOOPBACK_CALLER } from '../../http/caller.ts'
import { ownSpans } from './own-spans.ts'

const NOW = Date.UTC(2026, 10, 30, 14, 1)
const at = (minute: number): number => Date.UTC(2026, 10, 30, 14, minute)

const assignment = (id: string, customer: string | null, fromMs: number, toMs: number | null) =>
  inventoryCommand({
    entity: 'assignment',
    entity_id: id,
    valid_from: fromMs,
    valid_to: toMs,
    body: { worker: 'w1', location: 'barn', ...(customer !== null && { customer }) },
  })

test('a customer’s times of a worker are those of its assignments, and nobody else’s', async () => {
  const fleet = new MemoryFleet(NOW)
  await fleet.give([
    ...SITE,
    inventoryCommand({
      entity: 'customer',
      entity_id: 'heron',
      body: { name: 'Heron', timezone: 'UTC', state: 'active' },
    }),
    assignment('a1', 'otter', at(10), at(20)),
    assignment('a2', 'heron', at(20), at(30)),
    assignment('a3', null, at(30), at(40)),
    assignment('a4', 'otter', at(45), null),
  ])
  const { book } = await fleet.inventory.opened(LOOPBACK_CALLER, 'p')
  const spans = (...customers: string[]) => ownSpans(book, 'w1', new Set(customers))
  assert.deepEqual(spans('otter'), [
    { fromMs: at(10), toMs: at(20) },
    { fromMs: at(45), toMs: Number.POSITIVE_INFINITY },
  ])
  assert.deepEqual(spans('heron'), [{ fromMs: at(20), toMs: at(30) }])
  assert.equal(spans('otter', 'heron')?.length, 3)
  assert.deepEqual(spans(), [])
  assert.equal(ownSpans(book, 'w1', null), null)
})
