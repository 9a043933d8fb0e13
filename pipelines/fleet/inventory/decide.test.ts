import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  EDGE_MS,
  ENROLMENT_MS,
  PLANNED_MS_MAX,
  VERSIONS_MAX,
} from '../../../schemas/fleet/inventory/bounds.ts'
import { BODIES, inventoryCommand, SITE } from '../../../test/support/records/inventory/inventory-commands.ts'
import { Book } from './book.ts'
import { decide } from './decide.ts'
import type { Decided } from './decide.ts'
import { readCommand } from './read-command.ts'

const NOW = Date.UTC(2026, 10, 30, 14, 1)
const EDGE = Date.UTC(2026, 10, 30, 14, 5)
const DAY = 86_400_000

type Fields = Parameters<typeof inventoryCommand>[0]

/** A book to which commands are given one after the other. */
class Desk {
  readonly book = new Book('p')
  nowMs = NOW
  #offset = 0

  constructor(commands: readonly ReturnType<typeof inventoryCommand>[] = SITE) {
    for (const command of commands) assert.equal(this.#give(command), 'done', command.entity)
  }

  /** The code of a refusal, or `done`. */
  ask(fields: Fields): string {
    return this.#give(inventoryCommand(fields))
  }

  #give(command: ReturnType<typeof inventoryCommand>): string {
    const request = readCommand(command)
    if ('fault' in request) return `fault: ${request.fault}`
    this.#offset += 1
    const decided: Decided = decide(this.book, request, {
      nowMs: this.nowMs,
      offset: this.#offset,
      by: 'key:1',
    })
    if ('refused' in decided) return decided.refused.code
    for (const { kind, id, version } of decided.made) this.book.add(kind, id, version)
    return 'done'
  }
}

const assignment = (fields: Fields = {}): Fields => ({
  entity: 'assignment',
  entity_id: 'a1',
  ...fields,
  body: { worker: 'w1', location: 'barn', ...fields.body },
})
const identity = (value: string, fields: Fields = {}): Fields => ({
  entity: 'identity',
  entity_id: `i-${value}`,
  ...fields,
  body: { worker: 'w1', kind: 'serial', value, ...fields.body },
})

describe('times', () => {
  test('a change begins at the next edge of 5 minutes at the earliest', () => {
    const desk = new Desk()
    const named = { entity: 'location', entity_id: 'barn', action: 'change', body: { name: 'Big barn' } }
    assert.equal(desk.ask({ ...named, valid_from: EDGE - EDGE_MS }), 'past')
    assert.equal(desk.ask({ ...named, valid_from: EDGE + 1 }), 'not_on_edge')
    assert.equal(desk.ask({ ...named, restate: true, valid_from: EDGE - DAY }), 'restate_not_built')
    assert.equal(desk.ask({ ...named, valid_from: EDGE + PLANNED_MS_MAX + EDGE_MS }), 'too_far_ahead')
    assert.equal(desk.ask({ ...named, valid_from: EDGE }), 'done')
    assert.equal(desk.book.at('location', 'barn', EDGE)?.body?.['name'], 'Big barn')
    assert.equal(desk.book.at('location', 'barn', EDGE - 1), null)
  })

  test('exactly on an edge that edge is not past', () => {
    const desk = new Desk([])
    desk.nowMs = EDGE
    assert.equal(desk.ask({ body: BODIES.location, valid_from: EDGE }), 'done')
  })

  test('only what is dated has an end from the beginning', () => {
    const desk = new Desk()
    const to = { valid_to: EDGE + EDGE_MS }
    assert.equal(
      desk.ask({ entity: 'customer', entity_id: 'c', body: BODIES.customer, ...to }),
      'invalid_change',
    )
    assert.equal(desk.ask(assignment({ valid_to: EDGE })), 'invalid_change')
    assert.equal(desk.ask(assignment(to)), 'done')
    assert.equal(desk.book.at('assignment', 'a1', EDGE + EDGE_MS), null)
  })

  test('a change of what is dated keeps its end', () => {
    const desk = new Desk()
    desk.ask(assignment({ valid_to: EDGE + 4 * EDGE_MS }))
    const change = { entity: 'assignment', entity_id: 'a1', action: 'change', body: { customer: 'otter' } }
    assert.equal(desk.ask({ ...change, valid_from: EDGE + EDGE_MS }), 'done')
    assert.equal(desk.book.at('assignment', 'a1', EDGE + 3 * EDGE_MS)?.body?.['customer'], 'otter')
    assert.equal(desk.book.at('assignment', 'a1', EDGE + 4 * EDGE_MS), null)
    assert.equal(desk.ask({ ...change, valid_from: EDGE + 4 * EDGE_MS }), 'unknown_assignment')
  })

  test('a window may begin on its own day before it is told, and not before that', () => {
    const desk = new Desk()
    const window = { kind: 'curtailment', scope: 'location', location: 'barn', target: 'off' }
    const day = Date.UTC(2026, 10, 30)
    const ask = (entity_id: string, starts_at: number): string =>
      desk.ask({ entity: 'window', entity_id, body: { ...window, starts_at } })
    assert.deepEqual([ask('x', day - EDGE_MS), ask('y', day)], ['past', 'done'])
  })
})

describe('one after the other', () => {
  test('a machine has one assignment at a time, and a slot one machine', () => {
    const desk = new Desk()
    desk.ask({ entity: 'worker', entity_id: 'w2', body: { asset_code: 'A-2' } })
    const stands = { container: 'c1', slot: 's1' }
    assert.equal(desk.ask(assignment({ valid_to: EDGE + 2 * EDGE_MS, body: stands })), 'done')
    assert.equal(desk.ask(assignment({ entity_id: 'a2', valid_from: EDGE + EDGE_MS })), 'overlap')
    assert.equal(desk.ask(assignment({ entity_id: 'a2', valid_from: EDGE + 2 * EDGE_MS })), 'done')
    const other = { worker: 'w2', ...stands }
    assert.equal(desk.ask(assignment({ entity_id: 'a3', body: other })), 'slot_taken')
    assert.equal(
      desk.ask(assignment({ entity_id: 'a3', valid_from: EDGE + 2 * EDGE_MS, body: other })),
      'done',
    )
  })

  test('a value identifies one machine at a time, however it is written', () => {
    const desk = new Desk()
    desk.ask({ entity: 'worker', entity_id: 'w2', body: { asset_code: 'A-2' } })
    assert.equal(desk.ask(identity('hm-0001')), 'done')
    assert.equal(
      desk.ask(identity('HM 0001', { entity_id: 'other', body: { worker: 'w2' } })),
      'identity_taken',
    )
    const end = { entity: 'identity', entity_id: 'i-hm-0001', action: 'end', valid_from: EDGE + EDGE_MS }
    assert.equal(desk.ask(end), 'done')
    const later = { entity_id: 'other', valid_from: EDGE + EDGE_MS, body: { worker: 'w2' } }
    assert.equal(desk.ask(identity('HM 0001', later)), 'done')
  })

  test('values that identify nothing may stand with many', () => {
    const desk = new Desk()
    assert.equal(desk.ask(identity('N/A', { entity_id: 'x' })), 'done')
    assert.equal(desk.ask(identity('n.a.', { entity_id: 'y' })), 'done')
  })

  test('asset codes and slots are there once', () => {
    const desk = new Desk()
    assert.equal(desk.ask({ entity: 'worker', entity_id: 'w2', body: BODIES.worker }), 'asset_code_taken')
    assert.equal(desk.ask({ entity: 'slot', entity_id: 's2', body: BODIES.slot }), 'slot_exists')
  })

  test('an id is never given twice', () => {
    assert.equal(new Desk().ask({ body: BODIES.location }), 'id_taken')
  })

  test('who has not seen the newest version changes nothing', () => {
    const desk = new Desk()
    const change = { action: 'change', body: { name: 'Big barn' } }
    assert.equal(desk.ask({ ...change, expected: [2] }), 'version_conflict')
    assert.equal(desk.ask({ ...change, expected: [2, 1] }), 'done')
    assert.equal(desk.ask({ ...change, expected: [1] }), 'version_conflict')
  })

  test(`at most ${VERSIONS_MAX} versions are kept at once, and the oldest go`, () => {
    const desk = new Desk()
    const change = (name: string): string => desk.ask({ action: 'change', body: { name } })
    for (let made = 1; made < VERSIONS_MAX; made += 1) assert.equal(change(`B${made}`), 'done')
    assert.equal(change('one more'), 'too_many_versions')
    desk.nowMs += 4 * DAY
    assert.equal(change('later'), 'done')
  })
})

describe('what names another', () => {
  test('must name one that is there then, and where it belongs', () => {
    const desk = new Desk()
    assert.equal(desk.ask(assignment({ body: { location: 'attic' } })), 'unknown_location')
    assert.equal(desk.ask(assignment({ body: { customer: 'nobody' } })), 'unknown_customer')
    assert.equal(desk.ask(assignment({ body: { location: 'shed', container: 'c1' } })), 'elsewhere')
    assert.equal(desk.ask(assignment({ body: { slot: 's1' } })), 'elsewhere')
    const inside = { entity: 'container', entity_id: 'c1', action: 'change', body: { parent: 'c1' } }
    assert.equal(desk.ask(inside), 'elsewhere')
  })

  test('keeps it: nothing ends that is needed', () => {
    const desk = new Desk()
    desk.ask(assignment({ valid_to: EDGE + 2 * EDGE_MS }))
    const end = { entity: 'worker', entity_id: 'w1', action: 'end' }
    assert.equal(desk.ask(end), 'in_use')
    assert.equal(desk.ask({ ...end, valid_from: EDGE + 2 * EDGE_MS }), 'done')
    assert.equal(
      desk.ask({ ...end, action: 'change', body: { asset_code: 'B' }, valid_from: EDGE + 2 * EDGE_MS }),
      'unknown_worker',
    )
    assert.equal(desk.ask({ entity: 'location', entity_id: 'barn', action: 'end' }), 'in_use')
    assert.equal(desk.ask({ entity: 'location', entity_id: 'shed', action: 'end' }), 'done')
  })
})

describe('bodies', () => {
  test('lack nothing that is needed, and what is fixed stays', () => {
    const desk = new Desk()
    assert.equal(desk.ask({ entity_id: 'new', body: { name: 'x' } }), 'invalid_change')
    assert.equal(desk.ask({ action: 'change', body: { name: null } }), 'invalid_change')
    const moved = { entity: 'container', entity_id: 'c1', action: 'change', body: { location: 'shed' } }
    assert.equal(desk.ask(moved), 'fixed_field')
    assert.equal(desk.ask({ ...moved, body: { location: 'barn', name: 'C2' } }), 'done')
  })

  test('a slot is a place or a name, a pin has a node, a window one scope and the value of its target', () => {
    const desk = new Desk()
    const slot = (body: object): string =>
      desk.ask({ entity: 'slot', entity_id: 'x', body: { container: 'c1', ...body } })
    assert.deepEqual(
      [slot({}), slot({ row: 1 }), slot({ row: 1, col: 1, label: 'A' })],
      ['invalid_change', 'invalid_change', 'invalid_change'],
    )
    assert.equal(slot({ label: 'A' }), 'done')
    assert.equal(desk.ask(identity('10.0.0.1', { body: { kind: 'pin' } })), 'invalid_change')
    const window = { kind: 'heat', scope: 'location', location: 'barn', target: 'pct', starts_at: EDGE }
    const ask = (body: object): string =>
      desk.ask({ entity: 'window', entity_id: 'w', body: { ...window, ...body } })
    assert.equal(ask({}), 'invalid_change')
    assert.equal(ask({ target_value: 101 }), 'invalid_change')
    assert.equal(ask({ target_value: 60, customer: 'otter' }), 'invalid_change')
    assert.equal(ask({ target_value: 60, ends_at: EDGE }), 'invalid_change')
    assert.equal(ask({ target_value: 60, ends_at: EDGE + EDGE_MS }), 'done')
  })

  test('the settings of a provider are there as soon as one is set', () => {
    const desk = new Desk([])
    const change = { entity: 'provider', entity_id: 'p', action: 'change' }
    const body = { thresholds: { under_pct: 90 } }
    assert.equal(desk.ask({ ...change, expected: [1], body }), 'version_conflict')
    assert.equal(desk.ask({ ...change, body: { thresholds: { under_pct: 85 } } }), 'done')
    assert.deepEqual(desk.book.at('provider', 'p', EDGE)?.body, { thresholds: { under_pct: 85 } })
  })
})

describe('enrolment', () => {
  const token_hash = 'ab'.repeat(32)
  const enrol = (fields: Fields = {}): Fields => ({
    action: 'enrol',
    entity: 'node',
    entity_id: 'n1',
    ...fields,
    body: { name: 'Agent 1', key_id: '0123456789abcdef', token_hash, ...fields.body },
  })

  test('a token makes one node of its location', () => {
    const desk = new Desk()
    desk.ask({ entity: 'enrolment', entity_id: 'e1', body: { location: 'barn', token_hash } })
    assert.equal(desk.ask(enrol({ body: { token_hash: 'cd'.repeat(32) } })), 'enrolment_refused')
    assert.equal(desk.ask(enrol()), 'done')
    assert.deepEqual(desk.book.at('node', 'n1', EDGE)?.body, {
      location: 'barn',
      name: 'Agent 1',
      key_id: '0123456789abcdef',
    })
    assert.equal(desk.ask(enrol({ entity_id: 'n2' })), 'enrolment_refused')
  })

  test('for a day', () => {
    const desk = new Desk()
    desk.ask({ entity: 'enrolment', entity_id: 'e1', body: { location: 'barn', token_hash } })
    desk.nowMs += ENROLMENT_MS
    assert.equal(desk.ask(enrol()), 'enrolment_refused')
    desk.nowMs -= 1
    assert.equal(desk.ask(enrol()), 'done')
  })
})
