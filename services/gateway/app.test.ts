import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { deflateSync, gzipSync, zstdCompressSync, constants as zlib } from 'node:zlib'
import { formatUuid } from '../../schemas/ids.ts'
import { EVENT, UUID, isProblem, post, setUp } from './app-fixture.ts'
import type { Headers } from './app-fixture.ts'
import { BODY_BYTES_MAX } from './body.ts'
import { settled } from './fixtures.ts'
import { REQUESTS_MAX } from '../http/in-flight.ts'
import { PROBE_PAUSE_MS } from './queue/record-queue.ts'

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
      // A streaming client sends this: RFC 8878 allows several frames, and the last one may be empty.
      ['zstd', Buffer.concat([zstdCompressSync(body), zstdCompressSync('')])],
      ['zstd', Buffer.concat([zstdCompressSync(body.subarray(0, 9)), zstdCompressSync(body.subarray(9))])],
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
    ] as const) {
      const { status, code } = await post(parts.app, packed, { 'content-encoding': coding })
      assert.deepEqual([status, code], [400, 'unreadable_body'], coding)
    }
    assert.equal((await post(parts.app, hugeWindow, { 'content-encoding': 'zstd' })).status, 202)
  })

  it('amounts that are finer than a unit are rounded, and the answer counts the events', async () => {
    const events = [
      { ...EVENT, event_id: 'r1', actual_usd_cost: '0.00022500000000000002', energy_kwh: 0.00057442898176 },
      { ...EVENT, event_id: 'r2', actual_usd_cost: 0.29, duration_ms: 161203.8 },
      { ...EVENT, event_id: 'r3', actual_usd_cost: '1e-2' },
      { ...EVENT, event_id: 'r4', actual_usd_cost: '-1e-12' },
    ]
    const answer = await send(events)
    assert.deepEqual([answer.status, answer.accepted, answer.rounded], [202, 3, 2])
    const taken = parts.log.events().slice(-3)
    assert.deepEqual(
      taken.map(({ cost_nano_usd, energy_mwh, duration_ms }) => [cost_nano_usd, energy_mwh, duration_ms]),
      [
        [225_000, 574, null],
        [290_000_000, null, 161_204],
        [10_000_000, null, null],
      ],
    )
  })

  it('a byte order mark, NDJSON, application/json-seq and other +json types are taken', async () => {
    const one = JSON.stringify(EVENT)
    for (const [type, body, accepted] of [
      ['application/json', `\ufeff${one}`, 1],
      ['application/json', `\ufeff[${one},${one}]`, 2],
      ['application/x-ndjson', `\ufeff${one}\n${one}\r\n`, 2],
      ['application/ndjson; charset=utf-8', one, 1],
      ['application/jsonl', `${one}\n\n${one}`, 2],
      ['application/json-seq', `\u001e${one}\n\u001e${one}\n`, 2],
      ['application/vnd.acme.usage+json', one, 1],
      ['application/problem+json; v=1', `[${one}]`, 1],
    ] as const) {
      const answer = await post(parts.app, body, { 'content-type': type })
      assert.deepEqual([answer.status, answer.accepted], [202, accepted], type)
    }
    const mixed = await post(parts.app, `${one}\n{"event_id":\n${one}`, {
      'content-type': 'application/x-ndjson',
    })
    assert.deepEqual(
      [mixed.accepted, mixed.rejected.map(({ index, code }) => [index, code])],
      [2, [[1, 'not_json']]],
    )
  })

  it('415 names the types that are taken', async () => {
    const { headers, detail } = await post(parts.app, '{}', {
      'content-type': 'application/json; charset=latin1',
    })
    assert.match(String(headers['content-type']), /problem/)
    assert.match(detail, /application\/x-ndjson/)
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

describe('the log is away', () => {
  it('503 until the first acknowledgement', async () => {
    const { app, clock, log, queue } = await setUp()
    log.plan.push('refuse')
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

  it('503 overloaded where more requests of one credential are under way than its share of the bound', async () => {
    const { app, log } = await setUp()
    log.plan.push('hold')
    const first = post(app, JSON.stringify(EVENT))
    while (log.plan.length > 0) await settled()
    const waiting = Array.from({ length: REQUESTS_MAX / 2 - 1 }, () => post(app, JSON.stringify(EVENT)))
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
      '401',
      '403',
      '408',
      '413',
      '415',
      '422',
      '429',
      '500',
      '503',
    ])
    assert.equal(Object.keys(operation?.requestBody.content ?? {}).length, 5)
    const missing = await app.inject('/v1/nothing')
    assert.equal(missing.statusCode, 404)
    isProblem(missing, missing.json())
    await app.close()
  })
})
