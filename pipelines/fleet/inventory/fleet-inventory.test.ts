import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EDGE_MS } from '../../../schemas/fleet/inventory/bounds.ts'
import { THRESHOLDS } from '../../../schemas/fleet/inventory/thresholds.ts'
import { BODIES, inventoryCommand, SITE } from '../../../test/support/records/inventory/inventory-commands.ts'
import { InventoryDesk } from '../../../test/support/records/inventory/inventory-desk.ts'
import { NOT_COMMISSIONED } from '../slots/placement.ts'
import { DEFAULT_THRESHOLDS } from '../status/thresholds.ts'
import { InventoryPort } from './fleet-inventory.ts'
import { thresholdsOf } from './thresholds.ts'

const NOW = Date.UTC(2026, 10, 30, 14, 1)
const EDGE = Date.UTC(2026, 10, 30, 14, 5)
const ALL = Number.POSITIVE_INFINITY
const PLACE = { page: 0, index: 0 }

const change = (entity: string, entity_id: string, body: object, valid_from = EDGE + EDGE_MS) =>
  inventoryCommand({ action: 'change', entity, entity_id, valid_from, body: { ...body } })

test('the thresholds that can be set are all numbers that the status rules compare with', () => {
  const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)
  const { limits, plausible } = DEFAULT_THRESHOLDS
  const names = [DEFAULT_THRESHOLDS, limits, plausible].flatMap((of) =>
    Object.entries(of).flatMap(([name, value]) => (typeof value === 'number' ? [snake(name)] : [])),
  )
  assert.deepEqual([...new Set(names)].toSorted(), [...THRESHOLDS].toSorted())
  const set = thresholdsOf([{ under_pct: 80, board_warn_c: 70, restarts: 2 }, { under_pct: 85 }])
  assert.deepEqual([set.underPct, set.limits.boardWarnC, set.restarts], [85, 70, 2])
  assert.equal(set.limits.restarts, limits.restarts)
  assert.equal(thresholdsOf([{}]), DEFAULT_THRESHOLDS)
})

test('places are dense, held from their record on, and given to another one only long after the end', () => {
  const desk = new InventoryDesk(NOW, SITE)
  const port = new InventoryPort(desk.inventory)
  const at = (place: { page: number; index: number }): string | undefined =>
    port.of('p')?.workerAt(place, ALL)?.workerId
  const add = (id: string): unknown =>
    desk.give(inventoryCommand({ entity: 'worker', entity_id: id, body: { asset_code: id } })).code
  add('w2')
  assert.deepEqual([at(PLACE), at({ page: 0, index: 1 })], ['w1', 'w2'])
  assert.equal(port.of('p')?.workerAt(PLACE, SITE.length - 1), null)
  desk.give(inventoryCommand({ action: 'end', entity: 'worker', entity_id: 'w1', valid_from: EDGE }))
  const placed = port.of('p')?.workerAt(PLACE, ALL)
  assert.deepEqual([placed?.retiredAtMs, placed?.commissionedAtMs], [EDGE, ALL])
  const freedAtMs = placed?.freedAtMs ?? 0
  assert.ok(freedAtMs >= EDGE + 81 * 3_600_000)
  desk.nowMs = freedAtMs - 1
  add('w3')
  assert.equal(at(PLACE), 'w1')
  desk.nowMs = freedAtMs
  add('w4')
  assert.deepEqual([at(PLACE), at({ page: 0, index: 2 })], ['w4', 'w3'])
})

test('a worker stands in a group while it is commissioned, and the number stands for the same group', () => {
  const desk = new InventoryDesk(NOW, [
    ...SITE,
    inventoryCommand({
      entity: 'assignment',
      entity_id: 'a1',
      valid_from: EDGE + EDGE_MS,
      body: { worker: 'w1', location: 'barn', container: 'c1' },
    }),
    change('worker', 'w1', { retired_at: EDGE + 4 * EDGE_MS }),
  ])
  const of = new InventoryPort(desk.inventory).of('p')
  const groupAt = (atMs: number) => {
    const group = of?.groupAt(PLACE, atMs, ALL) ?? NOT_COMMISSIONED
    assert.ok(group < 2 ** 21)
    return group === NOT_COMMISSIONED ? null : of?.groupOf(group)
  }
  assert.equal(groupAt(EDGE - 1), null)
  assert.deepEqual(groupAt(EDGE), { algorithm: 'SHA-256', locationId: '', containerId: '' })
  assert.deepEqual(groupAt(EDGE + EDGE_MS), { algorithm: 'SHA-256', locationId: 'barn', containerId: 'c1' })
  assert.equal(groupAt(EDGE + 4 * EDGE_MS), null)
})

test('the context is what versions say at a time, and the same object while they do', () => {
  const window = { kind: 'curtailment', scope: 'container', container: 'c1', target: 'pct', target_value: 60 }
  const desk = new InventoryDesk(NOW, [
    ...SITE,
    inventoryCommand({
      entity: 'container',
      entity_id: 'c2',
      body: { ...BODIES.container, name: 'C2', parent: 'c1' },
    }),
    inventoryCommand({
      entity: 'assignment',
      entity_id: 'a1',
      body: { worker: 'w1', location: 'barn', container: 'c2' },
    }),
    inventoryCommand({ entity: 'window', entity_id: 'x', body: { ...window, starts_at: EDGE + EDGE_MS } }),
    inventoryCommand({
      entity: 'ticket',
      entity_id: 't',
      body: { worker: 'w1', kind: 'fan', state: 'open' },
    }),
    change('ticket', 't', { state: 'diagnosing' }),
    inventoryCommand({
      action: 'change',
      entity: 'provider',
      entity_id: 'p',
      body: { thresholds: { under_pct: 80 } },
    }),
    change('model', 'm1', { nominal_hashrate_hs: 5, nominal_power_w: 3_000, thresholds: { under_pct: 70 } }),
    change('worker', 'w1', { profile_power_w: 2_000, interval_s: 60 }),
  ])
  const of = new InventoryPort(desk.inventory).of('p')
  const first = of?.contextAt(PLACE, EDGE, ALL)
  assert.equal(first?.changesAtMs, EDGE + EDGE_MS)
  assert.equal(of?.contextAt(PLACE, EDGE + 1, ALL), first)
  assert.deepEqual([first?.thresholds.underPct, first?.intervalMs, first?.nameplateW], [80, 30_000, null])
  assert.deepEqual(first?.windows, [
    { kind: 'curtailment', target: { pct: 60 }, startsAtMs: EDGE + EDGE_MS, endsAtMs: ALL },
  ])
  const repairs = [{ state: 'diagnosing', fromMs: EDGE + EDGE_MS, toMs: ALL }]
  assert.deepEqual(first?.repairs, repairs)
  const second = of?.contextAt(PLACE, EDGE + EDGE_MS, ALL)
  assert.deepEqual([second?.thresholds.underPct, second?.intervalMs, second?.nameplateW], [70, 60_000, 2_000])
  assert.deepEqual(second?.intent, {
    profileRateHs: null,
    profilePowerW: 2_000,
    modelRateHs: 5,
    modelPowerW: 3_000,
  })
  assert.deepEqual([second?.versions['worker w1'], second?.changesAtMs], [2, ALL])
})

test('what is asked by an older place in the log is what was known there, whatever is known by now', () => {
  const desk = new InventoryDesk(NOW, SITE)
  const of = new InventoryPort(desk.inventory).of('p')
  const intervals = (knownTo: number): unknown[] => [
    of?.workerAt(PLACE, knownTo)?.intervalS,
    of?.contextAt(PLACE, EDGE + EDGE_MS, knownTo).intervalMs,
  ]
  const before = desk.offset
  desk.give(change('worker', 'w1', { interval_s: 60 }))
  const end = { action: 'end', entity: 'worker', entity_id: 'w1', valid_from: EDGE + 9 * EDGE_MS }
  assert.equal(desk.give(inventoryCommand(end)).code, null)
  assert.deepEqual(intervals(before), [30, 30_000])
  assert.deepEqual(intervals(before + 1), [60, 60_000])
  assert.deepEqual(intervals(before + 2), [60, 60_000])
  assert.deepEqual(intervals(before), [30, 30_000])
})

test('containers that plans put into each other are walked once', () => {
  const container = (entity_id: string): ReturnType<typeof inventoryCommand> =>
    inventoryCommand({ entity: 'container', entity_id, body: { ...BODIES.container, name: entity_id } })
  const desk = new InventoryDesk(NOW, [
    ...SITE,
    container('c2'),
    change('container', 'c1', { parent: 'c2' }, EDGE + 2 * EDGE_MS),
    change('container', 'c2', { parent: 'c1' }, EDGE + EDGE_MS),
    inventoryCommand({
      entity: 'assignment',
      entity_id: 'a1',
      body: { worker: 'w1', location: 'barn', container: 'c1' },
    }),
  ])
  const port = new InventoryPort(desk.inventory)
  const window = { kind: 'heat', scope: 'container', container: 'c2', target: 'off', starts_at: EDGE }
  assert.equal(desk.give(inventoryCommand({ entity: 'window', entity_id: 'x', body: window })).code, null)
  assert.deepEqual(
    port.changedBy(desk.offset).map(({ index }) => index),
    [0],
  )
  const windowsAt = (atMs: number): number | undefined =>
    port.of('p')?.contextAt(PLACE, atMs, ALL).windows.length
  assert.deepEqual([windowsAt(EDGE), windowsAt(EDGE + 2 * EDGE_MS)], [0, 1])
})

test('a record tells which workers it concerns', () => {
  const desk = new InventoryDesk(NOW, [
    ...SITE,
    inventoryCommand({ entity: 'worker', entity_id: 'w2', body: { asset_code: 'A-2' } }),
    inventoryCommand({
      entity: 'assignment',
      entity_id: 'a1',
      body: { worker: 'w2', location: 'barn', container: 'c1' },
    }),
  ])
  const port = new InventoryPort(desk.inventory)
  const concerned = (command: ReturnType<typeof inventoryCommand>): number[] => {
    assert.equal(desk.give(command).code, null)
    return port.changedBy(desk.offset).map(({ index }) => index)
  }
  assert.deepEqual(concerned(change('model', 'm1', { fans: 4 })), [0])
  assert.deepEqual(concerned(change('location', 'barn', { capacity_w: 5 })), [1])
  assert.deepEqual(concerned(change('provider', 'p', { name: 'P' })), [0, 1])
  const window = { kind: 'heat', scope: 'location', location: 'barn', target: 'off', starts_at: EDGE }
  assert.deepEqual(concerned(inventoryCommand({ entity: 'window', entity_id: 'x', body: window })), [1])
  assert.deepEqual(concerned(change('customer', 'otter', { name: 'O' })), [])
})
