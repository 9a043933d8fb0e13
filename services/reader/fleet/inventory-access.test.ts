import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { BODIES } from '../../../test/support/records/inventory/inventory-commands.ts'
import { accessBy, addKey } from '../../../test/support/records/access-keys.ts'
import { startWholeReader } from '../../../test/support/memory/whole-reader.ts'
import type { WholeReader } from '../../../test/support/memory/whole-reader.ts'
import type { FleetGrant } from '../../../schemas/fleet/records.ts'
import { KeyRing } from '../../access/key-ring.ts'
import type { Refusal } from '../../audit/refusals.ts'

/** Every route of the inventory × every role × the caller's provider, one of another, and one that does not exist. */

const keys = new KeyRing()
const refused: Refusal[] = []
const made = new Map<string, string>()
let reader: WholeReader

const admin = (): string => addKey(keys, { scopes: ['admin'], nodes: [] })
const grant = (role: FleetGrant['role'], customer_id: string | null = null): FleetGrant => ({
  provider_id: 'own',
  role,
  customer_id,
})
const keyOf = (...grants: FleetGrant[]): string =>
  addKey(keys, { scopes: ['fleet:read', 'fleet:write'], nodes: [], grants })

before(async () => {
  reader = await startWholeReader({
    access: accessBy(keys),
    audit: { refused: (refusal) => refused.push(refusal) },
  })
  for (const provider of ['own', 'foreign']) {
    const location = await make(provider, 'locations', BODIES.location)
    const customer = await make(provider, 'customers', BODIES.customer)
    const other = await make(provider, 'customers', BODIES.customer, 'other customer')
    const worker = await make(provider, 'workers', { asset_code: 'A-1' })
    const stranger = await make(provider, 'workers', { asset_code: 'A-2' }, 'other worker')
    await make(provider, 'assignments', { worker, location, customer })
    await make(provider, 'assignments', { worker: stranger, location, customer: other }, 'other assignment')
  }
})
after(() => reader[Symbol.asyncDispose]())

async function make(provider: string, path: string, body: object, name = path): Promise<string> {
  const { status, body: answer } = await reader.ask('POST', `/api/fleet/${path}?provider=${provider}`, {
    body,
    headers: { authorization: `Bearer ${admin()}` },
  })
  assert.equal(status, 201, JSON.stringify(answer))
  made.set(`${provider} ${name}`, String(answer['id']))
  return String(answer['id'])
}

async function ask(key: string, method: string, provider: string, path: string, body: object = {}) {
  return await reader.ask(method, `/api/fleet/${path}?provider=${provider}`, {
    ...(method !== 'GET' && { body }),
    headers: { authorization: `Bearer ${key}` },
  })
}

function routes(): { method: string; path: string }[] {
  return (
    Object.entries(reader.document.paths)
      // A node's own record is its key's alone, whatever provider is named.
      .filter(([path]) => path.startsWith('/api/fleet/') && path !== '/api/fleet/nodes/self')
      .flatMap(([path, operations]) =>
        Object.keys(operations).map((method) => ({
          method: method.toUpperCase(),
          path: path.slice('/api/fleet/'.length),
        })),
      )
  )
}

test('another provider’s things answer as those of one that does not exist, and the audit has both', async () => {
  const key = keyOf(grant('provider_admin'))
  assert.ok(routes().length >= 50)
  for (const { method, path } of routes()) {
    refused.length = 0
    const kind = path.split('/')[0] ?? ''
    const id = made.get(`foreign ${kind}`) ?? 'x'
    const [foreign, unknown] = [
      await ask(key, method, 'foreign', path.replace('{id}', id)),
      await ask(key, method, 'unknown', path.replace('{id}', id)),
    ]
    const what = `${method} ${path}`
    assert.equal(foreign.status, 404, what)
    const neutral = (body: unknown): string =>
      JSON.stringify(body).replaceAll(/foreign|unknown(?!_)/g, 'provider')
    assert.equal(neutral(foreign.body), neutral(unknown.body), what)
    assert.deepEqual(Object.keys(foreign.headers), Object.keys(unknown.headers), what)
    assert.deepEqual(
      refused.map(({ kind, nodeId }) => [kind, nodeId]),
      [
        ['foreign_node', 'foreign'],
        ['foreign_node', 'unknown'],
      ],
      what,
    )
  }
})

test('a technician changes machines and where they stand, and nothing else', async () => {
  const key = keyOf(grant('technician'))
  const may: string[] = []
  for (const { method, path } of routes().filter(({ method }) => method === 'POST')) {
    const { status } = await ask(key, method, 'own', path)
    assert.ok(status === 403 || status === 422, `${path}: ${status}`)
    if (status === 422) may.push(path)
  }
  assert.deepEqual(may.toSorted(), ['assignments', 'identities', 'slots', 'tickets', 'windows', 'workers'])
  assert.equal((await ask(key, 'GET', 'own', 'locations')).status, 200)
})

test('a customer sees itself, its assignments and machines, and changes nothing', async () => {
  const key = keyOf(grant('customer', made.get('own customers') ?? ''))
  const seen: string[] = []
  const views = new Set(['overview', 'charts', 'uptime'])
  const lists = routes().filter(
    ({ method, path }) => method === 'GET' && !path.includes('{id}') && !views.has(path),
  )
  for (const { path } of lists) {
    const { body } = await ask(key, 'GET', 'own', path)
    for (const { id } of body['items'] as { id: string }[]) {
      seen.push(id)
      assert.equal((await ask(key, 'GET', 'own', `${path}/${id}`)).status, 200)
    }
  }
  const own = ['customers', 'workers', 'assignments'].map((name) => made.get(`own ${name}`) ?? '')
  assert.deepEqual(seen.toSorted(), own.toSorted())
  for (const [path, name] of [
    ['workers', 'other worker'],
    ['customers', 'other customer'],
    ['assignments', 'other assignment'],
    ['locations', 'locations'],
  ] as const)
    assert.equal((await ask(key, 'GET', 'own', `${path}/${made.get(`own ${name}`)}`)).status, 404, path)
  for (const { method, path } of routes().filter((route) => route.method !== 'GET'))
    assert.equal((await ask(key, method, 'own', path.replace('{id}', 'x'))).status, 403, `${method} ${path}`)
})

test('a customer’s overview counts its own machines, and sums over those of others are not shown', async () => {
  const own = keyOf(grant('customer', made.get('own customers') ?? ''))
  const all = keyOf(grant('technician'))
  const counted = async (key: string) => {
    const { body } = await ask(key, 'GET', 'own', 'workers')
    return (body['items'] as { id: string }[]).map(({ id }) => id)
  }
  assert.deepEqual(await counted(own), [made.get('own workers')])
  assert.equal((await counted(all)).length, 2)
  for (const view of ['series', 'status-history']) {
    const historyOf = async (key: string, name: string) =>
      (await ask(key, 'GET', 'own', `workers/${made.get(`own ${name}`)}/${view}`)).body['code']
    assert.equal(await historyOf(own, 'other worker'), 'unknown_worker')
    assert.equal(await historyOf(own, 'workers'), 'history_unavailable')
  }
  for (const view of ['charts', 'uptime']) {
    assert.equal((await ask(own, 'GET', 'own', view)).body['code'], 'insufficient_role')
    // There is no ClickHouse here.
    assert.equal((await ask(all, 'GET', 'own', view)).body['code'], 'history_unavailable')
  }
})

test('without a grant there is no provider', async () => {
  assert.equal((await ask(keyOf(), 'GET', 'own', 'locations')).status, 404)
})
