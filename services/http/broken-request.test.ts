import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { Value } from 'typebox/value'
import { systemClock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { ProblemSchema } from '../../schemas/http/problem.ts'
import type { ProblemBody } from '../../schemas/http/problem.ts'
import { startWholeReader } from '../../test/support/memory/whole-reader.ts'
import { setUp } from '../gateway/app-fixture.ts'
import { opsRoutes } from './ops.ts'
import { startOpsServer } from './ops-server.ts'

/** Texts that are not a request, or not one for a route, sent to every kind of server that exists. */

const OPS_PORT = 26_431
const stack = new AsyncDisposableStack()
const ports: Record<string, number> = { operations: OPS_PORT }

before(async () => {
  const { app: gateway } = await setUp()
  stack.defer(() => gateway.close())
  const reader = stack.use(await startWholeReader())
  for (const [name, app] of [
    ['gateway', gateway],
    ['reader', reader.app as unknown as FastifyInstance],
  ] as const) {
    await app.listen({ host: '127.0.0.1', port: 0 })
    ports[name] = (app.server.address() as AddressInfo).port
  }
  const metrics = { contentType: 'text/plain', text: async () => 'a 1\n'.repeat(1_000) }
  const ops = opsRoutes({ readiness: () => ({ waitingFor: [], halted: [] }), metrics })
  const own = { key: 'loaderOpsPort', clock: systemClock, logger: silentLogger } as const
  const server = await startOpsServer({ host: '127.0.0.1', port: OPS_PORT, ops, ...own })
  stack.defer(() => server.close())
})

after(() => stack.disposeAsync())

interface Told {
  readonly status: number
  readonly head: string
  readonly body: ProblemBody
}

async function send(port: number, bytes: string): Promise<Told> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.write(bytes)
  const answer = await text(socket)
  const [head = '', body = ''] = answer.split('\r\n\r\n', 2)
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]),
    head,
    body: JSON.parse(body) as ProblemBody,
  }
}

const close = 'host: localhost\r\nconnection: close\r\n'
const json = 'content-type: application/json\r\ncontent-length: 7\r\n\r\n{broken'

const CASES: readonly (readonly [what: string, bytes: string, status: number, code: string])[] = [
  ['no HTTP', 'HELLO\r\n\r\n', 400, 'broken_request'],
  ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\r\n\r\n', 400, 'broken_request'],
  ['a header without a colon', `GET / HTTP/1.1\r\n${close}nonsense\r\n\r\n`, 400, 'broken_request'],
  ['no Host', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'broken_request'],
  [
    'a head without an end',
    `GET / HTTP/1.1\r\n${close}x: ${'y'.repeat(20_000)}\r\n\r\n`,
    431,
    'head_too_large',
  ],
  ['a broken escape', `GET /%zz HTTP/1.1\r\n${close}\r\n`, 400, 'invalid_url'],
  ['an unknown path, a broken body', `POST /nowhere HTTP/1.1\r\n${close}${json}`, 404, 'not_found'],
  ['another method, a broken body', `POST /healthz HTTP/1.1\r\n${close}${json}`, 405, 'method_not_allowed'],
  ['a parameter at fault', `GET /readyz?exclude=kafka HTTP/1.1\r\n${close}\r\n`, 422, 'invalid_request'],
  ['a proxy asked for', 'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n', 405, 'method_not_allowed'],
]

for (const [what, bytes, status, code] of CASES) {
  test(`${what}: a problem of the one format, on every server`, async () => {
    for (const [name, port] of Object.entries(ports)) {
      const answer = await send(port, bytes)
      assert.equal(answer.status, status, name)
      assert.match(answer.head, /content-type: application\/problem\+json/i, name)
      assert.ok(Value.Check(ProblemSchema, answer.body), name)
      assert.deepEqual([answer.body.code, answer.body.status], [code, status], name)
    }
  })
}

test('an expectation that nobody knows is passed over', async () => {
  for (const [name, port] of Object.entries(ports)) {
    const { status, body } = await send(port, `GET /healthz HTTP/1.1\r\n${close}expect: wonders\r\n\r\n`)
    assert.deepEqual([status, body], [200, { status: 'ok' }], name)
  }
})

test('the ports of the operations know HEAD, OPTIONS and packed answers too', async () => {
  const url = `http://127.0.0.1:${OPS_PORT}`
  const head = await fetch(`${url}/metrics`, { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text()], [200, ''])
  const options = await fetch(`${url}/metrics`, { method: 'OPTIONS' })
  assert.deepEqual([options.status, options.headers.get('allow')], [204, 'GET, HEAD, OPTIONS'])
  const metrics = await fetch(`${url}/metrics`, { headers: { 'accept-encoding': 'gzip' } })
  assert.equal(metrics.headers.get('content-encoding'), 'gzip')
  assert.equal((await metrics.text()).length, 4_000)
})
