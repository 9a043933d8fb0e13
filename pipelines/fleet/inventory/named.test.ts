import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EDGE_MS } from '../../../schemas/fleet/inventory/bounds.ts'
import { inventoryCommand, SITE } from '../../../test/support/records/inventory/inventory-commands.ts'
import { InventoryDesk } from '../../../test/support/records/inventory/inventory-desk.ts'
import { namedBy } from './named.ts'
import type { Told } from './named.ts'
import { addressForm, macForm, serialForm } from './normalise.ts'

const NOW = Date.UTC(2026, 10, 30, 14, 1)
const EDGE = Date.UTC(2026, 10, 30, 14, 5)

const has = (worker: string, kind: string, value: string, more: object = {}, times: object = {}) =>
  inventoryCommand({
    entity: 'identity',
    entity_id: `${worker}-${kind}`,
    ...times,
    body: { worker, kind, value, ...more },
  })

const desk = new InventoryDesk(NOW, [
  ...SITE,
  inventoryCommand({ entity: 'worker', entity_id: 'w2', body: { asset_code: 'A-2' } }),
  inventoryCommand({ entity: 'worker', entity_id: 'w3', body: { asset_code: 'A-3' } }),
  has('w1', 'serial', 'hm-0001'),
  has('w1', 'mac', '02:00:00:00:0a:01'),
  has('w2', 'serial', 'HM-0002', {}, { valid_to: EDGE + EDGE_MS }),
  has('w2', 'mac', '0200.0000.0A02'),
])

function named(told: Partial<Told>, atMs = EDGE, node = 'n1', knownTo = Number.POSITIVE_INFINITY): unknown {
  const book = desk.inventory.open('p')
  const machine = { serial: null, mac: null, mac_arp: null, address: null, ...told }
  return namedBy(book, machine, node, { atMs, knownTo })
}

test('serial number and MAC of one worker name it, and so does either alone', () => {
  const w1 = { by: 'one', worker: 'w1', news: null }
  assert.deepEqual(named({ serial: 'HM0001', mac: '02-00-00-00-0A-01' }), w1)
  assert.deepEqual(named({ serial: ' hm 0001 ' }), w1)
  assert.deepEqual(named({ mac_arp: '02:00:00:00:0A:01' }), w1)
  assert.deepEqual(named({ mac: '00:00:00:00:00:00', mac_arp: '02:00:00:00:0A:01' }), w1)
})

test('a value that no worker has beside one that a worker has is news of that worker', () => {
  assert.deepEqual(named({ serial: 'HM-0001', mac: '02:00:00:00:0B:01' }), {
    by: 'one',
    worker: 'w1',
    news: { kind: 'mac', form: '020000000B01' },
  })
  assert.deepEqual(named({ serial: 'HM-9', mac: '02:00:00:00:0A:01' }), {
    by: 'one',
    worker: 'w1',
    news: { kind: 'serial', form: 'HM9' },
  })
})

test('values of two workers name both', () => {
  assert.deepEqual(named({ serial: 'HM-0002', mac: '02:00:00:00:0A:01' }), {
    by: 'several',
    workers: ['w1', 'w2'],
  })
})

test('what holds is what is valid at the time of the item, of what was known', () => {
  assert.deepEqual(named({ serial: 'HM-0001' }, EDGE - 1), { by: 'none' })
  assert.deepEqual(named({ serial: 'HM-0002' }, EDGE + EDGE_MS), { by: 'none' })
  assert.deepEqual(named({ serial: 'HM-0001' }, EDGE, 'n1', SITE.length), { by: 'none' })
})

test('texts that identify nothing, host names and addresses name nobody', () => {
  for (const serial of [
    '',
    ' ',
    'N/A',
    'n.a.',
    'Default',
    '0000000000',
    'FFFF',
    'unknown',
    'To be filled by O.E.M.',
  ])
    assert.equal(serialForm(serial), null, serial)
  for (const mac of ['', 'none', '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5E:00:00:01', '0200000A01'])
    assert.equal(macForm(mac), null, mac)
  assert.equal(addressForm(' '), null)
  assert.deepEqual(named({ address: '10.0.0.1' }), { by: 'none' })
})

test('a machine that tells neither is the one that is pinned to the address at this node, and no other is', () => {
  const pinned = new InventoryDesk(NOW, [
    ...SITE,
    inventoryCommand({ entity: 'node', entity_id: 'n1', body: { location: 'barn', name: 'Agent' } }),
    inventoryCommand({
      entity: 'identity',
      entity_id: 'pin',
      body: { worker: 'w1', kind: 'pin', value: '10.0.0.1', node: 'n1' },
    }),
  ])
  const book = pinned.inventory.open('p')
  const told = { serial: 'N/A', mac: null, mac_arp: null, address: '10.0.0.1' }
  const at = { atMs: EDGE, knownTo: Number.POSITIVE_INFINITY }
  assert.deepEqual(namedBy(book, told, 'n1', at), { by: 'one', worker: 'w1', news: null })
  assert.deepEqual(namedBy(book, told, 'n2', at), { by: 'none' })
  assert.deepEqual(namedBy(book, { ...told, serial: 'HM-5' }, 'n1', at), { by: 'none' })
})

test('a worker that has ended is nobody', () => {
  const ended = new InventoryDesk(NOW, [...SITE, has('w1', 'serial', 'HM-1')])
  ended.give(
    inventoryCommand({ action: 'end', entity: 'worker', entity_id: 'w1', valid_from: EDGE + EDGE_MS }),
  )
  const book = ended.inventory.open('p')
  const told = { serial: 'HM-1', mac: null, mac_arp: null, address: null }
  const byAt = (atMs: number): string =>
    namedBy(book, told, 'n1', { atMs, knownTo: Number.POSITIVE_INFINITY }).by
  assert.deepEqual([byAt(EDGE), byAt(EDGE + EDGE_MS)], ['one', 'none'])
})
