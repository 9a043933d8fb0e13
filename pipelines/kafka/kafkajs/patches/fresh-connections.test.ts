import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import '../client.ts'

const require = createRequire(import.meta.url)

interface Connection {
  isConnected: () => boolean
  connect: () => Promise<boolean>
  disconnect: () => Promise<boolean>
  send: (protocol: object) => Promise<unknown>
}
const Encoder = require('kafkajs/src/protocol/encoder.js') as new () => object
const Connection = require('kafkajs/src/network/connection.js') as new (options: object) => Connection

const silent = { namespace: () => silent, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const NUMBER_AT = 8

/** A request whose answer is a text. */
const question = {
  request: { apiKey: 18, apiVersion: 0, apiName: 'Question', encode: async () => new Encoder() },
  response: {
    decode: async (payload: Buffer) => ({ text: payload.toString() }),
    parse: async ({ text }: { text: string }) => text,
  },
}

/** A frame as a broker sends it: its length, the number of the request, a text. */
function answer(request: Buffer, text: string): Buffer {
  const frame = Buffer.alloc(NUMBER_AT + text.length)
  frame.writeInt32BE(4 + text.length, 0)
  frame.writeInt32BE(request.readInt32BE(NUMBER_AT), 4)
  frame.write(text, NUMBER_AT)
  return frame
}

/** A broker that serves its sockets one by one, each in a different way. */
async function broker(serve: readonly ((socket: Socket) => void)[]) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    serve[sockets.push(socket) - 1]?.(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const connection = new Connection({
    host: '127.0.0.1',
    port,
    logger: silent,
    socketFactory: (require('kafkajs/src/network/socketFactory.js') as () => unknown)(),
    requestTimeout: 1_000,
    connectionTimeout: 1_000,
    enforceRequestTimeout: true,
  })
  return {
    connection,
    sockets,
    [Symbol.asyncDispose]: async () => {
      await connection.disconnect()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const inFull = (socket: Socket): void => {
  socket.on('data', (request) => socket.write(answer(request, 'whole')))
}

test('half an answer of a connection that broke does not stand before the answers of the next', async () => {
  const cut = (socket: Socket): void => {
    socket.once('data', (request) => socket.end(answer(request, 'whole').subarray(0, 10)))
  }
  await using served = await broker([cut, inFull])
  await served.connection.connect()
  await assert.rejects(served.connection.send(question), { name: 'KafkaJSConnectionClosedError' })
  await served.connection.connect()
  assert.equal(await served.connection.send(question), 'whole')
})

test('the late end of the connection before does not end the next', async () => {
  await using served = await broker([() => {}, inFull])
  await served.connection.connect()
  await assert.rejects(served.connection.send(question), { name: 'KafkaJSRequestTimeoutError' })
  await served.connection.disconnect()
  await served.connection.connect()
  const answered = served.connection.send(question)
  served.sockets[0]?.end('late')
  assert.equal(await answered, 'whole')
  assert.equal(await served.connection.send(question), 'whole')
  assert.equal(served.connection.isConnected(), true)
})

test('two callers at the same time get one connection', async () => {
  await using served = await broker([inFull, inFull])
  await Promise.all([served.connection.connect(), served.connection.connect()])
  assert.equal(await served.connection.send(question), 'whole')
  assert.equal(served.sockets.length, 1)
})
