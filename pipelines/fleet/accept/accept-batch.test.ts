import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Value } from 'typebox/value'
import { COMPLETE_SPANS_MAX, SEQ_MAX } from '../../../schemas/fleet/bounds.ts'
import { FleetBatchSchema, NodeHeartbeatSchema } from '../../../schemas/http/fleet.ts'
import { item, poll } from '../../../test/support/records/fleet-items.ts'
import { Refusal } from '../../json/refusal.ts'
import { nodeHeartbeatFault, telemetryFault } from '../record-faults.ts'
import { acceptBatch, acceptNodeHeartbeat } from './accept-batch.ts'

const NOW = Date.UTC(2026, 10, 30, 12)
const NODE = { provider_id: 'p', location_id: 'l', node_id: 'n', epoch: 3, interval_s: 30 }
const BATCH = { ...NODE, first_seq: 5, lane: 'replay', low: { epoch: 3, seq: 5 }, items: [] }
const HEARTBEAT = { ...NODE, sent_at: NOW, version: '1.2.3' }

test('a batch and a heartbeat are read as they are', () => {
  const { items: _, ...head } = BATCH
  const complete = [{ from: '2026-11-30T11:00:00Z', to: NOW }]
  const spans = [{ from: NOW - 3_600_000, to: NOW }]
  assert.deepEqual(acceptBatch({ ...BATCH, complete }), { ...head, complete: spans })
  const { version: software_version, ...node } = HEARTBEAT
  assert.deepEqual(acceptNodeHeartbeat(HEARTBEAT), { ...node, software_version })
})

test('what a batch says wrong of itself refuses all of it, and says where', () => {
  const span = { from: NOW, to: NOW + 1 }
  const wrong: readonly (readonly [object, string, string])[] = [
    [{ provider_id: 'a/b' }, 'invalid_id', '/provider_id'],
    [{ node_id: undefined }, 'missing', '/node_id'],
    [{ epoch: 0 }, 'out_of_range', '/epoch'],
    [{ first_seq: SEQ_MAX + 1 }, 'out_of_range', '/first_seq'],
    [{ interval_s: 9 }, 'out_of_range', '/interval_s'],
    [{ interval_s: 301 }, 'out_of_range', '/interval_s'],
    [{ lane: 'fast' }, 'invalid_value', '/lane'],
    [{ low: 5 }, 'wrong_type', '/low'],
    [{ low: { epoch: 3, seq: 6 } }, 'invalid_value', '/low'],
    [{ low: { epoch: 3, seq: 5, at: 1 } }, 'unknown_field', '/low/at'],
    [{ complete: [{ from: NOW, to: NOW }] }, 'invalid_value', '/complete/0'],
    [{ complete: Array.from({ length: COMPLETE_SPANS_MAX + 1 }, () => span) }, 'too_large', '/complete'],
    [{ items: undefined }, 'missing', '/items'],
    [{ items: {} }, 'wrong_type', '/items'],
    [{ items: [1] }, 'duplicate_field', '/items'],
    [{ seq: 1 }, 'unknown_field', '/seq'],
  ]
  for (const [fields, code, path] of wrong) {
    const refused = acceptBatch({ ...BATCH, ...fields })
    assert.ok(refused instanceof Refusal, path)
    assert.deepEqual([refused.code, refused.path], [code, path])
  }
  assert.ok(acceptBatch([]) instanceof Refusal)
})

const odd = fc.constantFrom<unknown>(
  undefined,
  null,
  '',
  'p',
  0,
  1,
  3,
  5,
  9,
  30,
  NOW,
  -1,
  1.5,
  'live',
  [],
  {},
  SEQ_MAX,
)
const member = (names: readonly string[]) => fc.tuple(fc.constantFrom(...names), odd)

test('what is accepted fits the documented schema and the task’s bounds', () => {
  const names = [...Object.keys(BATCH), 'complete', 'more']
  fc.assert(
    fc.property(fc.array(member(names), { maxLength: 2 }), (members) => {
      const sent = JSON.parse(JSON.stringify({ ...BATCH, ...Object.fromEntries(members) })) as object
      const head = acceptBatch(sent)
      if (head instanceof Refusal) return
      assert.ok(Value.Check(FleetBatchSchema, { ...sent, items: [{}] }), JSON.stringify(sent))
      assert.equal(telemetryFault({ ...head, items: [item({ poll: poll(NOW) })] }), null)
    }),
    { numRuns: 2_000 },
  )
  fc.assert(
    fc.property(fc.array(member(Object.keys(HEARTBEAT)), { maxLength: 2 }), (members) => {
      const sent = JSON.parse(JSON.stringify({ ...HEARTBEAT, ...Object.fromEntries(members) })) as object
      const heartbeat = acceptNodeHeartbeat(sent)
      if (heartbeat instanceof Refusal) return
      assert.ok(Value.Check(NodeHeartbeatSchema, sent), JSON.stringify(sent))
      assert.equal(nodeHeartbeatFault(heartbeat), null)
    }),
    { numRuns: 1_000 },
  )
})
