import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessBy, addKey } from '../../test/support/records/access-keys.ts'
import { startWholeReader } from '../../test/support/memory/whole-reader.ts'
import type { WholeReader } from '../../test/support/memory/whole-reader.ts'
import type { Refusal } from '../audit/refusals.ts'
import { KeyRing } from '../access/key-ring.ts'
import { SCOPES } from '../http/caller.ts'
import type { Scope } from '../http/caller.ts'

/**
 * Every route × every scope × the caller's own node, a node of another client, and one that does not exist: made from the
 * document.
 */

const keys = new KeyRing()
/** The node of a fleet that each key stands for. */
const FLEET_NODE = { provider_id: 'krill', location_id: 'barn', node_id: 'agent-1' }
let reader: WholeReader
const refused: Refusal[] = []

before(async () => {
  reader = await startWholeReader({
    access: accessBy(keys),
    audit: { refused: (refusal) => refused.push(refusal) },
  })
  for (const [node, operator] of [
    ['own', 'op-own'],
    ['foreign', 'op-foreign'],
  ]) {
    await reader.heartbeat(node ?? '', { operator_id: operator ?? null })
    const claimed = await reader.ask('POST', `/api/settings/compute/provider/claim?node_id=${node}`, {
      body: { operator_id: operator },
      headers: { authorization: `Bearer ${keyOf(['admin'], [])}` },
    })
    assert.equal(claimed.status, 200)
  }
})

after(() => reader[Symbol.asyncDispose]())

function keyOf(scopes: readonly Scope[], nodes: readonly string[]): string {
  return addKey(keys, { client: 'matrix', scopes: [...scopes], nodes: [...nodes], fleet_node: FLEET_NODE })
}

interface Route {
  readonly method: string
  readonly path: string
  readonly scope: Scope | null
}

function routes(): Route[] {
  return Object.entries(reader.document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const scope = /Scope: ([a-z:]+)\./.exec((operation as { description?: string }).description ?? '')?.[1]
      return { method: method.toUpperCase(), path, scope: (scope as Scope | undefined) ?? null }
    }),
  )
}

/** What makes a request of each route valid; a route that is not listed takes a node and no body. */
const BODIES: Readonly<Record<string, object>> = {
  'PUT /api/settings/compute': { max_hive_gpu_pct: 40 },
  'POST /api/settings/compute/provider/join': {},
  'POST /api/settings/compute/provider/claim': { operator_id: 'op-own' },
  'POST /api/settings/compute/provider/transfer': { operator_id: 'op-new' },
  'POST /api/exposure/reservations': { usd: '0.01' },
  'PUT /api/models': { rows: [] },
}

/** The node's own record is no part of an inventory. */
function isOfInventory(path: string): boolean {
  return path.startsWith('/api/fleet/') && !path.endsWith('/self')
}

async function ask({ method, path }: Route, node: string, key: string | undefined) {
  const url = path.replace('{operator_id}', `op-${node}`).replace('{id}', 'r')
  const takesNode = !path.includes('/wallets/') && !/\/(providers|leaderboard|audit|models|self)$/.test(path)
  const body = BODIES[`${method} ${path}`]
  const query = isOfInventory(path) ? `?provider=${node}` : takesNode ? `?node_id=${node}` : ''
  return await reader.ask(method, `${url}${query}`, {
    ...(body === undefined ? {} : { body }),
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  })
}

test('every route declares its scope, and the public ones are the operator’s', () => {
  const open = routes().filter(({ scope }) => scope === null)
  assert.deepEqual(open.map(({ path }) => path).toSorted(), [
    '/healthz',
    '/metrics',
    '/openapi.json',
    '/readyz',
  ])
  for (const { scope } of routes()) assert.ok(scope === null || SCOPES.includes(scope), String(scope))
})

test('nobody comes in without a credential, or with another scope', async () => {
  for (const route of routes().filter(({ scope }) => scope !== null)) {
    const what = `${route.method} ${route.path}`
    assert.equal((await ask(route, 'own', undefined)).status, 401, what)
    for (const scope of SCOPES) {
      const { status } = await ask(route, 'own', keyOf([scope], ['own']))
      if (scope === 'admin' || scope === route.scope)
        assert.ok(status !== 401 && status !== 403, `${what} with ${scope}: ${status}`)
      else assert.equal(status, 403, `${what} with ${scope}`)
    }
  }
})

test('somebody else’s node answers as one that does not exist, and is not changed', async () => {
  const versionBefore = reader.accounts.account('foreign')?.version
  for (const route of routes()) {
    if (route.scope === null || route.scope === 'admin') continue
    // Inventories have a matrix of their own, by provider: fleet/inventory-access.test.ts.
    if (isOfInventory(route.path)) continue
    // These are about no node, where everybody who may read sees the same, or about the credential's own.
    if (/\/(leaderboard|models|self)$/.test(route.path)) continue
    const key = keyOf([route.scope], ['own'])
    refused.length = 0
    const foreign = await ask(route, 'foreign', key)
    const unknown = await ask(route, 'unknown', key)
    const what = `${route.method} ${route.path}`
    // The audit records both: nobody may learn whether the other node exists.
    if (route.path.includes('{operator_id}')) assert.deepEqual(refused, [], what)
    else {
      const told = refused.map(({ kind, subject, nodeId }) => [kind, subject, nodeId])
      const subject = `key:${key.slice(3, 19)}`
      const tries = ['foreign', 'unknown'].map((node) => ['foreign_node', subject, node])
      assert.deepEqual(told, tries, what)
    }
    assert.equal(foreign.status, 404, what)
    const neutral = (body: unknown): string => JSON.stringify(body).replaceAll(/foreign|unknown/g, 'node')
    assert.equal(neutral(foreign.body), neutral(unknown.body), what)
    assert.deepEqual(Object.keys(foreign.headers), Object.keys(unknown.headers), what)
  }
  assert.equal(reader.accounts.account('foreign')?.version, versionBefore)
  assert.equal(reader.accounts.account('unknown'), null)
})

test('a request without a node means the credential’s only one', async () => {
  const headers = (nodes: string[]) => ({ authorization: `Bearer ${keyOf(['usage:read'], nodes)}` })
  const view = await reader.ask('GET', '/api/settings/compute/provider', { headers: headers(['own']) })
  assert.deepEqual([view.status, view.body['node_id']], [200, 'own'])
  for (const nodes of [['own', 'other'], ['*'], []]) {
    const { status } = await reader.ask('GET', '/api/settings/compute/provider', { headers: headers(nodes) })
    assert.equal(status, 422)
  }
})

test('the leaderboard names only nodes that the caller may see', async () => {
  const { body } = await reader.ask('GET', '/api/social/hosting/leaderboard', {
    headers: { authorization: `Bearer ${keyOf(['usage:read'], ['own'])}` },
  })
  const names = (body['items'] as { node_id: string | null }[]).map(({ node_id }) => node_id)
  assert.deepEqual(new Set(names), new Set(['own', null]))
  assert.equal(names.length, 2)
})
