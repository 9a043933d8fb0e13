import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asked, startBothServers } from '../../test/support/servers/both-servers.ts'
import { loadConfig } from '../runtime/config.ts'
import { isAllowedOrigin, originsOf } from './cors.ts'

const PAGE = 'https://page.example:8443'

test('without origins no header of CORS is ever sent', async () => {
  await using both = await startBothServers()
  for (const one of both.operations) {
    const headers = { origin: PAGE, 'access-control-request-method': one.method }
    for (const method of [one.method, 'OPTIONS']) {
      const answer = await asked(one, { method, headers })
      // No credential is required here: such a page is refused for every request.
      assert.equal(answer.statusCode, 403)
      assert.deepEqual(
        Object.keys(answer.headers).filter((name) => name.startsWith('access-control-')),
        [],
      )
    }
  }
})

test('pages of an origin that is named may ask every route and read what it says, others not', async () => {
  await using both = await startBothServers({ corsOrigins: ['http://other.example', PAGE] })
  for (const one of both.operations) {
    const what = `${one.server.name} ${one.method} ${one.path}`
    const asking = {
      'access-control-request-method': one.method,
      'access-control-request-headers': 'authorization',
    }
    const preflight = await asked(one, { method: 'OPTIONS', headers: { origin: PAGE, ...asking } })
    assert.equal(preflight.statusCode, 204, what)
    assert.equal(preflight.headers['access-control-allow-origin'], PAGE, what)
    assert.ok(
      String(preflight.headers['access-control-allow-methods']).split(', ').includes(one.method),
      what,
    )
    assert.match(String(preflight.headers['access-control-allow-headers']), /\bauthorization\b/, what)
    const headers = { 'content-type': 'application/json', origin: PAGE }
    const answer = await asked(one, { headers })
    assert.notEqual(answer.statusCode, 403, what)
    assert.equal(answer.headers['access-control-allow-origin'], PAGE, what)
    assert.match(String(answer.headers['access-control-expose-headers']), /\betag\b.*\bretry-after\b/, what)
    assert.match(String(answer.headers['vary']), /\bOrigin\b/, what)
    for (const origin of [
      'https://page.example',
      'http://page.example:8443',
      'null',
      'https://evil.example',
    ]) {
      const refused = await asked(one, { headers: { ...headers, origin } })
      assert.deepEqual(
        [refused.statusCode, refused.headers['access-control-allow-origin']],
        [403, undefined],
        what,
      )
    }
  }
  const [{ app } = assert.fail()] = both.servers
  const lost = await app.inject({ url: '/nowhere', headers: { origin: PAGE } })
  assert.deepEqual([lost.statusCode, lost.headers['access-control-allow-origin']], [404, PAGE])
})

test('the setting names origins or all of them; all are refused where nobody is asked for a credential', () => {
  assert.deepEqual(originsOf(''), [])
  assert.ok(isAllowedOrigin(PAGE, originsOf(`http://a.example,${PAGE}`)))
  assert.ok(isAllowedOrigin(PAGE, originsOf('*')))
  assert.ok(!isAllowedOrigin(undefined, originsOf('*')))
  const load = (origins: string, access: string) =>
    loadConfig({ environment: { HIVEMETER_CORS_ORIGINS: origins, HIVEMETER_ACCESS: access } }).corsOrigins
  assert.equal(load(PAGE, 'off'), PAGE)
  assert.equal(load('*', 'required'), '*')
  assert.throws(() => load('*', 'off'), /HIVEMETER_CORS_ORIGINS is \*/)
  for (const wrong of [
    'page.example',
    'https://a.example/',
    'https://*.example',
    `${PAGE}, http://b`,
    '*,http://b',
  ])
    assert.throws(() => load(wrong, 'required'), /HIVEMETER_CORS_ORIGINS/, wrong)
})
