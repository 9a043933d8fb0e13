import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { after, test } from 'node:test'
import { serveWeb } from '../../../../infra/local/fleet-sample/machines/web-server.ts'
import { systemClock } from '../../../../pipelines/clock.ts'
import { systemRandom } from '../../../../pipelines/random.ts'
import type { SessionKind } from '../../machines/plans.ts'
import { HttpMachine } from './http-machine.ts'

const LOGIN = { user: 'owner "one"', password: 'seaside-4' }
const SIGNAL = new AbortController().signal
const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

interface Seen {
  readonly line: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A machine that opens a session and then wants what it gave; `forgets` counts the sessions that it closes by itself. */
async function firmware(
  opens: RegExp,
  given: { readonly body: string; readonly cookie?: string },
  wanted: (seen: Seen) => boolean,
) {
  const seen: Seen[] = []
  const state = { forgets: 0 }
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const one = {
        line: `${request.method} ${request.url}`,
        headers: request.headers,
        body: Buffer.concat(pieces).toString(),
      }
      seen.push(one)
      if (opens.test(one.line)) {
        response
          .writeHead(200, given.cookie === undefined ? {} : { 'set-cookie': given.cookie })
          .end(given.body)
      } else if (wanted(one) && state.forgets === 0) response.writeHead(200).end('{"read":1}')
      else {
        state.forgets = Math.max(0, state.forgets - 1)
        response.writeHead(401).end()
      }
    })
  })
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()))
  const address = server.address()
  return { seen, state, port: typeof address === 'object' && address !== null ? address.port : 0 }
}

const machine = (password = LOGIN.password) =>
  new HttpMachine({ host: '127.0.0.1', login: { user: LOGIN.user, password } }, systemRandom)
const get = (port: number, needsLogin: 'digest' | SessionKind) =>
  ({ port, method: 'GET', path: '/x?y=1', needsLogin, signal: SIGNAL }) as const

const SESSIONS: readonly (readonly [SessionKind, RegExp, { body: string; cookie?: string }, string])[] = [
  ['braiins', /^POST \/api\/v1\/auth\/login/, { body: '{"token":"t-1"}' }, 'authorization'],
  ['vnish', /^POST \/api\/v1\/unlock/, { body: '{"token":"t-1"}' }, 'authorization'],
  ['auradine', /^POST \/token/, { body: '{"Token":[{"Token":"t-1"}]}' }, 'token'],
  ['iceriver', /^POST \/user\/loginpost\?post=6/, { body: '{}', cookie: 't-1; Path=/' }, 'cookie'],
]

for (const [kind, opens, given, header] of SESSIONS) {
  test(`a session of ${kind} is opened once, used again, and opened anew where the machine has closed it`, async () => {
    const { seen, state, port } = await firmware(opens, given, ({ headers }) => headers[header] === 't-1')
    const asks = machine()
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(await asks.ask(get(port, kind)), { kind: 'answer', text: '{"read":1}' })
    }
    assert.equal(seen.filter(({ line }) => opens.test(line)).length, 1)
    state.forgets = 1
    assert.equal((await asks.ask(get(port, kind))).kind, 'answer')
    const logins = seen.filter(({ line }) => opens.test(line))
    assert.equal(logins.length, 2)
    assert.ok(logins.every(({ line, body }) => `${line}${body}`.includes('seaside-4')))
    assert.ok(seen.every(({ line, body }) => opens.test(line) || !`${line}${body}`.includes('seaside-4')))
  })
}

test('a session that the machine does not give is a failed login', async () => {
  for (const body of ['{}', '{"token":"two\\nlines"}', 'no json']) {
    const { port } = await firmware(/^POST/, { body }, () => true)
    assert.deepEqual(await machine().ask(get(port, 'braiins')), { kind: 'auth_failed' })
  }
})

test('a digest lets in whoever knows the password, and is not asked for again', async () => {
  let asked = 0
  const answerTo = (path: string): unknown => {
    asked += 1
    return { path }
  }
  const login = { user: 'owner', password: LOGIN.password }
  const web = await serveWeb({ host: '127.0.0.1', port: 0, clock: systemClock, login, answerTo })
  const asks = new HttpMachine({ host: '127.0.0.1', login }, systemRandom)
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual(await asks.ask(get(web.port, 'digest')), { kind: 'answer', text: '{"path":"/x?y=1"}' })
  }
  assert.equal(asked, 2)
  assert.deepEqual(await machine('wrong').ask(get(web.port, 'digest')), { kind: 'auth_failed' })
  const without = new HttpMachine({ host: '127.0.0.1', login: null }, systemRandom)
  assert.deepEqual(await without.ask(get(web.port, 'digest')), { kind: 'auth_failed' })
  await web.stop()
})

test('a challenge that this cannot answer is a failed login', async () => {
  for (const challenge of [
    'Basic realm="x"',
    'Digest realm="x"',
    'Digest realm="x", nonce="n", algorithm=SHA-256',
    'Digest realm="x", nonce="n", qop="auth-int"',
  ]) {
    const server = createServer((_request, response) =>
      response.writeHead(401, { 'www-authenticate': challenge }).end(),
    )
    servers.push(server)
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    assert.deepEqual(await machine().ask(get(port, 'digest')), { kind: 'auth_failed' })
  }
})
