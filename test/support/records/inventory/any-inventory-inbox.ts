import * as fc from 'fast-check'
import { EDGE_MS } from '../../../../schemas/fleet/inventory/bounds.ts'
import type { InventoryCommand } from '../../../../schemas/fleet/inventory/records.ts'
import { HOUR_MS, MINUTE_MS } from '../../../../schemas/units.ts'
import { batch, item, sample } from '../fleet-items.ts'
import { fleetRecord } from '../fleet-log.ts'
import { BODIES, inventoryCommand } from './inventory-commands.ts'

const NOW = Date.UTC(2026, 10, 30, 14, 1)
const EDGE = Date.UTC(2026, 10, 30, 14, 5)

const id = (prefix: string) => fc.integer({ min: 0, max: 2 }).map((number) => `${prefix}${number}`)
/** Mostly no time, which means as soon as may be. */
const edgeIn = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 12 }).map((edges) => EDGE + edges * EDGE_MS) },
)
/** What the commands that are drawn may name. */
const BASE: readonly InventoryCommand[] = [
  ...['l0', 'l1'].map((entity_id) => inventoryCommand({ entity_id, body: BODIES.location })),
  ...['w0', 'w1'].map((entity_id) =>
    inventoryCommand({ entity: 'worker', entity_id, body: { asset_code: `base ${entity_id}` } }),
  ),
  inventoryCommand({ entity: 'container', entity_id: 'c0', body: { ...BODIES.container, location: 'l0' } }),
  inventoryCommand({
    entity: 'identity',
    entity_id: 'identity-0',
    body: { worker: 'w0', kind: 'serial', value: 'HM-1' },
  }),
  inventoryCommand({
    entity: 'assignment',
    entity_id: 'assignment-0',
    body: { worker: 'w0', location: 'l0' },
  }),
]
const body = (entity: string): fc.Arbitrary<Record<string, unknown>> => {
  const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { freq: 2 })
  switch (entity) {
    case 'location':
      return fc.record({ name: fc.constantFrom('A', 'B'), timezone: fc.constant('UTC') })
    case 'container':
      return fc.record({
        location: id('l'),
        name: fc.constant('C'),
        kind: fc.constant('rack'),
        parent: maybe(id('c')),
      })
    case 'slot':
      return fc.record({ container: id('c'), row: fc.constantFrom(1, 2), col: fc.constant(1) })
    case 'worker':
      return fc.record({ asset_code: id('A'), interval_s: maybe(fc.constantFrom(30, 60)) })
    case 'identity':
      return fc.record({
        worker: id('w'),
        kind: fc.constantFrom('serial', 'mac', 'hostname'),
        value: fc.constantFrom('HM-1', 'hm 1', '02:00:00:00:00:01', 'N/A'),
      })
    case 'assignment':
      return fc.record({
        worker: id('w'),
        location: id('l'),
        container: maybe(id('c')),
        slot: maybe(id('s')),
      })
    case 'enrolment':
      return fc.record({ location: id('l'), token_hash: fc.constant('ab'.repeat(32)) })
    case 'node':
      return fc.record({ location: id('l'), name: fc.constantFrom('N', 'M') })
    case 'ticket':
      return fc.record({ worker: id('w'), kind: fc.constant('fan'), state: fc.constantFrom('open', 'rma') })
    default:
      return fc.record({
        kind: fc.constant('heat'),
        scope: fc.constant('location'),
        location: id('l'),
        target: fc.constantFrom('off', 'pct'),
        target_value: maybe(fc.constantFrom(60, 101)),
        starts_at: fc.integer({ min: -300, max: 4 }).map((edges) => EDGE + edges * EDGE_MS),
      })
  }
}

const isDated = (entity: string): boolean => entity === 'identity' || entity === 'assignment'

const anyCommand = fc
  .constantFrom(
    'location',
    'container',
    'slot',
    'worker',
    'identity',
    'assignment',
    'enrolment',
    'node',
    'ticket',
    'window',
  )
  .chain((entity) =>
    fc.record({
      entity: fc.constant(entity),
      entity_id: id(isDated(entity) ? `${entity}-` : entity.slice(0, 1)),
      action: fc.constantFrom('create', 'create', 'change', 'end', 'enrol'),
      valid_from: edgeIn,
      valid_to: isDated(entity) ? edgeIn : fc.constant(null),
      expected: fc.oneof(
        { weight: 4, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }) },
      ),
      body: body(entity),
    }),
  )
  .map(({ action, ...command }) => {
    if (action !== 'enrol') return inventoryCommand({ ...command, action })
    const given = { name: 'N', token_hash: 'ab'.repeat(32) }
    return inventoryCommand({ ...command, action, entity: 'node', body: given })
  })

const anySample = fc
  .record({
    seq: fc.integer({ min: 1, max: 30 }),
    location_id: id('l'),
    serial: fc.constantFrom('HM-1', 'HM-2', null),
    mac: fc.constantFrom('02:00:00:00:00:01', null),
    agoMs: fc.constantFrom(0, MINUTE_MS, 10 * MINUTE_MS, 2 * HOUR_MS),
  })
  .map(
    ({ seq, location_id, serial: name, mac, agoMs }) =>
      (nowMs: number) =>
        batch([item({ sample: sample(nowMs - agoMs, { serial: name, mac }) })], {
          location_id,
          first_seq: seq,
        }),
  )

/** Commands and samples of one provider; time goes on by seconds, minutes, and sometimes by days. */
export const anyInventoryInbox = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 3, arbitrary: anyCommand }, { weight: 1, arbitrary: anySample }),
      fc.oneof(
        { weight: 90, arbitrary: fc.constantFrom(0, 1_000, 3 * MINUTE_MS, 7 * MINUTE_MS) },
        { weight: 1, arbitrary: fc.constantFrom(26 * HOUR_MS, 79 * HOUR_MS, 83 * HOUR_MS) },
      ),
    ),
    { minLength: 1, maxLength: 40 },
  )
  .map((drafts) => {
    let nowMs = NOW
    const known: InventoryCommand[] = [...BASE]
    const base = BASE.map((command, offset) => fleetRecord(offset, NOW, { command }))
    const drawn = drafts.map(([draft, afterMs], index) => {
      const offset = BASE.length + index
      nowMs += afterMs
      if (typeof draft === 'function') return fleetRecord(offset, nowMs, { batch: draft(nowMs) })
      const again = offset % 7 === 6 ? known.at(offset % known.length) : undefined
      known.push(draft)
      return fleetRecord(offset, nowMs, { command: again ?? draft })
    })
    return base.concat(drawn)
  })
