import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import Fastify from 'fastify'
import { answerBrokenRequest } from './broken-request.ts'

const app = Fastify({ clientErrorHandler: answerBrokenRequest, forceCloseConnections: true })
let port: number

before(async () => {
  app.get('/', async () => ({}))
  await app.listen({ host: '127.0.0.1', port: 0 })
  ;({ port } = app.server.address() as AddressInfo)
})

after(() => app.close())

async function send(bytes: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.write(bytes)
  return await text(socket)
}

test('what is no HTTP gets a problem, not a stack', async () => {
  const answer = await send('HELLO\r\n\r\n')
  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/problem\+json\r\n/)
  const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>
  assert.equal(body['code'], 'broken_request')
  assert.equal(body['status'], 400)
})

test('a head that never ends is refused', async () => {
  const answer = await send(`GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)
  assert.match(answer, /^HTTP\/1\.1 431 /)
})
