import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, test } from 'node:test'
import Fastify from 'fastify'
import { systemClock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { ManualClock } from '../gateway/fixtures.ts'
import { LEFTOVERS_MAX, LEFTOVER_BYTES_MAX, LEFTOVER_MS_MAX, readLeftovers } from './leftovers.ts'
import { problemHandlers } from './problem.ts'
import { unauthorized } from './refusal.ts'

const clock = new ManualClock(0)
const app = Fastify({ forceCloseConnections: true })
let port = 0

before(async () => {
  problemHandlers(app, silentLogger)
  readLeftovers(app, clock)
  app.addHook('onRequest', async ({ method }) => {
    if (method === 'POST') throw unauthorized()
  })
  app.post('/', async () => ({}))
  app.get('/', async () => ({}))
  await app.listen({ host: '127.0.0.1', port: 0 })
  ;({ port } = app.server.address() as AddressInfo)
})

after(() => app.close())

interface Client {
  readonly socket: Socket
  /** What the client has received so far. */
  received(): string
  readonly closed: Promise<unknown>
}

/** A client that has announced a body and not sent it. */
async function refused(bytes: number, connection: 'close' | 'keep-alive'): Promise<Client> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  let received = ''
  socket.on('data', (data: Buffer) => (received += data.toString())).on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\nconnection: ${connection}\r\ncontent-length: ${bytes}\r\n\r\n`)
  while (!received.includes('\r\n\r\n')) await Promise.race([once(socket, 'data'), closed])
  assert.match(received, /^HTTP\/1\.1 401 /)
  return { socket, received: () => received, closed }
}

/** Sends in pieces until all is sent, or the connection is gone; returns how much was sent. */
async function send({ socket }: Client, bytes: number): Promise<number> {
  const piece = Buffer.alloc(65_536)
  let sent = 0
  while (sent < bytes && !socket.destroyed) {
    const part = piece.subarray(0, Math.min(piece.length, bytes - sent))
    const isSent = await new Promise((resolve) => socket.write(part, (error) => resolve(error == null)))
    if (!isSent) break
    sent += part.length
  }
  return sent
}

/** What the system holds of a connection on both sides. */
const BUFFERED_BYTES = 12 * 1_048_576

test('a body that was answered is read to its end, and the connection goes on or ends as was asked', async () => {
  const kept = await refused(8_000_000, 'keep-alive')
  assert.equal(await send(kept, 8_000_000), 8_000_000)
  kept.socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  await once(kept.socket, 'end')
  assert.match(kept.received(), /HTTP\/1\.1 200 /)
  kept.socket.destroy()
  const closing = await refused(8_000_000, 'close')
  assert.equal(await send(closing, 8_000_000), 8_000_000)
  closing.socket.end()
  await closing.closed
})

for (const connection of ['close', 'keep-alive'] as const) {
  test(`LEFTOVER_BYTES_MAX: beyond it the connection ends (${connection})`, async () => {
    const client = await refused(4 * LEFTOVER_BYTES_MAX, connection)
    const sent = await send(client, 4 * LEFTOVER_BYTES_MAX)
    await client.closed
    assert.ok(sent >= LEFTOVER_BYTES_MAX - 65_536, String(sent))
    assert.ok(sent < LEFTOVER_BYTES_MAX + BUFFERED_BYTES, String(sent))
  })

  test(`LEFTOVER_MS_MAX: nor is it read for longer (${connection})`, async () => {
    const client = await refused(1_000_000, connection)
    client.socket.write('x')
    await clock.pass(LEFTOVER_MS_MAX - 1)
    await systemClock.delay(100)
    assert.ok(!client.socket.destroyed)
    client.socket.write('x')
    await clock.pass(1)
    await systemClock.delay(50)
    client.socket.write('x')
    await client.closed
  })
}

test('LEFTOVERS_MAX: on one connection more it is not read, and room is given back', async () => {
  const held = await Promise.all(Array.from({ length: LEFTOVERS_MAX }, () => refused(1_000_000, 'close')))
  const over = await refused(1_000_000, 'keep-alive')
  assert.match(over.received(), /\r\nconnection: close\r\n/i)
  if (!over.socket.readableEnded) await once(over.socket, 'end')
  over.socket.destroy()
  for (const { socket } of held) socket.destroy()
  await Promise.all(held.map(({ closed }) => closed))
  await systemClock.delay(100)
  const next = await refused(100_000, 'keep-alive')
  assert.doesNotMatch(next.received(), /\r\nconnection: close\r\n/i)
  next.socket.destroy()
})
