import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import { silentLogger } from '../../pipelines/logger.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import type { AccessKey } from '../../schemas/records.ts'
import { accessBy, addKey } from '../../test/support/records/access-keys.ts'
import { Refusals } from '../audit/refusals.ts'
import { ForeignNode } from '../http/foreign-node.ts'
import { Problem, problemHandlers } from '../http/problem.ts'
import { REFUSALS_PER_MINUTE_MAX, guardRoutes } from './access.ts'
import type { Access } from './access.ts'
import type { JwtCallers } from './jwt.ts'
import { KeyRing } from './key-ring.ts'
import { newKey } from './key-text.ts'

const NOW_MS = Date.UTC(2026, 1, 20, 12)

const jwt: JwtCallers = async (token) =>
  token === 'good'
    ? {
        id: 'jwt:ana',
        scopes: new Set(['usage:read']),
        nodes: new Set(['n']),
        operators: new Set(),
        fleetNode: null,
        grants: [],
      }
    : null

/** A guarded server whose refusals are collected. */
async function guarded(mode: 'required' | 'off' = 'required') {
  const keys = new KeyRing()
  const refusals = new Refusals()
  const access: Access =
    mode === 'off' ? { mode } : accessBy(keys, { jwt, clock: { ...systemClock, nowMs: () => NOW_MS } })
  const app = Fastify()
  problemHandlers(app, silentLogger)
  await guardRoutes(app, access, {
    audit: { refused: (refusal, times = 1) => refusals.add(refusal, times, 0) },
  })
  app.get('/read', { config: { scope: 'usage:read' } }, async () => ({}))
  app.get('/admin', { config: { scope: 'admin' } }, async () => ({}))
  app.get('/open', { config: { scope: 'public' } }, async () => ({}))
  app.get('/node', { config: { scope: 'usage:read' } }, async () => {
    throw new ForeignNode('theirs', new Problem('node_not_registered', 'No such node.'))
  })
  const readerKey = (fields: Partial<AccessKey> = {}): string =>
    addKey(keys, { scopes: ['usage:read'], nodes: ['n'], created_at: NOW_MS, ...fields })
  const get = async (url: string, credential?: string, headers: Record<string, string> = {}) => {
    const authorization = credential === undefined ? {} : { authorization: `Bearer ${credential}` }
    return await app.inject({ url, headers: { ...headers, ...authorization } })
  }
  const reported = () =>
    refusals
      .take()
      .map(({ kind, subject, node_id, count, reason }) => [kind, subject, node_id, count, reason])
  return { get, readerKey, reported }
}

const subjectOf = (text: string): string => `key:${text.slice(3, 19)}`

test('1,000 refused requests of one credential are one entry, with their number', async () => {
  const { get, readerKey, reported } = await guarded()
  const reader = readerKey()
  for (let count = 0; count < 1_000; count++) assert.equal((await get('/admin', reader)).statusCode, 403)
  assert.deepEqual(reported(), [
    ['credential_refused', subjectOf(reader), '', 1_000, 'insufficient_scope: admin'],
  ])
  const revoked = readerKey({ revoked_at: NOW_MS })
  const answers = new Map<number, number>()
  for (let count = 0; count < 1_000; count++) {
    const { statusCode } = await get('/read', revoked)
    answers.set(statusCode, (answers.get(statusCode) ?? 0) + 1)
  }
  const limited = 1_000 - REFUSALS_PER_MINUTE_MAX
  assert.deepEqual(
    [...answers],
    [
      [401, REFUSALS_PER_MINUTE_MAX],
      [429, limited],
    ],
    'also those that may not try more',
  )
  assert.deepEqual(reported(), [['credential_refused', subjectOf(revoked), '', 1_000, 'revoked']])
})

test('a credential is named where there is one, else the address; no secret is', async () => {
  const { get, readerKey, reported } = await guarded()
  const key = readerKey()
  const other = newKey(systemRandom).text
  const wrong = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`
  for (const credential of [undefined, other, 'a.token.of-eve', wrong, readerKey({ expires_at: NOW_MS })])
    assert.equal((await get('/read', credential)).statusCode, 401)
  await get('/admin', 'good')
  const entries = reported()
  assert.deepEqual(entries.slice(0, 2), [
    ['credential_refused', 'address:127.0.0.1', '', 3, 'no_credential'],
    ['credential_refused', subjectOf(key), '', 1, 'wrong_secret'],
  ])
  assert.deepEqual(
    entries.slice(2).map(([, , , , reason]) => reason),
    ['expired', 'insufficient_scope: admin'],
  )
  assert.equal(entries[3]?.[1], 'jwt:ana')
  const words = JSON.stringify(entries)
  for (const text of [key, wrong, other]) assert.ok(!words.includes(text.slice(20)), 'a secret')
  assert.ok(!words.includes('of-eve'))
})

test('a node of somebody else is told with its name, and the answer says nothing of it', async () => {
  const { get, readerKey, reported } = await guarded()
  const key = readerKey()
  const answer = await get('/node', key)
  assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [404, 'node_not_registered'])
  await get('/node', key)
  assert.deepEqual(reported(), [['foreign_node', subjectOf(key), 'theirs', 2, 'node_not_registered']])
})

test('what is answered, and what everybody may read, is nobody refused', async () => {
  const { get, readerKey, reported } = await guarded()
  assert.equal((await get('/read', readerKey())).statusCode, 200)
  assert.equal((await get('/open')).statusCode, 200)
  assert.equal((await get('/nowhere')).statusCode, 404)
  assert.deepEqual(reported(), [])
})

test('where nobody is asked for a credential, a web page of elsewhere is told by its address', async () => {
  const { get, reported } = await guarded('off')
  assert.equal((await get('/read', undefined, { origin: 'http://evil.example' })).statusCode, 403)
  assert.deepEqual(reported(), [['credential_refused', 'address:127.0.0.1', '', 1, 'foreign_request']])
})
