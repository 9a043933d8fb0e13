import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Value } from 'typebox/value'
import { USAGE_FIELDS, acceptUsageEvent } from '../../pipelines/usage/accept/accept.ts'
import { acceptCloudEvent } from '../../pipelines/usage/accept/accept-cloudevent.ts'
import { Refusal } from '../../pipelines/json/refusal.ts'
import { CloudEventSchema, UsageEventSchema } from '../../schemas/http/gateway.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const GOOD: Readonly<Record<string, unknown>> = {
  event_id: 'call-17',
  node_id: 'node-1',
  model_id: 'llama',
  task_source: 'hive',
  occurred_at: NOW,
}

/** Values at the bounds of the fields, one beyond them, and of every other type. */
const VALUES: readonly unknown[] = [
  null,
  undefined,
  true,
  {},
  [],
  '',
  'x',
  'own',
  'idle',
  'device',
  'none',
  'a b',
  'é',
  'x'.repeat(64),
  'x'.repeat(65),
  'x'.repeat(128),
  'x'.repeat(129),
  'x'.repeat(256),
  'x'.repeat(257),
  '0.29',
  '-1',
  '1e2',
  '1.',
  '1000000',
  '2026-11-21T12:00:00Z',
  0,
  1,
  -1,
  0.5,
  2 ** 31 - 1,
  2 ** 31,
  604_800_000,
  604_800_001,
  1e6,
  1e6 + 1,
  4e9,
  4e9 + 1,
  NOW,
]

const member = fc.tuple(
  fc.constantFrom(...USAGE_FIELDS, 'unknown', 'actual_usd_costs'),
  fc.constantFrom(...VALUES),
)

test('the documented schema has the fields that are taken, and no others', () => {
  assert.deepEqual(new Set(Object.keys(UsageEventSchema.properties)), new Set(USAGE_FIELDS))
  const { data } = CloudEventSchema.properties
  const inData = USAGE_FIELDS.filter(
    (name) => !['event_id', 'source', 'node_id', 'occurred_at'].includes(name),
  )
  assert.deepEqual(new Set(Object.keys(data.properties)), new Set(inData))
})

test('what is accepted fits the documented schema, and what does not fit is refused', () => {
  let fitting = 0
  fc.assert(
    fc.property(fc.array(member, { maxLength: 2 }), (members) => {
      const item = JSON.parse(JSON.stringify({ ...GOOD, ...Object.fromEntries(members) })) as unknown
      const isAccepted = !(acceptUsageEvent(item, NOW) instanceof Refusal)
      const fits = Value.Check(UsageEventSchema, item)
      if (isAccepted) fitting += 1
      assert.ok(fits || !isAccepted, `accepted, but does not fit: ${JSON.stringify(item)}`)
    }),
    { numRuns: 5_000 },
  )
  assert.ok(fitting > 500, `only ${fitting} of 5,000 were accepted`)
})

test('the same for CloudEvents', () => {
  const { event_id: id, node_id: subject, model_id, task_source } = GOOD
  const data = { model_id, task_source }
  const good = {
    specversion: '1.0',
    type: 'hivemeter.usage.v1',
    source: '/c/7',
    id,
    subject,
    time: '2026-11-21T12:00:00Z',
    data,
  }
  const attribute = fc.tuple(
    fc.constantFrom('specversion', 'type', 'source', 'id', 'subject', 'time', 'data', 'extension'),
    fc.constantFrom(...VALUES),
  )
  fc.assert(
    fc.property(
      fc.array(attribute, { maxLength: 1 }),
      fc.array(member, { maxLength: 1 }),
      (attributes, members) => {
        const inData = { ...data, ...Object.fromEntries(members) }
        const sent = { ...good, data: inData, ...Object.fromEntries(attributes) }
        const item = JSON.parse(JSON.stringify(sent)) as unknown
        const isAccepted = !(acceptCloudEvent(item, NOW) instanceof Refusal)
        assert.ok(Value.Check(CloudEventSchema, item) || !isAccepted, JSON.stringify(item))
      },
    ),
    { numRuns: 2_000 },
  )
})
