import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { BODIES } from '../../../test/support/records/inventory/inventory-commands.ts'
import { MemoryFleet } from '../../../test/support/memory/memory-fleet.ts'
import { startWholeReader } from '../../../test/support/memory/whole-reader.ts'
import type { WholeAnswer, WholeReader } from '../../../test/support/memory/whole-reader.ts'
import { ENTITIES } from '../../../schemas/fleet/inventory/entities.ts'
import { INVENTORY_CODES } from '../../../schemas/fleet/inventory/records.ts'
import { ROUTED } from '../../../schemas/http/fleet-inventory.ts'
import { PROBLEMS } from '../../../schemas/http/problem.ts'

const NOW = Date.UTC(2026, 10, 30, 14, 1)
const EDGE = '2026-11-30T14:05:00.000Z'
const fleet = new MemoryFleet(NOW)
let reader: WholeReader

before(async () => {
  reader = await startWholeReader({ inventories: fleet })
})
after(() => reader[Symbol.asyncDispose]())

async function ask(
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<WholeAnswer> {
  const [place = '', query = ''] = path.split('?')
  const url = `/api/fleet/${place}?provider=krill${query === '' ? '' : `&${query}`}`
  return await reader.ask(method, url, { headers, ...(body !== undefined && { body }) })
}

const idOf = ({ body }: WholeAnswer): string => String(body['id'])

test('what is made is shown from then on, with every field of its kind', async () => {
  const made = await ask('POST', 'locations', { ...BODIES.location, capacity_w: 5_000_000 })
  assert.deepEqual(
    [made.status, made.body['version'], made.body['valid_from'], made.headers['etag']],
    [201, 1, EDGE, '"1"'],
  )
  const { status, body, headers } = await ask('GET', `locations/${idOf(made)}`)
  assert.equal(status, 200)
  assert.equal(headers['etag'], '"1"')
  assert.deepEqual(body, {
    id: idOf(made),
    version: 1,
    valid_from: EDGE,
    valid_to: null,
    known_at: '2026-11-30T14:01:00.000Z',
    changed_by: 'loopback',
    name: 'Barn',
    description: null,
    region: null,
    timezone: 'America/Chicago',
    capacity_w: 5_000_000,
    service_available: null,
    thresholds: null,
  })
})

test('a change names the version that it has seen, changes some fields, and takes one away', async () => {
  const id = idOf(await ask('POST', 'customers', BODIES.customer))
  const changed = await ask('PATCH', `customers/${id}`, { state: 'suspended' }, { 'if-match': '"1"' })
  assert.deepEqual([changed.status, changed.headers['etag']], [200, '"2"'])
  const { body } = await ask('GET', `customers/${id}`)
  assert.deepEqual([body['name'], body['state']], ['Otter', 'suspended'])
  const stale = await ask('PATCH', `customers/${id}`, { state: 'closed' }, { 'if-match': '"1"' })
  assert.deepEqual([stale.status, stale.body['code']], [412, 'version_conflict'])
  const nothing = await ask('PATCH', `customers/${id}`, {})
  assert.deepEqual([nothing.status, nothing.body['code']], [422, 'invalid_request'])
  const emptied = await ask('PATCH', `customers/${id}`, { name: null })
  assert.deepEqual([emptied.status, emptied.body['code']], [422, 'invalid_change'])
})

test('the same Idempotency-Key is the same change, and another body is refused', async () => {
  const once = { 'idempotency-key': 'twice' }
  const [first, second] = [
    await ask('POST', 'models', BODIES.model, once),
    await ask('POST', 'models', BODIES.model, once),
  ]
  assert.deepEqual([second.status, idOf(second)], [201, idOf(first)])
  const other = await ask('POST', 'models', { ...BODIES.model, fans: 4 }, once)
  assert.deepEqual([other.status, other.body['code']], [422, 'idempotency_key_reused'])
})

test('what ended is not there, and what is needed does not end', async () => {
  const location = idOf(await ask('POST', 'locations', BODIES.location))
  const container = idOf(await ask('POST', 'containers', { ...BODIES.container, location }))
  const needed = await ask('DELETE', `locations/${location}`)
  assert.deepEqual([needed.status, needed.body['code']], [409, 'in_use'])
  assert.equal((await ask('DELETE', `containers/${container}`)).status, 200)
  assert.deepEqual((await ask('GET', `containers/${container}`)).body['code'], 'unknown_container')
  assert.equal((await ask('DELETE', `locations/${location}`)).status, 200)
})

test('lists go on from page to page by id, and each kind and provider has its own', async () => {
  const ids = new Set<string>()
  for (let number = 0; number < 5; number += 1)
    ids.add(idOf(await ask('POST', 'workers', { asset_code: `A-${number}` })))
  const found: string[] = []
  let cursor = ''
  do {
    const { body } = await ask('GET', `workers?limit=2&cursor=${cursor}`)
    found.push(...(body['items'] as { id: string }[]).map(({ id }) => id))
    cursor = (body['next_cursor'] as string | null) ?? ''
  } while (cursor !== '')
  assert.deepEqual(found, [...ids].toSorted())
  const other = await reader.ask('GET', '/api/fleet/workers?provider=other')
  assert.deepEqual(other.body['items'], [])
})

test('a provider has settings of its own, and no others', async () => {
  assert.equal((await ask('GET', 'providers/krill')).status, 404)
  const set = await ask('PATCH', 'providers/krill', { thresholds: { under_pct: 85 } })
  assert.equal(set.status, 200)
  assert.deepEqual((await ask('GET', 'providers/krill')).body['thresholds'], { under_pct: 85 })
  assert.equal((await ask('PATCH', 'providers/shrimp', { name: 'S' })).body['code'], 'unknown_provider')
})

test('times are RFC 3339 on edges of 5 minutes', async () => {
  const at = async (valid_from: unknown): Promise<unknown> =>
    (await ask('POST', 'workers', { asset_code: 'T', valid_from })).body['code']
  assert.equal(await at('2026-11-30T14:00:00Z'), 'past')
  assert.equal(await at('2026-11-30T14:06:00Z'), 'not_on_edge')
  assert.equal(await at('tomorrow'), 'invalid_request')
  assert.equal(await at('2026-11-30T15:10:00+01:00'), undefined)
  const window = { kind: 'heat', scope: 'workers', target: 'off', starts_at: '2026-11-30T14:03:00Z' }
  const { body } = await ask('POST', 'windows', { ...window, workers: ['w'] })
  assert.deepEqual(
    (body['errors'] as { path: string }[]).map(({ path }) => path),
    ['/starts_at'],
  )
})

describe('bodies', () => {
  test('a field that is none, or cannot have its value, is named', async () => {
    const pathOf = async (body: object): Promise<unknown> =>
      (
        (await ask('POST', 'locations', { ...BODIES.location, ...body })).body['errors'] as { path: string }[]
      )[0]?.path
    assert.equal(await pathOf({ tariff: 'x' }), '/tariff')
    assert.equal(await pathOf({ capacity_w: -1 }), '/capacity_w')
    assert.equal(await pathOf({ timezone: 'Mars/Base' }), '/timezone')
    assert.equal(await pathOf({ thresholds: { under_pct: 'x' } }), '/thresholds')
  })
})

test('every kind has its routes, each of them for admins, and every code its status', () => {
  for (const kind of ROUTED) {
    const { path } = ENTITIES[kind]
    const methodsAt = (address: string): string[] =>
      Object.keys(reader.document.paths[address] ?? {}).toSorted()
    const isProvider = kind === 'provider'
    assert.deepEqual(methodsAt(`/api/fleet/${path}`), isProvider ? ['get'] : ['get', 'post'])
    assert.deepEqual(
      methodsAt(`/api/fleet/${path}/{id}`),
      isProvider ? ['get', 'patch'] : ['delete', 'get', 'patch'],
    )
  }
  for (const code of INVENTORY_CODES) assert.ok(code in PROBLEMS, code)
})
