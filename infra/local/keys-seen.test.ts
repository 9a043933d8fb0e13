import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { awaitKeysSeen } from './keys-seen.ts'

const KEYS = { admin: 'a', provider: 'p', sample: 's', file: '/d/keys.json', isNew: true }

/** A server that knows each key only from the `count`-th request with it on, and answers 403 then. */
async function lateServer(count: number) {
  const requests = new Map<string, number>()
  const server = createServer((request, response) => {
    const key = request.headers.authorization ?? ''
    requests.set(key, (requests.get(key) ?? 0) + 1)
    request.resume()
    response.writeHead((requests.get(key) ?? 0) < count ? 401 : 403).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, requests, [Symbol.asyncDispose]: async () => void server.close() }
}

/** A clock whose waits end at once. */
const clock = (elapsedMs: () => number) => ({
  ...systemClock,
  monotonicMs: elapsedMs,
  delay: async () => {},
})

test('the first requests wait until reader and gateway have seen every key', async () => {
  await using reader = await lateServer(3)
  await using gateway = await lateServer(2)
  const servers = { readerUrl: reader.url, gatewayUrl: gateway.url }
  await awaitKeysSeen(
    KEYS,
    servers,
    clock(() => 0),
    new AbortController().signal,
  )
  assert.deepEqual([...reader.requests.values()], [3, 3, 3])
  assert.deepEqual([...gateway.requests.values()], [2, 2, 2])
})

test('a key that is never seen fails the start, and says whose', async () => {
  await using reader = await lateServer(1)
  await using gateway = await lateServer(Number.MAX_SAFE_INTEGER)
  let nowMs = 0
  const servers = { readerUrl: reader.url, gatewayUrl: gateway.url }
  await assert.rejects(
    awaitKeysSeen(
      KEYS,
      servers,
      clock(() => (nowMs += 10_000)),
      new AbortController().signal,
    ),
    /^ExitError: The gateway did not know the admin key .* remove \/d\/keys\.json/,
  )
})
