import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import Fastify from 'fastify'
import { SignJWT } from 'jose'
import { commandFault } from '../../pipelines/account/inbox-bounds.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { accessKeyCodec } from '../../schemas/avro.ts'
import type { AccessKey } from '../../schemas/records.ts'
import { accessBy, addKey } from '../../test/support/records/access-keys.ts'
import { command as commandOf } from '../../test/support/records/inbox-requests.ts'
import { loadConfig } from '../runtime/config.ts'
import { problemHandlers } from '../http/problem.ts'
import { opsRoutes } from '../http/ops.ts'
import { PUBLIC_REQUESTS_PER_SECOND_MAX, REFUSALS_PER_MINUTE_MAX, guardRoutes } from './access.ts'
import { JWT_CLOCK_TOLERANCE_S, JWT_SUBJECT_CHARACTERS_MAX, jwtCallers } from './jwt.ts'
import type { JwtCallers } from './jwt.ts'
import { KeyRing } from './key-ring.ts'
import { newKey } from './key-text.ts'

const NOW_MS = Date.UTC(2026, 1, 20, 12)

/** A key that reads one node's usage. */
function readerKey(ring: KeyRing, fields: Partial<AccessKey> = {}): string {
  return addKey(ring, { scopes: ['usage:read'], nodes: ['n'], created_at: NOW_MS, ...fields })
}

async function guarded(
  options: {
    isLoaded?: boolean
    isBelieved?: boolean
    keys?: KeyRing
    jwt?: JwtCallers
    requestsPerSecondMax?: number
    details?: 'public' | 'admin'
  } = {},
) {
  const access = accessBy(options.keys ?? new KeyRing(), {
    jwt: options.jwt,
    isLoaded: () => options.isLoaded ?? true,
    isBelieved: () => options.isBelieved ?? true,
    requestsPerSecondMax: options.requestsPerSecondMax ?? 1_000,
    clock: { ...systemClock, nowMs: () => NOW_MS },
  })
  const app = Fastify()
  problemHandlers(app, silentLogger)
  await guardRoutes(app, access)
  await app.register(
    opsRoutes({
      readiness: () => ({ waitingFor: ['Kafka'], halted: [] }),
      metrics: { contentType: 'text/plain', text: async () => 'series' },
      ...(options.details && { details: options.details }),
    }),
  )
  app.get('/read', { config: { scope: 'usage:read' } }, async ({ caller }) => ({
    id: caller.id,
    nodes: caller.nodes === '*' ? '*' : [...caller.nodes],
  }))
  app.get('/admin', { config: { scope: 'admin' } }, async ({ caller }) => ({ id: caller.id }))
  app.get('/open', { config: { scope: 'public' } }, async () => ({}))
  const get = async (url: string, credential?: string) =>
    await app.inject({
      url,
      headers: credential === undefined ? {} : { authorization: `Bearer ${credential}` },
    })
  return { app, get }
}

test('a route that declares no scope cannot be registered', async () => {
  const { app } = await guarded()
  assert.throws(() => app.get('/forgotten', async () => ({})), /GET \/forgotten declares no scope/)
})

test('without a credential in force there is 401, which does not say why', async () => {
  const keys = new KeyRing()
  const right = readerKey(keys)
  const { get } = await guarded({ keys })
  const wrong = [
    undefined,
    'hm_',
    `${right.slice(0, -1)}${right.endsWith('0') ? '1' : '0'}`,
    newKey(systemRandom).text,
    readerKey(keys, { revoked_at: NOW_MS }),
    readerKey(keys, { expires_at: NOW_MS }),
    'eyJhbGciOiJub25lIn0.e30.',
  ]
  const bodies = new Set<string>()
  for (const credential of wrong) {
    const answer = await get('/read', credential)
    assert.equal(answer.statusCode, 401, credential)
    assert.equal(answer.headers['www-authenticate'], 'Bearer')
    bodies.add(answer.body)
  }
  assert.equal(bodies.size, 1)
  assert.equal((await get('/open')).statusCode, 200)
  assert.equal((await get('/nowhere')).statusCode, 404)
  assert.deepEqual((await get('/read', right)).json(), { id: `key:${right.slice(3, 19)}`, nodes: ['n'] })
  assert.equal((await get('/read', readerKey(keys, { expires_at: NOW_MS + 1 }))).statusCode, 200)
})

test('a scope that the credential does not have is 403; admin has every scope', async () => {
  const keys = new KeyRing()
  const { get } = await guarded({ keys })
  const reader = await get('/admin', readerKey(keys))
  assert.deepEqual([reader.statusCode, reader.json<{ code: string }>().code], [403, 'insufficient_scope'])
  assert.equal((await get('/read', readerKey(keys, { scopes: ['events:write'] }))).statusCode, 403)
  assert.equal((await get('/read', readerKey(keys, { scopes: ['admin'], nodes: [] }))).statusCode, 200)
  assert.equal((await get('/read', readerKey(keys, { scopes: ['everything'] }))).statusCode, 403)
})

test('a revoked key is refused as soon as its record is seen', async () => {
  const keys = new KeyRing()
  const { get } = await guarded({ keys })
  const text = readerKey(keys)
  assert.equal((await get('/read', text)).statusCode, 200)
  const [key] = keys.all()
  assert.ok(key !== undefined)
  keys.apply({ key: Buffer.from(key.key_id), value: accessKeyCodec.encode({ ...key, revoked_at: NOW_MS }) })
  assert.equal((await get('/read', text)).statusCode, 401)
})

test('each credential has its own rate, and whoever guesses is slowed down', async () => {
  const keys = new KeyRing()
  const { get } = await guarded({ keys, requestsPerSecondMax: 3 })
  const [one, other] = [readerKey(keys), readerKey(keys)]
  for (let count = 0; count < 3; count++) assert.equal((await get('/read', one)).statusCode, 200)
  const limited = await get('/read', one)
  assert.deepEqual([limited.statusCode, limited.json<{ code: string }>().code], [429, 'rate_limited'])
  assert.ok(Number(limited.headers['retry-after']) >= 1)
  assert.equal((await get('/read', other)).statusCode, 200)
  for (let count = 0; count < REFUSALS_PER_MINUTE_MAX; count++)
    assert.equal((await get('/read')).statusCode, 401)
  assert.equal((await get('/read')).statusCode, 429)
  assert.equal((await get('/admin', other)).statusCode, 403)
})

test('what everybody may read is limited by address; health and readiness are not', async () => {
  const { get } = await guarded()
  for (let count = 0; count < PUBLIC_REQUESTS_PER_SECOND_MAX; count++)
    assert.equal((await get('/open')).statusCode, 200)
  const limited = await get('/metrics')
  assert.deepEqual([limited.statusCode, limited.json<{ code: string }>().code], [429, 'rate_limited'])
  assert.equal((await get('/healthz')).statusCode, 200)
  assert.equal((await get('/readyz')).statusCode, 503)
})

test('opsDetails=admin: metrics, and what readiness waits for, are for admins; whether it is ready is for all', async () => {
  const keys = new KeyRing()
  const { get } = await guarded({ keys, details: 'admin' })
  const [reader, admin] = [readerKey(keys), readerKey(keys, { scopes: ['admin'] })]
  const readyzFor = async (credential?: string) => {
    const ready = await get('/readyz', credential)
    const metrics = await get('/metrics', credential)
    return [ready.statusCode, ready.json<{ waiting_for: string[] }>().waiting_for, metrics.statusCode]
  }
  assert.deepEqual(await readyzFor(), [503, [], 401])
  assert.deepEqual(await readyzFor(reader), [503, [], 403])
  assert.deepEqual(await readyzFor(admin), [503, ['Kafka'], 200])
  assert.equal((await get('/readyz', 'hm_wrong')).statusCode, 401)
  const open = await guarded()
  assert.deepEqual((await open.get('/readyz')).json<{ waiting_for: string[] }>().waiting_for, ['Kafka'])
})

test('where nobody is known yet, details for admins are for nobody', async () => {
  const app = Fastify()
  problemHandlers(app, silentLogger)
  const readiness = () => ({ waitingFor: ['Kafka'], halted: [] })
  await app.register(
    opsRoutes({ readiness, metrics: { contentType: 'text/plain', text: async () => '' }, details: 'admin' }),
  )
  assert.equal((await app.inject('/metrics')).statusCode, 401)
  assert.deepEqual((await app.inject('/readyz')).json<{ waiting_for: string[] }>().waiting_for, [])
})

test('of tokens only those of the pinned algorithm, issuer and audience count, and only in their time', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const file = join(mkdtempSync(join(tmpdir(), 'hivemeter-jwt-')), 'public.pem')
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }))
  writeFileSync(file, pem)
  const config = loadConfig({
    environment: { HIVEMETER_JWT_KEY_FILE: file, HIVEMETER_JWT_ISSUER: 'iss', HIVEMETER_JWT_AUDIENCE: 'aud' },
  })
  const jwt = await jwtCallers(config, { ...systemClock, nowMs: () => NOW_MS })
  assert.ok(jwt !== undefined)
  const { get } = await guarded({ jwt })
  const nowS = NOW_MS / 1_000
  const token = (
    changes: {
      iss?: string
      aud?: string
      exp?: number
      key?: typeof privateKey
      sub?: string
      nodes?: unknown
      operators?: unknown
    } = {},
  ) => {
    const { iss = 'iss', aud = 'aud', exp = nowS + 60, key = privateKey, sub = 'ana' } = changes
    const { nodes = ['n', 'm'], operators } = changes
    const claims = {
      scope: 'usage:read settings:write',
      nodes,
      ...(operators !== undefined && { operators }),
    }
    const signed = new SignJWT(claims)
    return signed
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(iss)
      .setAudience(aud)
      .setSubject(sub)
      .setExpirationTime(exp)
      .sign(key)
  }
  const right = await get('/read', await token())
  assert.deepEqual([right.statusCode, right.json()], [200, { id: 'jwt:ana', nodes: ['n', 'm'] }])
  assert.equal((await get('/admin', await token())).statusCode, 403)
  const operatorsOf = async (text: string) => {
    const caller = await jwt(text)
    return caller !== null && 'operators' in caller ? caller.operators : null
  }
  assert.deepEqual(await operatorsOf(await token()), new Set())
  assert.deepEqual(await operatorsOf(await token({ operators: ['o', 'p'] })), new Set(['o', 'p']))
  const wrong = [
    token({ iss: 'other' }),
    token({ aud: 'other' }),
    token({ exp: nowS - JWT_CLOCK_TOLERANCE_S - 1 }),
    token({ key: other.privateKey }),
    // Names that no node can have: the settler keeps its own records under such keys.
    ...[['!task'], ['n', '!tick'], ['a b'], [''], ['n'.repeat(65)], [7], 'n', { n: 1 }].map((nodes) =>
      token({ nodes }),
    ),
    ...[['*'], ['!issuer'], [7], 'o'].map((operators) => token({ operators })),
    // The public key is sent as the secret of a MAC: we choose the algorithm, not the token.
    new SignJWT({ scope: 'admin' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('iss')
      .setAudience('aud')
      .setSubject('eve')
      .setExpirationTime(nowS + 60)
      .sign(Buffer.from(pem)),
    Promise.resolve('eyJhbGciOiJub25lIn0.eyJzdWIiOiJldmUiLCJzY29wZSI6ImFkbWluIn0.'),
  ]
  for (const credential of await Promise.all(wrong))
    assert.equal((await get('/read', credential)).statusCode, 401)
  // The name of a command's caller has a bound: beyond it every write would be set aside, and its outcome would never be
  // known.
  const longest = 's'.repeat(JWT_SUBJECT_CHARACTERS_MAX)
  const taken = await get('/read', await token({ sub: longest }))
  assert.equal(taken.statusCode, 200)
  const node_id = 'n'
  const command = { node_id, caller: taken.json<{ id: string }>().id }
  assert.equal(commandFault(commandOf('settings', command)), null)
  const refused = await get('/read', await token({ sub: `${longest}s` }))
  const problem = refused.json<{ code: string; detail: string }>()
  assert.deepEqual([refused.statusCode, problem.code], [401, 'unauthorized'])
  assert.match(problem.detail, /subject .* more than 900 characters/)
})

test('settings for tokens that are not whole end the start', async () => {
  assert.throws(
    () => loadConfig({ environment: { HIVEMETER_JWT_KEY_FILE: 'x' } }),
    /HIVEMETER_JWT_ISSUER is missing/,
  )
  const config = loadConfig({
    environment: {
      HIVEMETER_JWT_KEY_FILE: '/nowhere/key.pem',
      HIVEMETER_JWT_ISSUER: 'i',
      HIVEMETER_JWT_AUDIENCE: 'a',
    },
  })
  await assert.rejects(jwtCallers(config, systemClock), { exitCode: 78, message: /\/nowhere\/key\.pem/ })
})

test('a server that asks for nothing listens on loopback only', () => {
  const environment = { HIVEMETER_ACCESS: 'off', HIVEMETER_READER_HOST: '0.0.0.0' }
  assert.throws(() => loadConfig({ environment }), /HIVEMETER_READER_HOST is 0\.0\.0\.0/)
  assert.equal(loadConfig({ environment: { HIVEMETER_READER_HOST: '0.0.0.0' } }).readerHost, '0.0.0.0')
})

test('while the keys are still being read nobody is told that one is wrong', async () => {
  const { get } = await guarded({ isLoaded: false })
  const answer = await get('/read', 'hm_')
  assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [503, 'state_loading'])
  assert.equal((await get('/open')).statusCode, 200)
})

test('what is kept of a key does not keep the pool that its hash was decoded into', () => {
  const ring = new KeyRing()
  readerKey(ring)
  assert.equal(ring.all()[0]?.secret_hash.buffer.byteLength, 32)
})

test('with access off a web page of elsewhere may neither ask nor write', async () => {
  const app = Fastify()
  problemHandlers(app, silentLogger)
  await guardRoutes(app, { mode: 'off' })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _body, done) => done(null))
  app.get('/read', { config: { scope: 'usage:read' } }, async ({ caller }) => caller.id)
  app.get('/open', { config: { scope: 'public' } }, async () => 'open')
  app.post('/write', { config: { scope: 'settings:write' } }, async ({ caller }) => caller.id)
  const ask = async (method: 'GET' | 'POST', url: string, headers: Record<string, string>) => {
    const answer = await app.inject({ method, url, headers })
    return [answer.statusCode, answer.statusCode === 200 ? answer.body : answer.json<{ code: string }>().code]
  }
  const json = { 'content-type': 'application/json' }
  assert.deepEqual(await ask('GET', '/read', {}), [200, 'loopback'])
  assert.deepEqual(await ask('POST', '/write', json), [200, 'loopback'])
  const cloudEvent = { 'content-type': 'application/cloudevents+json; charset=utf-8' }
  assert.deepEqual(await ask('POST', '/write', cloudEvent), [200, 'loopback'])
  for (const foreign of [{ host: 'evil.example' }, { origin: 'http://evil.example' }, { origin: 'null' }]) {
    for (const url of ['/read', '/open', '/no-such-route'])
      assert.deepEqual(await ask('GET', url, foreign), [403, 'foreign_request'])
    assert.deepEqual(await ask('POST', '/write', { ...json, ...foreign }), [403, 'foreign_request'])
  }
  for (const form of [
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    '',
  ]) {
    const headers = form === '' ? {} : { 'content-type': form }
    assert.deepEqual(await ask('POST', '/write', headers), [415, 'unsupported_media_type'], form)
  }
})

test('where the keys cannot be followed a key gets 503, a wrong one too, and tokens go on', async () => {
  const keys = new KeyRing()
  const right = readerKey(keys)
  const jwt: JwtCallers = async (token) =>
    token === 'good'
      ? {
          id: 'jwt:x',
          scopes: new Set(['usage:read']),
          nodes: new Set(['n']),
          operators: new Set(),
          fleetNode: null,
          grants: [],
        }
      : null
  const { get } = await guarded({ keys, jwt, isBelieved: false })
  for (const key of [right, `hm_${'0'.repeat(16)}_${'0'.repeat(64)}`]) {
    const answer = await get('/read', key)
    assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [503, 'access_unknown'])
    assert.ok(answer.headers['retry-after'])
  }
  assert.equal((await get('/read', 'good')).statusCode, 200)
  assert.equal((await get('/read', 'bad')).statusCode, 401)
})
