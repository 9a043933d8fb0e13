import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EDGE_MS } from '../../../schemas/fleet/inventory/bounds.ts'
import { inventoryCommand, SITE } from '../../../test/support/records/inventory/inventory-commands.ts'
import { InventoryDesk } from '../../../test/support/records/inventory/inventory-desk.ts'
import { LABELS } from '../pages/inventory.ts'
import type { Claim } from '../pages/inventory.ts'
import { columnsOf } from '../pages/layout.ts'
import { InventoryPort } from './fleet-inventory.ts'
import { InventoryIdentity } from './identity-rule.ts'
import { LEASE_FIELDS, LEASE_MS_MIN, NEWS_ITEMS_MIN, NEWS_MS_MIN } from './lease.ts'
import { CONFLICT_LEFT_MS_MIN, CONFLICT_MS } from './task-versions.ts'

const NOW = Date.UTC(2026, 10, 30, 14, 1)
const EDGE = Date.UTC(2026, 10, 30, 14, 5)

/** A worker w1 at the location barn with serial number and MAC, and w2 with a serial number. */
class Site {
  readonly desk = new InventoryDesk(NOW, [
    ...SITE,
    inventoryCommand({ entity: 'worker', entity_id: 'w2', body: { asset_code: 'A-2' } }),
    identity('w1', 'serial', 'HM-1'),
    identity('w1', 'mac', '02:00:00:00:0A:01'),
    identity('w2', 'serial', 'HM-2'),
    inventoryCommand({ entity: 'assignment', entity_id: 'a1', body: { worker: 'w1', location: 'barn' } }),
  ])
  readonly port = new InventoryPort(this.desk.inventory)
  readonly rule = new InventoryIdentity(this.desk.inventory, this.port)
  readonly columns = columnsOf(LEASE_FIELDS)
  #offset = 100

  /** What an item is, `afterMs` after the first edge; each is a record of its own unless it names one. */
  label(fields: Partial<Claim>, afterMs: number, deafMs = 0): string {
    const nowMs = EDGE + afterMs
    const claim: Claim = {
      providerId: 'p',
      locationId: 'barn',
      nodeKey: 'p/barn/n1',
      serial: 'HM-1',
      mac: null,
      macArp: null,
      address: null,
      tMs: nowMs,
      nowMs,
      offset: this.#offset++,
      ...fields,
    }
    const named = this.rule.named(claim)
    if (named.by === 'one') {
      const heardMs = (sinceMs: number): number => nowMs - sinceMs - deafMs
      const label = this.rule.label(claim, named.place, this.columns, heardMs)
      assert.ok(LABELS.includes(label))
      return label
    }
    if (named.by === 'several') this.rule.conflicted(claim, named.places)
    return named.by
  }

  context(
    afterMs: number,
  ): ReturnType<NonNullable<ReturnType<InventoryPort['of']>>['contextAt']> | undefined {
    const known = Number.POSITIVE_INFINITY
    return this.port.of('p')?.contextAt({ page: 0, index: 0 }, EDGE + afterMs, known)
  }
}

function identity(worker: string, kind: string, value: string): ReturnType<typeof inventoryCommand> {
  const entity_id = `${worker}-${kind}`
  return inventoryCommand({ entity: 'identity', entity_id, body: { worker, kind, value } })
}

const S = 1_000

describe('the lease', () => {
  test('is the first current item’s, and another node that sees the machine is a shadow until it ends', () => {
    const site = new Site()
    const other = { nodeKey: 'p/barn/n2' }
    assert.equal(site.label({}, 0), 'holder')
    assert.equal(site.label(other, 10 * S), 'shadow')
    assert.equal(site.label({}, 30 * S), 'holder')
    assert.equal(site.label(other, 30 * S + LEASE_MS_MIN - 1), 'shadow')
    assert.equal(site.label(other, 30 * S + LEASE_MS_MIN), 'holder')
    assert.equal(site.label({}, 31 * S + LEASE_MS_MIN), 'shadow')
  })

  test('is not renewed by copies of what was seen, which tell nothing new either', () => {
    const site = new Site()
    const other = { nodeKey: 'p/barn/n2' }
    site.label({}, 10 * S)
    assert.equal(site.label({ tMs: EDGE + 10 * S }, 110 * S), 'holder')
    assert.equal(site.label({ tMs: EDGE + 5 * S }, 111 * S), 'holder')
    assert.equal(site.label(other, 10 * S + LEASE_MS_MIN), 'holder')
  })

  test('lasts in listening time', () => {
    const site = new Site()
    site.label({}, 0)
    assert.equal(site.label({ nodeKey: 'p/barn/n2' }, LEASE_MS_MIN + S, 2 * S), 'shadow')
  })

  test('is not taken by what is late', () => {
    const site = new Site()
    const late = { tMs: EDGE }
    assert.equal(site.label(late, 600 * S), 'holder')
    assert.equal(site.label({ nodeKey: 'p/barn/n2' }, 600 * S), 'holder')
    assert.equal(site.label(late, 600 * S), 'shadow')
  })
})

describe('conflicts', () => {
  test('another machine under a live lease is a conflict, and so is the holder from the next record on', () => {
    const site = new Site()
    const machine = { serial: null, mac: '02:00:00:00:0A:01' }
    assert.equal(site.label({ mac: '02:00:00:00:0A:01' }, 0), 'holder')
    assert.equal(site.label({ serial: 'HM-9', mac: '02:00:00:00:0A:01' }, S), 'conflict')
    assert.equal(site.label(machine, 2 * S), 'conflict')
    assert.equal(site.context(2 * S)?.isConflict, true)
    assert.equal(site.context(2 * S)?.changesAtMs, EDGE + S + CONFLICT_MS)
    assert.equal(site.context(S + CONFLICT_MS)?.isConflict, false)
    assert.equal(site.label(machine, S + CONFLICT_MS), 'holder')
  })

  test('values of two workers are a conflict of both, which few versions tell', () => {
    const site = new Site()
    const both = { serial: 'HM-2', mac: '02:00:00:00:0A:01' }
    assert.equal(site.label({ ...both, offset: 500 }, 0), 'several')
    assert.deepEqual(
      site.port.changedBy(500).map(({ index }) => index),
      [0, 1],
    )
    site.label({ ...both, offset: 500 }, 0)
    site.label({ ...both, offset: 501 }, S)
    const versions = (): number =>
      site.desk.inventory.open('p').entity('conflict', 'w2')?.versions.length ?? 0
    assert.equal(versions(), 1)
    site.label({ ...both, offset: 502 }, CONFLICT_MS - CONFLICT_LEFT_MS_MIN + S)
    assert.equal(versions(), 2)
    assert.equal(site.desk.inventory.takeMade().length, 4)
  })
})

type Remembered = Site['columns']

function copy(from: Remembered, to: Remembered): void {
  for (const name of Object.keys(LEASE_FIELDS) as (keyof typeof LEASE_FIELDS)[]) to[name].set(from[name])
}

describe('a new value of one machine', () => {
  const news = { mac: '02:00:00:00:0B:01' }
  const told = (site: Site, items: number, everyMs: number, fields: Partial<Claim> = news): void => {
    for (let item = 0; item < items; item += 1) assert.equal(site.label(fields, item * everyMs), 'holder')
  }
  const macs = (site: Site): readonly unknown[] =>
    site.desk.inventory
      .takeMade()
      .map(({ made }) => [made.id === 'w1-mac', made.version.body?.['value'] ?? null])

  test('takes the place of the old one when it was told often and long enough', () => {
    const site = new Site()
    told(site, NEWS_ITEMS_MIN, NEWS_MS_MIN / (NEWS_ITEMS_MIN - 1))
    assert.deepEqual(macs(site), [
      [false, '020000000B01'],
      [true, null],
    ])
    const edge = EDGE + NEWS_MS_MIN
    const book = site.desk.inventory.open('p')
    assert.deepEqual(
      [book.at('identity', 'w1-mac', edge - 1) === null, book.at('identity', 'w1-mac', edge)],
      [false, null],
    )
    assert.equal(site.label({ serial: null, ...news }, NEWS_MS_MIN + S), 'holder')
  })

  test('and not before', () => {
    for (const [items, everyMs] of [
      [NEWS_ITEMS_MIN - 1, NEWS_MS_MIN],
      [NEWS_ITEMS_MIN, NEWS_MS_MIN / (NEWS_ITEMS_MIN - 1) - 1],
    ] as const) {
      const site = new Site()
      told(site, items, everyMs)
      assert.deepEqual(macs(site), [])
    }
  })

  test('nor when the old pair was told meanwhile', () => {
    const site = new Site()
    told(site, NEWS_ITEMS_MIN - 1, NEWS_MS_MIN)
    site.label({ mac: '02:00:00:00:0A:01' }, 4 * NEWS_MS_MIN)
    site.label(news, 5 * NEWS_MS_MIN)
    assert.deepEqual(macs(site), [])
  })

  test('is made once, also where the record is taken in again', () => {
    const site = new Site()
    told(site, NEWS_ITEMS_MIN - 1, NEWS_MS_MIN)
    const again = columnsOf(LEASE_FIELDS)
    copy(site.columns, again)
    const last = { ...news, offset: 900 }
    site.label(last, 4 * NEWS_MS_MIN)
    assert.equal(macs(site).length, 2)
    copy(again, site.columns)
    site.label(last, 4 * NEWS_MS_MIN)
    assert.equal(macs(site).length, 0)
  })

  test('is not made where another worker was to have it then, also when a later record has dropped that plan', () => {
    const site = new Site()
    const edge = EDGE + 4 * NEWS_MS_MIN + EDGE_MS
    site.desk.nowMs = EDGE
    const plan = identity('w2', 'mac', news.mac)
    assert.equal(site.desk.give({ ...plan, valid_from: edge }).code, null)
    told(site, NEWS_ITEMS_MIN - 1, NEWS_MS_MIN)
    const again = columnsOf(LEASE_FIELDS)
    copy(site.columns, again)
    const last = { ...news, offset: 900 }
    site.label(last, 4 * NEWS_MS_MIN + S)
    assert.deepEqual(macs(site), [])
    site.desk.offset = 900
    const end = { action: 'end', entity: 'identity', entity_id: 'w2-mac', valid_from: edge }
    assert.equal(site.desk.give(inventoryCommand(end)).code, null)
    copy(again, site.columns)
    site.label(last, 4 * NEWS_MS_MIN + S)
    assert.deepEqual(macs(site), [])
  })
})

test('a worker that another location’s node sees is misplaced, until an assignment says so', () => {
  const site = new Site()
  const elsewhere = { locationId: 'shed', nodeKey: 'p/shed/n9' }
  assert.equal(site.label(elsewhere, 0), 'misplaced')
  const end = { action: 'end', entity: 'assignment', entity_id: 'a1', valid_from: EDGE + EDGE_MS }
  site.desk.nowMs = EDGE
  site.desk.give(inventoryCommand(end))
  assert.equal(site.label(elsewhere, EDGE_MS - S), 'misplaced')
  assert.equal(site.label(elsewhere, EDGE_MS), 'holder')
})

test('a machine that nobody knows is discovered', () => {
  const site = new Site()
  assert.equal(site.label({ serial: 'HM-77' }, 0), 'none')
  assert.equal(site.label({ providerId: 'q' }, 0), 'none')
})
