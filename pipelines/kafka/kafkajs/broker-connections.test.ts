import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { test } from 'node:test'
import { systemRandom } from '../../random.ts'
import { VirtualClock } from '../../../test/support/memory/virtual-clock.ts'
import { systemClock } from '../../clock.ts'
import { silentLogger } from '../../logger.ts'
import { LAST_WORDS_MS } from '../majority.ts'
import { BrokerConnections, PRODUCE_CONNECTION_TIMEOUT_MS } from './broker-connections.ts'
import { LOOK_UP_TIMEOUT_MS } from './kafkajs-wire.ts'
import { Unanswered } from '../produce/wire.ts'

const API_VERSIONS = 18
const METADATA = { topics: ['usage.metered'], allowAutoTopicCreation: false }

/** A port that accepts connections; `answers` decides which requests get an answer, by api key. */
async function listening(answers: (apiKey: number) => Buffer | null) {
  const sockets = new Set<Socket>()
  const asked: number[] = []
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      const apiKey = data.readInt16BE(4)
      asked.push(apiKey)
      const body = answers(apiKey)
      if (body === null) return
      const head = Buffer.alloc(8)
      head.writeInt32BE(4 + body.length, 0)
      head.writeInt32BE(data.readInt32BE(8), 4)
      socket.write(Buffer.concat([head, body]))
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { broker: `127.0.0.1:${port}`, asked, close }
}

/** ApiVersions, version 2: Metadata 0 to 6 and itself. */
function versions(): Buffer {
  const body = Buffer.alloc(2 + 4 + 2 * 6 + 4)
  body.writeInt32BE(2, 2)
  for (const [index, [key = 0, highest = 0]] of [
    [3, 6],
    [API_VERSIONS, 2],
  ].entries()) {
    body.writeInt16BE(key, 6 + 6 * index)
    body.writeInt16BE(highest, 10 + 6 * index)
  }
  return body
}

/** Metadata, version 6: all lists are empty. */
const nothing = (): Buffer => Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 1, 0, 0, 0, 0])

const hung = (): Promise<Awaited<ReturnType<typeof listening>>> => listening(() => null)

function connectionsTo(brokers: readonly string[]) {
  const clock = new VirtualClock()
  const options = { brokers, clientId: 'test', logger: silentLogger, clock, random: systemRandom }
  return { clock, connections: new BrokerConnections(options) }
}

test('a broker that takes a connection and says nothing is given up, and so is the next', async (t) => {
  const brokers = [await hung(), await hung()]
  const { clock, connections } = connectionsTo(brokers.map(({ broker }) => broker))
  t.after(() => {
    connections.close()
    for (const { close } of brokers) close()
  })
  const startMs = clock.monotonicMs()
  await assert.rejects(connections.askAny('Metadata', METADATA, LOOK_UP_TIMEOUT_MS), (error) => {
    assert.ok(error instanceof Unanswered)
    assert.equal(error.wasSent, false)
    return true
  })
  assert.equal(clock.monotonicMs() - startMs, 2 * PRODUCE_CONNECTION_TIMEOUT_MS)
})

test('a port where nothing listens is unanswered at once', async () => {
  const { connections } = connectionsTo(['127.0.0.1:1'])
  await assert.rejects(connections.askAny('Metadata', METADATA, LOOK_UP_TIMEOUT_MS), Unanswered)
})

test('after connections are closed nothing is asked', async () => {
  const broker = await hung()
  const { connections } = connectionsTo([broker.broker])
  connections.close()
  await assert.rejects(connections.askAny('Metadata', METADATA, LOOK_UP_TIMEOUT_MS), Unanswered)
  assert.deepEqual(broker.asked, [])
  broker.close()
})

test('the next broker is asked where one goes silent, and the silent one is asked last from then on', async (t) => {
  // This uses real time: virtual time would pass while an answer is on its way.
  const silent = await listening((apiKey) => (apiKey === API_VERSIONS ? versions() : null))
  const well = await listening((apiKey) => (apiKey === API_VERSIONS ? versions() : nothing()))
  const connections = new BrokerConnections({
    brokers: [silent.broker, well.broker],
    clientId: 'test',
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  })
  t.after(() => {
    connections.close()
    silent.close()
    well.close()
  })
  const startMs = systemClock.monotonicMs()
  for (let asked = 1; asked <= 4; asked++) {
    await connections.askAny('Metadata', METADATA, LOOK_UP_TIMEOUT_MS)
  }
  const tookMs = systemClock.monotonicMs() - startMs
  assert.ok(tookMs >= LOOK_UP_TIMEOUT_MS - 5 && tookMs < 2 * LOOK_UP_TIMEOUT_MS, `${tookMs} ms`)
  assert.equal(silent.asked.filter((apiKey) => apiKey !== API_VERSIONS).length, 1)
  assert.equal(well.asked.filter((apiKey) => apiKey !== API_VERSIONS).length, 4)
})

test('a question to all is answered by most of them: one that hangs is waited for LAST_WORDS_MS', async (t) => {
  const answers = (apiKey: number): Buffer => (apiKey === API_VERSIONS ? versions() : nothing())
  const brokers = [await hung(), await listening(answers), await listening(answers)]
  const connections = new BrokerConnections({
    brokers: brokers.map(({ broker }) => broker),
    clientId: 'test',
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  })
  t.after(() => {
    connections.close()
    for (const { close } of brokers) close()
  })
  const startMs = systemClock.monotonicMs()
  const said = await connections.askEach('Metadata', METADATA, LOOK_UP_TIMEOUT_MS)
  const tookMs = systemClock.monotonicMs() - startMs
  assert.deepEqual([said.answers.length, said.queried], [2, 3])
  assert(tookMs >= LAST_WORDS_MS - 5 && tookMs < LOOK_UP_TIMEOUT_MS, `${tookMs} ms`)
})
