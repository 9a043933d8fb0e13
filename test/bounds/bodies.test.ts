import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { systemClock } from '../../pipelines/clock.ts'
import { BATCH_BYTES_MAX } from '../../schemas/fleet/bounds.ts'
import { HEARTBEAT_BYTES_MAX } from '../../schemas/http/fleet.ts'
import { HEARTBEATS_BYTES_MAX } from '../../schemas/http/heartbeats.ts'
import { MODELS_BYTES_MAX } from '../../schemas/models.ts'
import { KeyRing } from '../../services/access/key-ring.ts'
import { BODY_BYTES_MAX } from '../../services/gateway/body.ts'
import { setUp } from '../../services/gateway/app-fixture.ts'
import { ARRIVAL_CHECK_MS, SILENCE_MS_MAX } from '../../services/http/arrival.ts'
import { LEFTOVER_TIMEOUT_MS } from '../../services/http/leftovers.ts'
import { WRITE_BYTES_MAX } from '../../services/reader/routes/json-body.ts'
import { accessBy, addKey } from '../support/records/access-keys.ts'
import type { OpenApiDocument } from '../support/oracles/openapi-check.ts'
import { startWholeReader } from '../support/memory/whole-reader.ts'

/** Every route of gateway and reader that accepts a body, taken from their documents, over real connections. */

/** How late a slow machine may be. */
const SLACK_MS = 5_000

const BODY_METHODS = new Set(['post', 'put', 'patch', 'delete'])

interface Route {
  readonly port: number
  readonly method: string
  readonly path: string
}

const keys = new KeyRing()
const stack = new AsyncDisposableStack()
const routes: Route[] = []
const ports: number[] = []

before(async () => {
  const access = accessBy(keys)
  const { app: gateway } = await setUp({ access, requestClock: systemClock })
  const { app: reader } = stack.use(await startWholeReader({ access }))
  stack.defer(() => gateway.close())
  for (const app of [gateway, reader]) {
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const { paths } = (await app.inject('/openapi.json')).json<OpenApiDocument>()
    for (const [path, operations] of Object.entries(paths))
      for (const method of Object.keys(operations))
        if (BODY_METHODS.has(method)) routes.push({ port, method: method.toUpperCase(), path })
    ports.push(port)
  }
})

after(() => stack.disposeAsync())

function key(): string {
  return addKey(keys, { scopes: ['admin'], nodes: ['*'] })
}

/** Sends a head and the beginning of its body, then nothing; returns the answer, and how long the connection lived. */
async function stall(
  { port, method, path }: Route,
  announcedBytes: number,
  credential: string | null,
): Promise<{ readonly status: number; readonly code: string; readonly livedMs: number }> {
  const socket = connect({ host: '127.0.0.1', port })
  const startMs = systemClock.monotonicMs()
  const heads = [
    `${method} ${path.replaceAll(/\{\w+\}/g, 'x')}?node_id=n HTTP/1.1`,
    'host: a',
    'content-type: application/json',
    `content-length: ${announcedBytes}`,
    ...(credential === null ? [] : [`authorization: Bearer ${credential}`]),
  ]
  socket.write(`${heads.join('\r\n')}\r\n\r\n{`)
  const answer = await text(socket)
  const livedMs = systemClock.monotonicMs() - startMs
  const [status = '0'] = /(?<=^HTTP\/1\.1 )\d+/.exec(answer) ?? []
  return { status: Number(status), code: /"code":"(\w+)"/.exec(answer)?.[1] ?? '', livedMs }
}

/** Routes whose bodies may be larger than those of other writes. */
const LARGEST: ReadonlyMap<string, number> = new Map([
  ['/v1/events', BODY_BYTES_MAX],
  ['/v1/heartbeats', HEARTBEATS_BYTES_MAX],
  ['/v1/fleet/telemetry', BATCH_BYTES_MAX],
  ['/v1/fleet/heartbeat', HEARTBEAT_BYTES_MAX],
  ['/api/models', MODELS_BYTES_MAX],
])

const largest = ({ path }: Route): number => LARGEST.get(path) ?? WRITE_BYTES_MAX

test('bodies that announce the most and stall end in seconds on every route, and hold up nobody meanwhile', async () => {
  assert.ok(routes.length >= 9, 'the walk has found the routes')
  const greedy = key()
  const stalling = routes.flatMap((route) =>
    Array.from({ length: 8 }, async () => ({ route, ...(await stall(route, largest(route), greedy)) })),
  )
  const other = key()
  for (const { port, method, path } of routes) {
    const answer = await fetch(`http://127.0.0.1:${port}${path.replaceAll(/\{\w+\}/g, 'x')}?node_id=n`, {
      method,
      headers: { authorization: `Bearer ${other}`, 'content-type': 'application/json' },
      body: '{}',
    })
    assert.ok(answer.status !== 503 && answer.status !== 408, `${method} ${path}: ${answer.status}`)
  }
  for (const { route, status, code, livedMs } of await Promise.all(stalling)) {
    const what = `${route.method} ${route.path} lived ${livedMs} ms`
    assert.deepEqual([status, code], [408, 'body_too_slow'], what)
    assert.ok(livedMs < SILENCE_MS_MAX + 2 * ARRIVAL_CHECK_MS + SLACK_MS, what)
  }
})

test('a body that is larger than its route takes is refused before it is sent, and its connection ends', async () => {
  const credential = key()
  const refused = await Promise.all(
    routes.map(async (route) => ({ route, ...(await stall(route, largest(route) + 1, credential)) })),
  )
  for (const { route, status, code, livedMs } of refused) {
    const what = `${route.method} ${route.path} lived ${livedMs} ms`
    assert.deepEqual([status, code], [413, 'body_too_large'], what)
    assert.ok(livedMs < LEFTOVER_TIMEOUT_MS + SLACK_MS, what)
  }
})

test('a body for no route, or without a credential, is never read, and its connection ends when it stalls', async () => {
  const nowhere = ports.map((port) => ({ port, method: 'POST', path: '/nowhere' }))
  const credential = key()
  const [lost, strangers] = await Promise.all([
    Promise.all(nowhere.map((route) => stall(route, BODY_BYTES_MAX, credential))),
    Promise.all(routes.map((route) => stall(route, 1_000, null))),
  ])
  assert.deepEqual(new Set(lost.map(({ status }) => status)), new Set([404]))
  assert.deepEqual(new Set(strangers.map(({ status }) => status)), new Set([401]))
  for (const { livedMs } of [...lost, ...strangers]) assert.ok(livedMs < LEFTOVER_TIMEOUT_MS + SLACK_MS)
})
