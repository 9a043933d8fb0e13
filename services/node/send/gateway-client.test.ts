import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { after, test } from 'node:test'
import { systemClock } from '../../../pipelines/clock.ts'
import { GatewayClient, refusedIn } from './gateway-client.ts'

const SIGNAL = new AbortController().signal
const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

async function clientOf(
  status: number,
  body: string,
  headers: Record<string, string> = {},
  timeoutMs?: number,
): Promise<GatewayClient> {
  const server = createServer((request, response) => {
    request.resume()
    if (status !== 0) response.writeHead(status, headers).end(body)
  })
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const bound = timeoutMs === undefined ? {} : { timeoutMs }
  return new GatewayClient({ url: `http://127.0.0.1:${port}`, key: 'k', clock: systemClock, ...bound })
}

test('an answer is taken, again, denied or unfit', async () => {
  const cases: readonly (readonly [number, string, string])[] = [
    [202, '{"log_time":"2026-11-30T12:00:00Z"}', 'taken'],
    [202, `{"log_time":"2026-11-30T12:00:00Z","more":"${' '.repeat(1_048_576)}"}`, 'taken'],
    [503, '{"code":"log_unavailable"}', 'again'],
    [429, '{"code":"overloaded"}', 'again'],
    [401, '{"code":"unauthorized"}', 'denied'],
    [403, '{"code":"not_own_node"}', 'denied'],
    [415, '{"code":"unsupported_media_type"}', 'unknown_type'],
    [422, '{"code":"invalid_request"}', 'unfit'],
    [400, '{"code":"not_json"}', 'unfit'],
    [413, '{"code":"body_too_large"}', 'unfit'],
    // What is between node and gateway says nothing of the items.
    [400, '<html>proxy</html>', 'again'],
    [404, '{}', 'again'],
    [302, '', 'again'],
  ]
  for (const [status, body, kind] of cases) {
    const client = await clientOf(status, body, { location: 'http://127.0.0.1:1/' })
    const said = await client.say('/x', {}, SIGNAL)
    assert.equal(said.kind, kind, `${status} ${body.slice(0, 40)}`)
    if (kind === 'taken' && said.kind === 'taken') {
      assert.equal(said.logMs, body.length < 100 ? Date.UTC(2026, 10, 30, 12) : null)
    }
  }
})

test('what the gateway asks for is waited for, and silence ends', async () => {
  const busy = await (await clientOf(503, '{}', { 'retry-after': '7' })).say('/x', {}, SIGNAL)
  assert.deepEqual([busy.kind, busy.kind === 'again' ? busy.waitMs : 0], ['again', 7_000])
  const silent = await (await clientOf(0, '', {}, 80)).say('/x', {}, SIGNAL)
  assert.deepEqual(silent, { kind: 'again', waitMs: 0, reason: 'no answer in time' })
  const nobody = new GatewayClient({ url: 'http://127.0.0.1:1', key: null, clock: systemClock })
  assert.equal((await nobody.say('/x', {}, SIGNAL)).kind, 'again')
})

test('refused items are read by index and code; anything else is none', () => {
  const refused = [{ index: 2, code: 'no_id', path: '', detail: '' }, { index: '3' }, null]
  assert.deepEqual(refusedIn({ refused }), [{ index: 2, code: 'no_id' }])
  assert.deepEqual(refusedIn({}), [])
})

test('no text of an answer but a code comes into a reason', async () => {
  const said = await (await clientOf(503, '{"code":"text of somebody else"}')).say('/x', {}, SIGNAL)
  assert.deepEqual(said, { kind: 'again', waitMs: 0, reason: 'status 503 (no code)' })
})
