import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWholeReader } from '../../test/support/whole-reader.ts'

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
  // Once each for JSON and YAML under /docs; the test's own reader has asked for /openapi.json before.
  assert.equal(written.mock.callCount(), 2)
  const json = await reader.app.inject('/docs/json')
  assert.deepEqual(json.json(), (await reader.app.inject('/openapi.json')).json())
})
