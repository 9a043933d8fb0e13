import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { deflateSync, gzipSync, zstdCompressSync, constants as zlib } from 'node:zlib'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { Value } from 'typebox/value'
import { silentLogger } from '../../pipelines/logger.ts'
import { AcceptedSchema } from '../../schemas/http/gateway.ts'
import { ProblemSchema } from '../../schemas/http/problem.ts'
import { formatUuid } from '../../schemas/ids.ts'
import { opsRoutes } from '../http/ops.ts'
import { createMetrics } from '../metrics.ts'
import { createGatewayApp } from './app.ts'
import { BODY_BYTES_MAX } from './body.ts'
import { ManualClock, MemoryLog, settled } from './fixtures.ts'
import { REQUESTS_MAX } from './in-flight.ts'
import { PROBE_PAUSE_MS, UsageQueue } from './queue.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const UUID = '01234567-89ab-cdef-0123-456789abcdef'
const EVENT = { event_id: UUID, node_id: 'node-1', model_id: 'llama', task_source: 'hive', occurred_at: NOW }

async function setUp() {
  const clock = new ManualClock(NOW)
  const log = new MemoryLog(clock)
  const metrics = createMetrics('gateway')
  const queue = new UsageQueue({ producer: log, partitions: 4, clock, logger: silentLogger, metrics })
  const ops = opsRoutes({ readiness: () => ({ waitingFor: [], halted: [] }), metrics })
  const app = await createGatewayApp({ queue, logger: silentLogger, metrics, ops })
  queue.start()
  await settled()
  await settled()
  return { app, clock, log, queue, metrics }
}

type Headers = Record<string, string>

async function post(app: FastifyInstance, payload: string | Buffer, headers: Headers = {}) {
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/events',
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  })
  const body = answer.json<Answer>()
  if (answer.statusCode === 202) assert.ok(Value.Check(AcceptedSchema, body))
  else isProblem(answer, body)
  return { status: answer.statusCode, headers: answer.headers, ...body }
}

interface Answer {
  readonly code: string
  readonly detail: string
  readonly accepted: number
  readonly rejected: readonly { index: number; event_id: string | null; code: string; path: string }[]
  readonly unknown: readonly number[]
  readonly not_taken: readonly number[]
}

function isProblem(answer: LightMyRequestResponse, body: unknown): void {
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
  assert.ok(Value.Check(ProblemSchema, body), answer.body)
  assert.equal(answer.headers['retry-after'], answer.statusCode === 503 ? '1' : undefined)
}

describe('POST /v1/events', () => {
  let parts: Awaited<ReturnType<typeof setUp>>
  before(async () => {
    parts = await setUp()
  })
  after(() => parts.app.close())
  const send = (body: unknown, headers?: Headers) => post(parts.app, JSON.stringify(body), headers)

  it('takes one event and an array, and answers after the log has them', async () => {
    const before = parts.log.events().length
    assert.deepEqual((await send(EVENT)).accepted, 1)
    const { status, accepted, rejected } = await send([EVENT, { ...EVENT, event_id: 'second' }])
    assert.deepEqual({ status, accepted, rejected }, { status: 202, accepted: 2, rejected: [] })
    const stored = parts.log.events().slice(before)
    assert.deepEqual(
      stored.map((event) => event.event_text ?? formatUuid(event.event_id)),
      [UUID, UUID, 'second'],
    )
  })

  it('judges each event by itself', async () => {
    const { status, accepted, rejected } = await send([
      { ...EVENT, actual_usd_costs: 1 },
      EVENT,
      5,
      { ...EVENT, event_id: 'ULID-no', tokens_in: -1 },
      { ...EVENT, event_id: 'x'.repeat(300) },
    ])
    assert.deepEqual([status, accepted], [202, 1])
    assert.deepEqual(
      rejected.map(({ index, event_id, code, path }) => [index, event_id, code, path]),
      [
        [0, UUID, 'unknown_field', '/actual_usd_costs'],
        [2, null, 'not_an_object', ''],
        [3, 'ULID-no', 'out_of_range', '/tokens_in'],
        [4, null, 'invalid_text', '/event_id'],
      ],
    )
  })

  it('422 where nothing is acceptable, with the same list', async () => {
    const one = await send({ ...EVENT, node_id: 'a b' })
    assert.deepEqual([one.status, one.code, one.accepted], [422, 'nothing_accepted', 0])
    assert.deepEqual(
      one.rejected.map(({ code, path }) => [code, path]),
      [['invalid_id', '/node_id']],
    )
    const none = await send([])
    assert.deepEqual([none.status, none.accepted, none.rejected], [422, 0, []])
    for (const scalar of [null, 5, 'text', true]) assert.equal((await send(scalar)).status, 422)
  })

  it('lone surrogates are refused and shown as they were sent', async () => {
    const { status, rejected } = await post(parts.app, JSON.stringify(EVENT).replace(UUID, 'a\\ud800'))
    assert.equal(status, 422)
    assert.deepEqual([rejected[0]?.code, rejected[0]?.event_id], ['invalid_text', 'a\ud800'])
  })

  it('400 for what is no JSON in UTF-8', async () => {
    for (const body of [
      '',
      '{',
      '[1,]',
      '{"a":1}{',
      'event',
      Buffer.from([0x22, 0xff, 0x22]),
      '['.repeat(100_000),
    ]) {
      const { status, code } = await post(parts.app, body)
      assert.deepEqual([status, code], [400, 'not_json'], String(body).slice(0, 20))
    }
  })

  it('413 above 8 MiB and above 10,000 events, and nothing of it is taken', async () => {
    const before = parts.log.records.length
    const padded = (bytes: number) => JSON.stringify(EVENT).padEnd(bytes, ' ')
    assert.equal((await post(parts.app, padded(BODY_BYTES_MAX))).status, 202)
    const over = await post(parts.app, padded(BODY_BYTES_MAX + 1))
    assert.deepEqual([over.status, over.code], [413, 'body_too_large'])
    const packedOver = await post(parts.app, gzipSync(padded(BODY_BYTES_MAX + 1)), {
      'content-encoding': 'gzip',
    })
    assert.deepEqual([packedOver.status, packedOver.code], [413, 'body_too_large'])
    const packed = await post(parts.app, gzipSync(padded(BODY_BYTES_MAX)), { 'content-encoding': 'gzip' })
    assert.equal(packed.status, 202)
    assert.equal(parts.log.records.length, before + 2)

    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ ...EVENT, event_id: `e${index}` }))
    const tooMany = await send(many(10_001))
    assert.deepEqual([tooMany.status, tooMany.code], [413, 'too_many_events'])
    assert.equal(parts.log.records.length, before + 2)
    assert.equal((await send(many(10_000))).accepted, 10_000)
  })

  it('413 quickly for 600 MiB of zeros in gzip, deflate and zstd', async () => {
    const zeros = Buffer.alloc(64 * 1_048_576)
    const gzip = gzipSync(zeros)
    const bomb = {
      gzip: Buffer.concat(Array.from({ length: 9 }, () => gzip)),
      deflate: deflateSync(zeros),
      zstd: zstdCompressSync(zeros),
    }
    const startedAt = process.cpuUsage()
    const residentBytes = process.memoryUsage.rss()
    for (const [coding, body] of Object.entries(bomb)) {
      const { status, code } = await post(parts.app, body, { 'content-encoding': coding })
      assert.deepEqual([status, code], [413, 'body_too_large'], coding)
    }
    assert.ok(process.cpuUsage(startedAt).user < 1_000_000, 'under a second of CPU')
    assert.ok(process.memoryUsage.rss() - residentBytes < 100 * 1_048_576, 'under 100 MiB of memory')
  })

  it('gzip, deflate, zstd, identity; 415 for another coding, 400 for a broken one', async () => {
    const body = Buffer.from(JSON.stringify(EVENT))
    for (const [coding, packed] of [
      ['gzip', gzipSync(body)],
      ['X-GZIP', gzipSync(body)],
      ['deflate', deflateSync(body)],
      ['zstd', zstdCompressSync(body)],
      ['identity', body],
    ] as const) {
      assert.equal((await post(parts.app, packed, { 'content-encoding': coding })).status, 202, coding)
    }
    for (const coding of ['br', 'gzip, gzip', 'compress']) {
      const { status, code, headers } = await post(parts.app, body, { 'content-encoding': coding })
      assert.deepEqual([status, code], [415, 'unsupported_encoding'], coding)
      assert.match(String(headers['accept-encoding']), /gzip/)
    }
    const hugeWindow = zstdCompressSync(body, { params: { [zlib.ZSTD_c_windowLog]: 27 } })
    for (const [coding, packed] of [
      ['gzip', body],
      ['gzip', gzipSync(body).subarray(0, -9)],
      ['gzip', Buffer.alloc(0)],
      ['deflate', gzipSync(body)],
      ['zstd', body],
      ['deflate', Buffer.concat([deflateSync(body), Buffer.from('more')])],
      ['zstd', Buffer.concat([zstdCompressSync(body), zstdCompressSync(' ')])],
    ] as const) {
      const { status, code } = await post(parts.app, packed, { 'content-encoding': coding })
      assert.deepEqual([status, code], [400, 'unreadable_body'], coding)
    }
    assert.equal((await post(parts.app, hugeWindow, { 'content-encoding': 'zstd' })).status, 202)
  })

  it('415 for another content type', async () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'application/jsonx',
      'application/json; charset=latin1',
      'x',
    ]) {
      const { status, code } = await post(parts.app, JSON.stringify(EVENT), { 'content-type': type })
      assert.deepEqual([status, code], [415, 'unsupported_media_type'], type)
    }
    const none = await parts.app.inject({ method: 'POST', url: '/v1/events', payload: Buffer.from('{}') })
    assert.equal(none.statusCode, 415)
    const empty = await parts.app.inject({ method: 'POST', url: '/v1/events' })
    assert.equal(empty.statusCode, 415)
    for (const type of [
      'application/json; charset=utf-8',
      'Application/JSON;charset="UTF-8"',
      'application/json; v=1',
    ]) {
      assert.equal((await post(parts.app, JSON.stringify(EVENT), { 'content-type': type })).status, 202, type)
    }
  })
})

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

describe('the log is away', () => {
  it('503 until the first acknowledgement', async () => {
    const { app, clock, log, queue } = await setUp()
    log.plan.push('refuse', 'refuse')
    const lost = await post(app, JSON.stringify(EVENT))
    assert.deepEqual([lost.status, lost.code], [503, 'outcome_unknown'])
    assert.deepEqual([lost.accepted, lost.unknown, lost.not_taken], [0, [0], []])
    const away = await post(app, JSON.stringify(EVENT))
    assert.deepEqual([away.status, away.code], [503, 'log_unavailable'])
    await settled()
    await clock.pass(PROBE_PAUSE_MS)
    await settled()
    assert.equal((await post(app, JSON.stringify(EVENT))).status, 202)
    queue.refuseMore()
    assert.match((await post(app, JSON.stringify(EVENT))).detail, /stopping/)
    await app.close()
  })

  it('names which part of a request was acknowledged, by the index in the request', async () => {
    const { app, log } = await setUp()
    const model_id = '\u{1f600}'.repeat(128)
    const many = Array.from({ length: 6_000 }, (_, index) => ({ ...EVENT, event_id: `e${index}`, model_id }))
    many[0] = { ...EVENT, node_id: '!' }
    log.plan.push('hold', 'refuse')
    const answering = post(app, JSON.stringify(many))
    while (log.plan.length > 1) await settled()
    await log.release()
    const { status, code, accepted, unknown, not_taken, rejected } = await answering
    assert.deepEqual([status, code], [503, 'outcome_unknown'])
    assert.deepEqual(
      rejected.map(({ index }) => index),
      [0],
    )
    const stored = new Set(log.events().map((event) => event.event_text))
    assert.equal(stored.size, accepted)
    assert.equal(accepted + unknown.length + not_taken.length, 5_999)
    for (const index of [...unknown, ...not_taken]) assert.ok(index > 0 && !stored.has(`e${index}`))
    await app.close()
  })

  it('503 overloaded where more requests are under way than the bound', async () => {
    const { app, log } = await setUp()
    log.plan.push('hold')
    const first = post(app, JSON.stringify(EVENT))
    while (log.plan.length > 0) await settled()
    const waiting = Array.from({ length: REQUESTS_MAX - 1 }, () => post(app, JSON.stringify(EVENT)))
    for (let turn = 0; turn < 50; turn += 1) await settled()
    const over = await post(app, JSON.stringify(EVENT))
    assert.deepEqual([over.status, over.code], [503, 'overloaded'])
    await log.release()
    for (const { status } of await Promise.all([first, ...waiting])) assert.equal(status, 202)
    assert.equal((await post(app, JSON.stringify(EVENT))).status, 202, 'all room is given back')
    assert.equal(log.records.length, 4, 'a tick, the held send, all that waited in one record, the last')
    await app.close()
  })
})

describe('what the gateway tells about itself', () => {
  it('health, metrics, OpenAPI 3.1, 404 as a problem', async () => {
    const { app } = await setUp()
    await post(app, JSON.stringify([EVENT, { ...EVENT, tokens_in: -1 }]))
    await post(app, '{')
    assert.equal((await app.inject('/healthz')).statusCode, 200)
    assert.equal((await app.inject('/readyz')).statusCode, 200)
    const { body } = await app.inject('/metrics')
    assert.match(body, /hivemeter_events_accepted_total\{service="gateway"\} 1\n/)
    assert.match(body, /hivemeter_events_refused_total\{reason="out_of_range",service="gateway"\} 1\n/)
    assert.match(body, /hivemeter_event_requests_refused_total\{reason="not_json",service="gateway"\} 1\n/)
    const answered = body.split('\n').filter((line) => line.includes('request_duration_seconds_count'))
    assert.ok(answered.some((line) => line.includes('status="202"') && line.includes('route="/v1/events"')))
    const openapi = (await app.inject('/openapi.json')).json<{
      openapi: string
      paths: Record<string, Record<string, { responses: object; requestBody: { content: object } }>>
    }>()
    assert.equal(openapi.openapi, '3.1.0')
    const operation = openapi.paths['/v1/events']?.['post']
    assert.deepEqual(Object.keys(operation?.responses ?? {}), [
      '202',
      '400',
      '413',
      '415',
      '422',
      '500',
      '503',
    ])
    assert.equal(Object.keys(operation?.requestBody.content ?? {}).length, 3)
    const missing = await app.inject('/v1/nothing')
    assert.equal(missing.statusCode, 404)
    isProblem(missing, missing.json())
    await app.close()
  })
})
