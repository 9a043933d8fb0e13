import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import { FRAME_BYTES, SCHEMA_ID } from '../../schemas/avro.ts'
import { usageEventsIn } from '../../schemas/usage-values.ts'
import { REGISTRY_TYPE } from '../../schemas/http/registry.ts'
import { eventId, usageEvent } from '../../test/support/records/usage-events.ts'
import { PUBLIC_REQUESTS_PER_SECOND_MAX } from '../access/access.ts'
import { isProblem, setUp } from './app-fixture.ts'

const SUBJECT = 'usage.metered-value'

async function get(path: string): Promise<{ status: number; type: string; body: unknown }> {
  const { app } = await setUp()
  const answer = await app.inject({ url: `/schema-registry${path}` })
  return {
    status: answer.statusCode,
    type: String(answer.headers['content-type']),
    body: answer.json<unknown>(),
  }
}

test('a serializer finds the newest schema and its id by the topic alone', async () => {
  const { status, type, body } = await get(`/subjects/${SUBJECT}/versions/latest`)
  assert.equal(status, 200)
  assert.ok(type.startsWith(REGISTRY_TYPE), type)
  const { schema, ...rest } = body as { schema: string }
  assert.deepEqual(rest, { subject: SUBJECT, version: 1, id: SCHEMA_ID.usageEvent, schemaType: 'AVRO' })
  // Records that a client writes with that schema, from the required fields alone, are readable to the aggregator.
  const writer = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, { wrapUnions: false })
  const fields = {
    event_id: eventId(7),
    node_id: 'node-1',
    model_id: 'model-1',
    task_source: 'hive',
    occurred_at: 5,
  }
  const frame = Buffer.alloc(FRAME_BYTES)
  frame.writeUInt32BE(SCHEMA_ID.usageEvent, 1)
  const [event] = usageEventsIn(Buffer.concat([frame, writer.toBuffer(fields)]))
  assert.deepEqual({ ...event }, usageEvent(fields as never))
})

test('Confluent’s read paths answer alike', async () => {
  const latest = await get(`/subjects/${SUBJECT}/versions/latest`)
  for (const version of ['1', '-1']) {
    assert.deepEqual(await get(`/subjects/${SUBJECT}/versions/${version}`), latest)
  }
  const { schema } = latest.body as { schema: string }
  const same: readonly (readonly [path: string, body: unknown])[] = [
    ['/subjects', [SUBJECT]],
    [`/subjects/${SUBJECT}/versions`, [1]],
    [`/subjects/${SUBJECT}/versions/1/schema`, JSON.parse(schema)],
    [`/schemas/ids/${SCHEMA_ID.usageEvent}`, { schema, schemaType: 'AVRO' }],
    [`/schemas/ids/${SCHEMA_ID.usageEvent}/schema`, JSON.parse(schema)],
    ['/schemas/types', ['AVRO']],
    ['/config', { compatibilityLevel: 'BACKWARD' }],
    [`/config/${SUBJECT}`, { compatibilityLevel: 'BACKWARD' }],
    ['/mode', { mode: 'READONLY' }],
  ]
  for (const [path, body] of same) assert.deepEqual((await get(path)).body, body, path)
})

test('every id of usage events has the schema that its records are written with', async () => {
  for (const id of [SCHEMA_ID.usageEventsV1, SCHEMA_ID.usageEvents, SCHEMA_ID.usageEvent]) {
    const { schema } = (await get(`/schemas/ids/${id}`)).body as { schema: string }
    // Each schema describes its id in its own words.
    assert.match((JSON.parse(schema) as { doc: string }).doc, new RegExp(`Schema id ${id}\\.`))
  }
})

test('what is not there is said with Confluent’s codes, and no schema but that of usage events is shown', async () => {
  const { app } = await setUp()
  for (const [path, code] of [
    ['/subjects/account.inbox-value/versions/latest', 40401],
    ['/subjects/nothing/versions', 40401],
    [`/subjects/${SUBJECT}/versions/2`, 40402],
    [`/subjects/${SUBJECT}/versions/1e0`, 40402],
    [`/schemas/ids/${SCHEMA_ID.account}`, 40403],
    [`/schemas/ids/${SCHEMA_ID.tick}`, 40403],
    ['/schemas/ids/0x6', 40403],
  ] as const) {
    const answer = await app.inject({ url: `/schema-registry${path}` })
    const body = answer.json<{ error_code: number; message: string; detail: string }>()
    assert.equal(answer.statusCode, 404, path)
    isProblem(answer, body)
    assert.deepEqual([body.error_code, body.message], [code, body.detail], path)
  }
})

test('nobody registers anything, and an address that asks too often waits', async () => {
  const { app } = await setUp()
  const url = `/schema-registry/subjects/${SUBJECT}/versions`
  const posted = await app.inject({ method: 'POST', url, payload: { schema: '"string"' } })
  assert.ok([404, 405].includes(posted.statusCode), String(posted.statusCode))
  const statuses: number[] = []
  for (let sent = 0; sent <= PUBLIC_REQUESTS_PER_SECOND_MAX; sent++) {
    statuses.push((await app.inject({ url })).statusCode)
  }
  assert.equal(statuses.at(0), 200)
  assert.equal(statuses.at(-1), 429)
})
