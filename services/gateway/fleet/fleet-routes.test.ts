import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { Value } from 'typebox/value'
import { AHEAD_MS_MAX, BATCH_ITEMS_MAX, ITEM_BYTES_MAX } from '../../../schemas/fleet/bounds.ts'
import {
  FleetAcceptedSchema,
  HEARTBEAT_BYTES_MAX,
  NodeHeardSchema,
  PACKED_BATCH_TYPE,
} from '../../../schemas/http/fleet.ts'
import { ProblemSchema } from '../../../schemas/http/problem.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { accessBy, addKey } from '../../../test/support/records/access-keys.ts'
import {
  batch,
  batchesIn,
  heartbeatsOf,
  item,
  poll,
  sample,
} from '../../../test/support/records/fleet-items.ts'
import { packed as packedTelemetry } from '../../../test/support/records/sent-telemetry.ts'
import { KeyRing } from '../../access/key-ring.ts'
import type { Refusal } from '../../audit/refusals.ts'
import { SCOPES } from '../../http/caller.ts'
import { NOW, setUp } from '../app-fixture.ts'
import { REPLAY_ITEMS_PER_SECOND_MIN } from './replay-share.ts'

const NODE = { provider_id: 'krill', location_id: 'barn', node_id: 'agent-1', epoch: 2, interval_s: 30 }
const SAMPLE = { sample: { observed_at: NOW, serial: 'HM-1', power_w: 3_300 } }
const BATCH = { ...NODE, first_seq: 11, lane: 'live', low: { epoch: 1, seq: 40 }, items: [SAMPLE] }
const HEARTBEAT = { ...NODE, sent_at: NOW, version: '0.3.0' }

async function post(app: FastifyInstance, path: string, body: unknown, headers: Record<string, string> = {}) {
  const payload = Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body)
  const answer = await app.inject({
    method: 'POST',
    url: `/v1/fleet/${path}`,
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  })
  const json: unknown = answer.json()
  if (answer.statusCode === 202) {
    assert.ok(Value.Check(path === 'telemetry' ? FleetAcceptedSchema : NodeHeardSchema, json), answer.body)
  } else assert.ok(Value.Check(ProblemSchema, json), answer.body)
  return { status: answer.statusCode, body: json as Record<string, unknown> }
}

test('a batch is a record of its provider, and the answer says when the log took it', async () => {
  const { app, fleetLog } = await setUp()
  fleetLog.aheadMs = 1_500
  const { status, body } = await post(app, 'telemetry', BATCH)
  assert.equal(status, 202)
  const log_time = new Date(NOW + 1_500).toISOString()
  const accepted = { log_time, accepted: 1, refused: [] }
  assert.deepEqual(body, { ...accepted, replay_budget: REPLAY_ITEMS_PER_SECOND_MIN, config_version: 0 })
  const record = fleetLog.records.at(-1)
  assert.deepEqual([record?.key, record?.partition], ['krill', partitionOfNode('krill', 4)])
  const [written, ...others] = batchesIn(fleetLog.records.map(({ value }) => value))
  assert.deepEqual(others, [])
  assert.deepEqual([written?.first_seq, written?.items[0]?.sample?.power_w], [11, 3_300])
  await app.close()
})

test('items are refused by index, and their numbers stay in the run', async () => {
  const { app, fleetLog } = await setUp()
  const future = { sample: { ...SAMPLE.sample, observed_at: NOW + AHEAD_MS_MAX + 1 } }
  const large = { sample: { ...SAMPLE.sample, more: ' '.repeat(ITEM_BYTES_MAX) } }
  const { body } = await post(app, 'telemetry', { ...BATCH, items: [future, SAMPLE, large] })
  assert.equal(body['accepted'], 1)
  assert.deepEqual(
    (body['refused'] as { index: number; code: string }[]).map(({ index, code }) => [index, code]),
    [
      [0, 'in_the_future'],
      [2, 'too_large'],
    ],
  )
  const [written] = batchesIn(fleetLog.records.map(({ value }) => value))
  assert.deepEqual(
    written?.items.map(({ refused }) => refused),
    ['in_the_future', null, 'too_large'],
  )
  const none = await post(app, 'telemetry', { ...BATCH, items: [future] })
  assert.deepEqual([none.status, none.body['accepted']], [202, 0], 'the numbers are used all the same')
  await app.close()
})

test('a body that is no batch is a problem, and nothing of it is taken', async () => {
  const { app, fleetLog } = await setUp()
  const many = Array.from({ length: BATCH_ITEMS_MAX + 1 }, () => SAMPLE)
  const wrong: readonly (readonly [unknown, number, string])[] = [
    ['{', 400, 'not_json'],
    ['[]', 422, 'invalid_request'],
    [{ ...BATCH, items: [] }, 422, 'nothing_accepted'],
    [{ ...BATCH, items: many }, 413, 'too_many_events'],
    [{ ...BATCH, interval_s: 5 }, 422, 'invalid_request'],
    [{ ...BATCH, low: { epoch: 2, seq: 12 } }, 422, 'invalid_request'],
  ]
  for (const [body, status, code] of wrong) {
    const answer = await post(app, 'telemetry', body)
    assert.deepEqual([answer.status, answer.body['code']], [status, code])
  }
  const { body } = await post(app, 'telemetry', { ...BATCH, interval_s: 5 })
  assert.equal((body['errors'] as { path: string }[])[0]?.path, '/interval_s')
  assert.deepEqual(batchesIn(fleetLog.records.map(({ value }) => value)), [])
  const text = await app.inject({
    method: 'POST',
    url: '/v1/fleet/telemetry',
    payload: 'x',
    headers: { 'content-type': 'text/csv' },
  })
  assert.equal(text.statusCode, 415)
  await app.close()
})

test('a body may be packed', async () => {
  const { app } = await setUp()
  const packed = gzipSync(JSON.stringify(BATCH))
  assert.equal((await post(app, 'telemetry', packed, { 'content-encoding': 'gzip' })).status, 202)
  await app.close()
})

test('a body may be the record itself, and is judged as JSON is', async () => {
  const { app, fleetLog } = await setUp()
  const items = [item({ sample: sample(NOW, { power_w: -1 }) }), item({ poll: poll(NOW + AHEAD_MS_MAX + 1) })]
  const packed = packedTelemetry({ ...batch(items), ...NODE })
  for (const [body, headers] of [
    [packed, { 'content-type': PACKED_BATCH_TYPE }],
    [
      gzipSync(packed),
      { 'content-type': `${PACKED_BATCH_TYPE.toUpperCase()}; v=1`, 'content-encoding': 'gzip' },
    ],
  ] as const) {
    const answer = await post(app, 'telemetry', body, headers)
    assert.partialDeepStrictEqual(answer, { status: 202, body: { accepted: 1 } })
    assert.partialDeepStrictEqual(answer.body['refused'], [
      { index: 1, code: 'in_the_future', path: '/poll/observed_at' },
    ])
    const written = batchesIn(fleetLog.records.map(({ value }) => value)).at(-1)
    assert.deepEqual(written?.items[0]?.sample?.warnings, ['out_of_range: /sample/power_w'])
    assert.equal(written?.items[1]?.refused, 'in_the_future')
  }
  const cut = await post(app, 'telemetry', packed.subarray(0, -1), { 'content-type': PACKED_BATCH_TYPE })
  assert.deepEqual([cut.status, cut.body['code']], [400, 'unreadable_body'])
  const none = await post(app, 'telemetry', packedTelemetry({ ...batch([]), ...NODE }), {
    'content-type': PACKED_BATCH_TYPE,
  })
  assert.deepEqual([none.status, none.body['code']], [422, 'nothing_accepted'])
  await app.close()
})

test('without the acknowledgement of the broker the node sends the same again', async () => {
  const { app, fleetLog, clock } = await setUp()
  fleetLog.plan.push('store_and_refuse')
  const unknown = await post(app, 'telemetry', BATCH)
  assert.deepEqual([unknown.status, unknown.body['code']], [503, 'outcome_unknown'])
  const away = await post(app, 'telemetry', BATCH)
  assert.deepEqual([away.status, away.body['code']], [503, 'log_unavailable'])
  await clock.pass(1_000)
  await clock.pass(0)
  assert.equal((await post(app, 'telemetry', BATCH)).status, 202)
  await app.close()
})

test('a heartbeat is a record of its own', async () => {
  const { app, fleetLog } = await setUp()
  assert.equal((await post(app, 'heartbeat', HEARTBEAT)).status, 202)
  const [heartbeat] = heartbeatsOf(fleetLog.records.map(({ value }) => value))
  assert.deepEqual([heartbeat?.software_version, heartbeat?.epoch, heartbeat?.sent_at], ['0.3.0', 2, NOW])
  for (const body of [[HEARTBEAT], { ...HEARTBEAT, version: '' }, { ...HEARTBEAT, more: 1 }]) {
    const { status } = await post(app, 'heartbeat', body)
    assert.ok(status === 400 || status === 422, String(status))
  }
  const wide = { ...HEARTBEAT, version: 'x'.repeat(HEARTBEAT_BYTES_MAX) }
  assert.equal((await post(app, 'heartbeat', wide)).status, 413)
  await app.close()
})

test('every scope × the key’s own node, another node, location and provider', async () => {
  const keys = new KeyRing()
  const audited: Refusal[] = []
  const audit = { refused: (refusal: Refusal) => void audited.push(refusal) }
  const { app } = await setUp({ access: accessBy(keys), audit })
  const { provider_id, location_id, node_id } = NODE
  const fleet_node = { provider_id, location_id, node_id }
  const keyOf = (scopes: string[], fields: object = {}): Record<string, string> => ({
    authorization: `Bearer ${addKey(keys, { scopes, ...fields })}`,
  })
  for (const [path, body] of [
    ['telemetry', BATCH],
    ['heartbeat', HEARTBEAT],
  ] as const) {
    assert.equal((await post(app, path, body)).status, 401)
    for (const scope of SCOPES) {
      const expected = scope === 'fleet:telemetry' || scope === 'admin' ? 202 : 403
      assert.equal((await post(app, path, body, keyOf([scope], { fleet_node }))).status, expected, scope)
    }
    audited.length = 0
    const own = keyOf(['fleet:telemetry'], { fleet_node })
    for (const foreign of [{ node_id: 'agent-2' }, { location_id: 'shed' }, { provider_id: 'plaice' }]) {
      const { status, body: problem } = await post(app, path, { ...body, ...foreign }, own)
      assert.deepEqual([status, problem['code']], [403, 'not_own_node'], JSON.stringify(foreign))
    }
    assert.deepEqual(
      audited.map(({ kind, nodeId, reason }) => [kind, nodeId, reason]),
      ['agent-2', node_id, node_id].map((nodeId) => ['foreign_node', nodeId, 'not_own_node']),
    )
    // Such a key names nodes of no other kind, and one without a node stands for none.
    const nobody = keyOf(['fleet:telemetry'], { nodes: ['*'] })
    assert.equal((await post(app, path, body, nobody)).status, 403)
    const event = { event_id: 'e', node_id, model_id: 'm', task_source: 'own', occurred_at: NOW }
    const events = await app.inject({ method: 'POST', url: '/v1/events', payload: event, headers: own })
    assert.equal(events.statusCode, 403, 'it opens nothing else')
  }
  await app.close()
})
