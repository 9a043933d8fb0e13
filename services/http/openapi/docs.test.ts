import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setUp } from '../../gateway/app-fixture.ts'
import { startWholeReader } from '../../../test/support/memory/whole-reader.ts'

test('the pages under /docs ask no other host for anything', async () => {
  await using reader = await startWholeReader()
  const page = await reader.app.inject('/docs')
  assert.equal(page.statusCode, 200)
  assert.match(String(page.headers['content-type']), /^text\/html/)
  const paths = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
  assert.ok(paths.length >= 3, page.body)
  for (const path of paths) {
    assert.doesNotMatch(path, /^(https?:)?\/\//)
    const url = new URL(path, 'http://reader/docs')
    const asset = await reader.app.inject(url.pathname)
    assert.equal(asset.statusCode, 200, path)
  }
  const policy = String(page.headers['content-security-policy'])
  assert.match(policy, /default-src 'self'/)
  const initializer = await reader.app.inject('/docs/static/swagger-initializer.js')
  assert.match(initializer.body, /"validatorUrl":null/)
})

test('every code of a problem is in the document', async () => {
  await using reader = await startWholeReader()
  const { info } = (await reader.app.inject('/openapi.json')).json<{ info: { description: string } }>()
  for (const code of ['node_not_registered', 'over_limit', 'rate_limited', 'outcome_unknown'])
    assert.match(info.description, new RegExp(`\\| \`${code}\` \\| \\d{3} \\|`))
})

test('the document is written once, whoever asks for it how often and in which form', async (context) => {
  await using reader = await startWholeReader()
  const written = context.mock.method(reader.app, 'swagger')
  for (const url of ['/openapi.json', '/docs/json', '/docs/yaml']) {
    const [first, second] = [await reader.app.inject(url), await reader.app.inject(url)]
    assert.equal(first.statusCode, 200, url)
    assert.ok(first.body.length > 10_000)
    assert.equal(first.body, second.body)
  }
  // Each was written once for JSON and YAML under /docs; the test itself has read /openapi.json before.
  assert.equal(written.mock.callCount(), 2)
})

test('the pages show the routes of reader and gateway, each as its own server documents it', async () => {
  await using reader = await startWholeReader()
  const { app: gateway } = await setUp()
  type Document = { paths: Record<string, object>; components: { schemas: Record<string, object> } }
  const documentOf = async (app: typeof gateway, url: string) => (await app.inject(url)).json<Document>()
  const pages = (await reader.app.inject('/docs/json')).json<Document>()
  const [own, other] = [
    (await reader.app.inject('/openapi.json')).json<Document>(),
    await documentOf(gateway, '/openapi.json'),
  ]
  for (const [path, operations] of Object.entries(own.paths)) assert.deepEqual(pages.paths[path], operations)
  for (const [path, operations] of Object.entries(other.paths)) {
    if (own.paths[path] !== undefined) continue
    const servers = [{ url: 'http://127.0.0.1:4681', description: 'Hivemeter gateway' }]
    assert.deepEqual(pages.paths[path], { servers, ...operations }, path)
  }
  assert.ok('/v1/events' in pages.paths && '/v1/heartbeats' in pages.paths)
  assert.deepEqual(pages.components.schemas, { ...own.components.schemas, ...other.components.schemas })
  await gateway.close()
})
