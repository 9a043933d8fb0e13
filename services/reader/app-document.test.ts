import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWholeReader } from '../../test/support/whole-reader.ts'

test('the document is OpenAPI 3.1 and knows every route', async () => {
  await using reader = await startWholeReader()
  const { document } = reader
  assert.equal(document.openapi, '3.1.0')
  assert.deepEqual(Object.keys(document.paths).sort(), [
    '/api/audit',
    '/api/exposure/reservations',
    '/api/exposure/reservations/{id}',
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
        assert.ok(['operator_id', 'id', 'event_id'].includes(name), `${path} ${name}`)
    }
  }
})
