import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import Fastify from 'fastify'
import { systemClock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { setUp } from '../gateway/app-fixture.ts'
import { startWholeReader } from '../../test/support/memory/whole-reader.ts'
import { problemHandlers } from './problem.ts'
import { CONNECTION_TIMEOUT_MS, HEADERS_TIMEOUT_MS, TIMEOUT_CHECK_MS, serverTimeouts } from './timeouts.ts'
import { bound } from '../../test/support/oracles/named-bounds.ts'

/** Short, so that the test is short; the head may take as long as the whole request then. */
const REQUEST_TIMEOUT_MS = 1_500
const SLACK_MS = 5_000

const app = Fastify({ ...serverTimeouts(REQUEST_TIMEOUT_MS), forceCloseConnections: true })

before(async () => {
  problemHandlers(app, silentLogger)
  app.post('/', async () => ({}))
  await app.listen({ host: '127.0.0.1', port: 0 })
})
after(() => app.close())

/** How long a connection lives that sends this and then a byte now and then, and the answer that it gets. */
async function lives(first: string, then: string): Promise<{ livedMs: number; answer: string }> {
  const socket = connect({ host: '127.0.0.1', port: (app.server.address() as AddressInfo).port })
  const startMs = systemClock.monotonicMs()
  const dripping = setInterval(() => socket.write(then), 200)
  let answer = ''
  socket.on('error', () => {})
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString()))
  socket.write(first)
  await new Promise((resolve) => socket.once('close', resolve))
  clearInterval(dripping)
  return { livedMs: systemClock.monotonicMs() - startMs, answer }
}

test('a head or a body that drips ends at the stated time, true to TIMEOUT_CHECK_MS', async () => {
  const head = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n'
  const connections = await Promise.all([lives('POST / HT', ''), lives(head, 'x'), lives(`${head}\r\n`, ' ')])
  for (const { livedMs, answer } of connections) {
    assert.ok(livedMs >= REQUEST_TIMEOUT_MS - 100, `${livedMs} ms`)
    assert.ok(livedMs < REQUEST_TIMEOUT_MS + TIMEOUT_CHECK_MS + SLACK_MS, `${livedMs} ms`)
    assert.match(answer, /^HTTP\/1\.1 408 /)
  }
})

test('every server has the timeouts that are named, that of the head below that of the whole', async () => {
  await using reader = await startWholeReader()
  const { app: gateway } = await setUp()
  const servers = [
    ['services/gateway/app.ts', gateway.server],
    ['services/reader/app.ts', reader.app.server],
  ] as const
  for (const [file, server] of servers) {
    assert.equal(server.requestTimeout, bound(file, 'REQUEST_TIMEOUT_MS'))
    assert.equal(server.headersTimeout, HEADERS_TIMEOUT_MS)
    assert.ok(HEADERS_TIMEOUT_MS < server.requestTimeout)
    assert.equal(server.timeout, CONNECTION_TIMEOUT_MS)
  }
  await gateway.close()
})
