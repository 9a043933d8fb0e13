import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { EVENT, NOW, post, setUp } from './app-fixture.ts'
import type { Headers } from './app-fixture.ts'

describe('CloudEvents', () => {
  let parts: Awaited<ReturnType<typeof setUp>>
  before(async () => {
    parts = await setUp()
  })
  after(() => parts.app.close())
  const STRUCTURED = 'application/cloudevents+json'
  const BATCH = 'application/cloudevents-batch+json'
  const data = { model_id: 'llama', task_source: 'hive', actual_usd_cost: '0.29' }
  const cloudEvent = {
    specversion: '1.0',
    type: 'hivemeter.usage.v1',
    source: '/c/7',
    subject: 'node-1',
    id: 'call 17',
    time: '2026-11-21T12:00:00Z',
    traceparent: '00-x',
    data,
  }
  const send = (body: unknown, type: string, headers: Headers = {}) =>
    post(parts.app, JSON.stringify(body), { 'content-type': type, ...headers })
  const last = () => parts.log.events().at(-1)

  it('binary without a content type, as the Python SDK sends it', async () => {
    const answer = await parts.app.inject({
      method: 'POST',
      url: '/v1/events',
      headers,
      payload: Buffer.from(JSON.stringify(data)),
    })
    assert.equal(answer.statusCode, 202)
    assert.equal(last()?.event_text, 'call 18 €')
  })

  it('structured and batch', async () => {
    assert.equal((await send(cloudEvent, `${STRUCTURED}; charset=UTF-8`)).accepted, 1)
    assert.equal(last()?.event_text, 'call 17')
    assert.equal(last()?.cost_nano_usd, 290_000_000)
    const { accepted, rejected } = await send([cloudEvent, { ...cloudEvent, type: 'other' }, EVENT], BATCH)
    assert.equal(accepted, 1)
    assert.deepEqual(
      rejected.map(({ index, event_id, code, path }) => [index, event_id, code, path]),
      [
        [1, 'call 17', 'unsupported_event', '/type'],
        [2, null, 'unsupported_event', '/specversion'],
      ],
    )
    const repeated = JSON.stringify(cloudEvent).replace('"0.29"', '"0.29","actual_usd_cost":"0.01"')
    const twice = await post(parts.app, repeated, { 'content-type': STRUCTURED })
    assert.deepEqual([twice.status, twice.rejected[0]?.path], [422, '/data/actual_usd_cost'])
    assert.equal((await send([cloudEvent], STRUCTURED)).rejected[0]?.code, 'not_an_object')
    assert.equal((await send(cloudEvent, BATCH)).rejected[0]?.code, 'not_an_array')
    assert.equal((await send([], BATCH)).status, 422)
    assert.equal((await send(cloudEvent, 'application/json')).rejected[0]?.code, 'unknown_field')
  })

  const headers = {
    'ce-specversion': '1.0',
    'ce-type': 'hivemeter.usage.v1',
    'ce-source': '/c/7',
    'ce-subject': 'node-2',
    'ce-id': 'call%2018%20%E2%82%AC',
    'ce-time': '2026-11-21T12:00:00Z',
    'ce-traceparent': '00-x',
  }

  it('binary: attributes in headers, the body is the data', async () => {
    assert.equal((await send(data, 'application/json', headers)).accepted, 1)
    assert.equal(last()?.event_text, 'call 18 €')
    assert.equal(last()?.node_id, 'node-2')
    await send(data, 'application/json', { ...headers, 'ce-id': '"quoted \\"id\\""' })
    assert.equal(last()?.event_text, 'quoted "id"')
    const packed = gzipSync(JSON.stringify(data))
    assert.equal((await post(parts.app, packed, { ...headers, 'content-encoding': 'gzip' })).status, 202)
  })

  it('binary: what is refused', async () => {
    const refused = async (more: Headers, body: unknown = data) => {
      const { status, rejected } = await send(body, 'application/json', { ...headers, ...more })
      assert.equal(status, 422)
      return `${rejected[0]?.code} ${rejected[0]?.path}`
    }
    assert.equal(await refused({ 'ce-specversion': '0.3' }), 'unsupported_event /specversion')
    assert.equal(await refused({ 'ce-id': '%ff' }), 'invalid_text /id')
    assert.equal(await refused({ 'ce-id': 'é' }), 'invalid_text /id')
    assert.equal(await refused({ 'ce-id': '' }), 'invalid_text /id')
    assert.equal(await refused({ 'ce-data': 'x' }), 'unknown_field /data')
    assert.equal(await refused({ 'ce-actual_usd_cost': '5' }), 'unknown_field /actual_usd_cost')
    assert.equal(await refused({}, [data]), 'not_an_object /data')
    assert.equal(await refused({}, 5), 'not_an_object /data')
    assert.equal(await refused({}, { ...data, occurred_at: NOW }), 'unknown_field /data/occurred_at')
    assert.equal(await refused({}, EVENT), 'unknown_field /data/event_id')
  })
})
