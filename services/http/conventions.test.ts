import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { asked, startBothServers, withParameter } from '../../test/support/servers/both-servers.ts'
import type { BothServers, Operation } from '../../test/support/servers/both-servers.ts'
import { PACKED_BYTES_MIN } from './codings.ts'

/** HTTP as clients expect it, on every route that the documents of gateway and reader name. */

let both: BothServers
let gets: readonly Operation[]

before(async () => {
  both = await startBothServers()
  gets = both.operations.filter(({ method }) => method === 'GET')
  assert.ok(gets.length > 15 && both.operations.length > 25, 'the walk has found the routes')
})

after(() => both[Symbol.asyncDispose]())

const nameOf = ({ server, method, path }: Operation): string => `${server.name} ${method} ${path}`

/** An answer that differs each time has no tag, and varies in length. */
const FLEETING = new Set(['/healthz', '/readyz', '/metrics'])

/** Headers that two answers share, although the clock goes on between them. */
function lasting({ path }: Operation, headers: object): object {
  const moving = new Set(['date', ...(FLEETING.has(path) ? ['content-length'] : [])])
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !moving.has(name)))
}

test('HEAD says what GET says, without its body', async () => {
  for (const one of gets) {
    const got = await asked(one)
    assert.equal(got.statusCode, 200, nameOf(one))
    const head = await asked(one, { method: 'HEAD' })
    assert.deepEqual([head.statusCode, head.body], [200, ''], nameOf(one))
    assert.deepEqual(lasting(one, head.headers), lasting(one, got.headers), nameOf(one))
  }
})

test('another method of a path is 405 with those that it has, whatever the body is', async () => {
  const paths = Map.groupBy(both.operations, ({ server, path }) => `${server.name} ${path}`)
  for (const operations of paths.values()) {
    const [one] = operations as [Operation]
    const has = new Set([...operations.map(({ method }) => method), 'OPTIONS'])
    if (has.has('GET')) has.add('HEAD')
    const allow = [...has].toSorted().join(', ')
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      if (has.has(method)) continue
      for (const headers of [{ 'content-type': 'application/json' }, { 'content-type': 'text/csv' }]) {
        const answer = await asked(one, { method, headers, payload: '{broken' })
        const what = `${method} ${nameOf(one)}`
        assert.equal(answer.statusCode, 405, what)
        assert.equal(answer.headers['allow'], allow, what)
        assert.equal(answer.json<{ code: string }>().code, 'method_not_allowed', what)
      }
    }
    const options = await asked(one, { method: 'OPTIONS' })
    assert.deepEqual(
      [options.statusCode, options.headers['allow'], options.body],
      [204, allow, ''],
      nameOf(one),
    )
    assert.equal(options.headers['access-control-allow-origin'], undefined)
  }
})

test('a path that is not there is 404 before a broken body, with any method', async () => {
  for (const { app } of both.servers) {
    for (const url of ['/nowhere', '/api/usage/', '/v1/events/x', '/API/usage', '/api/wallets/a/b/c']) {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
        const headers = { 'content-type': 'application/json' }
        const payload = method === 'GET' || method === 'HEAD' ? '' : '{broken'
        const answer = await app.inject({ method, url, headers, payload })
        assert.equal(answer.statusCode, 404, `${method} ${url}`)
        if (method !== 'HEAD') assert.equal(answer.json<{ code: string }>().code, 'not_found')
      }
    }
  }
})

const NO_DIGITS = [
  '1e999',
  'Infinity',
  '-Infinity',
  'NaN',
  '0x10',
  ' 5',
  '5 ',
  '+5',
  '-5',
  '1e1',
  '1.0',
  '5n',
  '',
  '٣',
  '1_0',
  '9'.repeat(16),
]

test('numbers of a query are digits, on every parameter that is one', async () => {
  let walked = 0
  for (const one of both.operations) {
    const numbers =
      one.operation.parameters?.filter(
        ({ schema }) => schema?.type === 'integer' || schema?.type === 'number',
      ) ?? []
    for (const { name } of numbers) {
      walked += 1
      for (const text of NO_DIGITS) {
        const answer = await asked(one, { url: withParameter(one.url, name, text) })
        const what = `${nameOf(one)} ${name}=${JSON.stringify(text)}`
        assert.equal(answer.statusCode, 422, what)
        const { code, errors } = answer.json<{ code: string; errors: { path: string }[] }>()
        assert.deepEqual([code, errors.map(({ path }) => path)], ['invalid_request', [`/${name}`]], what)
      }
      assert.equal((await asked(one, { url: withParameter(one.url, name, '1') })).statusCode, 200)
    }
  }
  assert.ok(walked >= 8, String(walked))
})

test('every GET has a tag, and who has its answer gets 304: one tag, a list, weak or strong, or any', async () => {
  for (const one of gets) {
    const got = await asked(one)
    const tag = String(got.headers['etag'])
    if (FLEETING.has(one.path)) {
      assert.equal(got.headers['etag'], undefined, nameOf(one))
      continue
    }
    assert.match(tag, /^(W\/)?"[^"]+"$/, nameOf(one))
    const opaque = tag.replace(/^W\//, '')
    for (const held of [tag, opaque, `W/${opaque}`, `"other", ${tag}`, `W/"a,b" , ${tag},"c"`, '*', ' * ']) {
      for (const method of ['GET', 'HEAD']) {
        const again = await asked(one, { method, headers: { 'if-none-match': held } })
        assert.deepEqual([again.statusCode, again.body], [304, ''], `${method} ${nameOf(one)} ${held}`)
        assert.equal(again.headers['etag'], tag)
        assert.equal(again.headers['cache-control'], got.headers['cache-control'])
      }
    }
    for (const other of ['"other"', 'W/"other", "x"', 'other', '', `${opaque.slice(0, -1)}x"`]) {
      const again = await asked(one, { headers: { 'if-none-match': other } })
      assert.equal(again.statusCode, 200, `${nameOf(one)} ${other}`)
    }
    assert.equal(one.operation.responses['304'] !== undefined, true, nameOf(one))
  }
})

const ACCEPTED: readonly (readonly [string, 'gzip' | 'zstd' | undefined])[] = [
  ['gzip', 'gzip'],
  ['zstd', 'zstd'],
  ['gzip, deflate, br, zstd', 'zstd'],
  ['x-gzip', 'gzip'],
  ['zstd;q=0.2, gzip;q=0.8', 'gzip'],
  ['gzip;q=0, *', 'zstd'],
  ['*', 'zstd'],
  ['*;q=0', undefined],
  ['identity;q=1, gzip;q=0.5', undefined],
  ['gzip;q=1, identity;q=0.5', 'gzip'],
  ['gzip;q=0', undefined],
  ['br', undefined],
  ['', undefined],
]

test('answers above 1 kB are packed as they are asked for, smaller ones not', async () => {
  let packed = 0
  for (const one of gets) {
    const plain = await asked(one)
    assert.equal(plain.headers['content-encoding'], undefined)
    for (const [accepted, coding] of ACCEPTED) {
      const answer = await asked(one, { headers: { 'accept-encoding': accepted } })
      const what = `${nameOf(one)} ${accepted}`
      const expected = plain.rawPayload.length > PACKED_BYTES_MIN ? coding : undefined
      assert.equal(answer.headers['content-encoding'], expected, what)
      assert.equal(answer.headers['content-length'], String(answer.rawPayload.length), what)
      if (plain.rawPayload.length > PACKED_BYTES_MIN)
        assert.match(String(answer.headers['vary']), /\bAccept-Encoding\b/, what)
      if (expected === undefined) continue
      packed += 1
      const unpack = expected === 'gzip' ? gunzipSync : zstdDecompressSync
      assert.ok(answer.rawPayload.length < plain.rawPayload.length, what)
      const etag = answer.headers['etag']
      if (etag === undefined) continue
      const again = await asked(one, {
        headers: { 'accept-encoding': accepted, 'if-none-match': etag },
      })
      assert.deepEqual([again.statusCode, again.headers['etag']], [304, etag], what)
      if (!FLEETING.has(one.path))
        assert.equal(unpack(answer.rawPayload).length, plain.rawPayload.length, what)
    }
  }
  assert.ok(packed > 10, String(packed))
})

test('what was refused is packed too, and a problem still', async () => {
  const many = JSON.stringify(Array.from({ length: 50 }, () => ({ event_id: '' })))
  const [gateway] = both.servers
  const headers = { 'content-type': 'application/json', 'accept-encoding': 'gzip' }
  const answer = await gateway?.app.inject({ method: 'POST', url: '/v1/events', headers, payload: many })
  assert.deepEqual([answer?.statusCode, answer?.headers['content-encoding']], [422, 'gzip'])
  const problem = JSON.parse(String(gunzipSync(answer?.rawPayload ?? Buffer.alloc(0)))) as { code: string }
  assert.equal(problem.code, 'nothing_accepted')
})

test('a body of a type that is not taken is told which are, in words and in Accept', async () => {
  for (const one of both.operations) {
    const content = one.operation.requestBody?.content
    if (content === undefined) continue
    const answer = await asked(one, { headers: { 'content-type': 'application/xml' }, payload: '<a/>' })
    assert.equal(answer.statusCode, 415, nameOf(one))
    const { detail } = answer.json<{ detail: string }>()
    assert.ok(detail.includes('application/json'), `${nameOf(one)}: ${detail}`)
    assert.match(String(answer.headers['accept']), /^application\/json/, nameOf(one))
  }
})
