import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { after, test } from 'node:test'
import { systemClock } from '../../../pipelines/clock.ts'
import { askCgminer } from './cgminer.ts'
import { deadline } from './deadline.ts'
import { askFramed } from './framed.ts'
import { httpExchange } from './http/http-exchange.ts'
import { ANSWER_BYTES_MAX } from './read-outcome.ts'

const SIGNAL = new AbortController().signal
const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

/** A port that answers each connection with these bytes, and then ends it or leaves it open. */
async function portOf(bytes: Buffer, { ends = true } = {}): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => (ends ? socket.end(bytes) : socket.write(bytes)))
  })
  servers.push(server)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const ask = { host: '127.0.0.1', command: { command: 'summary' }, signal: SIGNAL }

function framed(length: number, text: string): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(length)
  return Buffer.concat([bytes, Buffer.from(text)])
}

test('an answer of cgminer ends with a NUL or with the connection, and is read to its bound', async () => {
  const open = await portOf(Buffer.from('{"a":1}\0'), { ends: false })
  assert.deepEqual(await askCgminer({ ...ask, port: open }), { kind: 'answer', text: '{"a":1}\0' })
  const whole = ' '.repeat(ANSWER_BYTES_MAX)
  const atBound = await askCgminer({ ...ask, port: await portOf(Buffer.from(whole)) })
  assert.deepEqual(atBound, { kind: 'answer', text: whole })
  const beyond = await askCgminer({ ...ask, port: await portOf(Buffer.from(`${whole} `)) })
  assert.deepEqual(beyond, { kind: 'unreadable' })
  assert.deepEqual(await askCgminer({ ...ask, port: await portOf(Buffer.alloc(0)) }), { kind: 'unreadable' })
})

test('a frame is as long as it says; one that is shorter, or says that it is too long, is none', async () => {
  const open = await portOf(framed(2, '{}'), { ends: false })
  assert.deepEqual(await askFramed({ ...ask, port: open }), { kind: 'answer', text: '{}' })
  for (const bytes of [framed(3, '{}'), framed(ANSWER_BYTES_MAX + 1, '{}'), Buffer.alloc(3)]) {
    assert.deepEqual(await askFramed({ ...ask, port: await portOf(bytes) }), { kind: 'unreadable' })
  }
})

test('a web server is read to the same bound, and one that speaks no HTTP is unreadable', async () => {
  const get = { host: '127.0.0.1', method: 'GET', path: '/', signal: SIGNAL } as const
  const response = (size: number): Buffer => Buffer.from(`HTTP/1.1 200 OK\r\n\r\n${' '.repeat(size)}`)
  const atBound = await httpExchange({ ...get, port: await portOf(response(ANSWER_BYTES_MAX)) })
  assert.ok(atBound.kind === 'http' && atBound.text.length === ANSWER_BYTES_MAX)
  const beyond = await httpExchange({ ...get, port: await portOf(response(ANSWER_BYTES_MAX + 1)) })
  assert.deepEqual(beyond, { kind: 'unreadable' })
  assert.deepEqual(await httpExchange({ ...get, port: await portOf(Buffer.from('stratum?\r\n\r\n')) }), {
    kind: 'unreadable',
  })
})

test('a request ends with its time, or with what it is a part of', async () => {
  const silent = await portOf(Buffer.from('{'), { ends: false })
  using short = deadline(systemClock, 50, SIGNAL)
  assert.deepEqual(await askCgminer({ ...ask, port: silent, signal: short.signal }), { kind: 'timeout' })
  const outer = new AbortController()
  using long = deadline(systemClock, 60_000, outer.signal)
  const asked = askFramed({ ...ask, port: silent, signal: long.signal })
  outer.abort()
  assert.deepEqual(await asked, { kind: 'timeout' })
})
