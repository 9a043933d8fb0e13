import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBothServers } from '../../test/support/servers/both-servers.ts'
import { startWholeReader } from '../../test/support/memory/whole-reader.ts'

test('the document is OpenAPI 3.1 and knows every route', async () => {
  await using reader = await startWholeReader()
  const { document } = reader
  assert.equal(document.openapi, '3.1.0')
  assert.deepEqual(Object.keys(document.paths).sort(), [
    '/api/audit',
    '/api/exposure/reservations',
    '/api/exposure/reservations/{id}',
    '/api/fleet/assignments',
    '/api/fleet/assignments/{id}',
    '/api/fleet/charts',
    '/api/fleet/containers',
    '/api/fleet/containers/{id}',
    '/api/fleet/customers',
    '/api/fleet/customers/{id}',
    '/api/fleet/identities',
    '/api/fleet/identities/{id}',
    '/api/fleet/locations',
    '/api/fleet/locations/{id}',
    '/api/fleet/models',
    '/api/fleet/models/{id}',
    '/api/fleet/nodes',
    '/api/fleet/nodes/self',
    '/api/fleet/nodes/{id}',
    '/api/fleet/overview',
    '/api/fleet/providers',
    '/api/fleet/providers/{id}',
    '/api/fleet/slots',
    '/api/fleet/slots/{id}',
    '/api/fleet/tickets',
    '/api/fleet/tickets/{id}',
    '/api/fleet/uptime',
    '/api/fleet/windows',
    '/api/fleet/windows/{id}',
    '/api/fleet/workers',
    '/api/fleet/workers/{id}',
    '/api/fleet/workers/{id}/series',
    '/api/fleet/workers/{id}/status-history',
    '/api/models',
    '/api/settings/compute',
    '/api/settings/compute/history',
    '/api/settings/compute/provider',
    '/api/settings/compute/provider/claim',
    '/api/settings/compute/provider/join',
    '/api/settings/compute/provider/transfer',
    '/api/settings/compute/providers',
    '/api/settlements',
    '/api/settlements/pending',
    '/api/settlements/run',
    '/api/social/hosting/leaderboard',
    '/api/social/hosting/rewards',
    '/api/usage',
    '/api/usage/events',
    '/api/usage/events/{event_id}',
    '/api/usage/set-aside',
    '/api/usage/set-aside/{id}/replay',
    '/api/wallets/{operator_id}',
    '/api/wallets/{operator_id}/entries',
    '/healthz',
    '/metrics',
    '/openapi.json',
    '/readyz',
  ])
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const operation of Object.values(operations)) {
      assert.ok(operation.summary, path)
      assert.ok(
        ['200', '201', '204'].some((status) => operation.responses[status] !== undefined),
        path,
      )
      const required = operation.parameters?.filter((parameter) => parameter.required) ?? []
      for (const { name } of required)
        assert.ok(['operator_id', 'id', 'event_id', 'provider'].includes(name), `${path} ${name}`)
    }
  }
})

test('every operation has an id of its own, what it asks for, and named schemas; no reference leads nowhere', async () => {
  await using both = await startBothServers()
  for (const { document } of both.servers) {
    const { servers = [], components } = document
    assert.deepEqual(servers.map(({ url }) => url).slice(0, 1), ['/'])
    const ids: string[] = []
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const what = `${method} ${path}`
        ids.push(operation.operationId ?? '')
        assert.match(operation.operationId ?? '', /^[a-z][A-Za-z0-9]+$/, what)
        assert.ok(Array.isArray(operation.security), what)
        const bodies = [operation.requestBody, ...Object.values(operation.responses)]
        for (const body of bodies) {
          for (const [type, { schema }] of Object.entries(body?.content ?? {})) {
            if (!type.endsWith('json') || path === '/openapi.json') continue
            assert.ok(isNamed(schema), `${what} ${type}: ${JSON.stringify(schema).slice(0, 200)}`)
          }
        }
      }
    }
    assert.equal(new Set(ids).size, ids.length)
    const references = JSON.stringify(document).match(/(?<="\$ref":"#\/components\/schemas\/)\w+/g) ?? []
    assert.ok(references.length > 30)
    for (const name of references) assert.ok(components?.schemas?.[name] !== undefined, name)
    assert.doesNotMatch(JSON.stringify(document), /x-component/)
  }
})

/** A reference, or a choice and lists of them; a plain value in a list needs no name. */
function isNamed(schema: unknown): boolean {
  const { $ref, anyOf, items } = schema as { $ref?: string; anyOf?: unknown[]; items?: { type?: string } }
  if (items?.type === 'string' || items?.type === 'integer') return true
  return $ref !== undefined || anyOf?.every(isNamed) === true || (items !== undefined && isNamed(items))
}
