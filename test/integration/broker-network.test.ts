import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { BrokerNetwork, missingTool } from '../support/servers/broker-network.ts'
import { until } from '../support/until.ts'

const PORT = 7_000
const SILENCE_MS = 500
const LISTENS_MS = 10_000

/** Answers with the address from which a connection came. */
const ECHO = `require('node:net').createServer((socket) => socket.end(socket.remoteAddress)).listen(${PORT}, '0.0.0.0')`

/** Connects from within the second broker's namespace and returns the answer. */
const askFrom = (host: string): string => `
const socket = require('node:net').connect({ host: '${host}', port: ${PORT} })
socket.setTimeout(${SILENCE_MS}, () => process.exit(3))
socket.on('error', () => process.exit(4)).on('data', (data) => process.stdout.write(data)).on('end', () => process.exit(0))`

const opened = await BrokerNetwork.open(2)
const missing = typeof opened === 'string' ? opened : undefined
// Missing rights are a reason to skip; a tool that a package installs must be there where CI is set.
const tool = await missingTool()
if (tool !== undefined && process.env['CI'] === 'true') throw new Error(tool)

test('links of brokers in namespaces of their own are cut and mended', {
  skip: missing ?? false,
}, async () => {
  if (typeof opened === 'string') throw new Error(opened)
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => opened.close())
  const [first = '', second = ''] = opened.hosts
  assert.equal(first.length, '127.0.0.1'.length)
  const [command, ...args] = [...opened.commandOf(0), process.execPath, '-e', ECHO]
  const server = spawn(command, args, { stdio: 'ignore' })
  cleanup.defer(async () => {
    server.kill()
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
  })
  const fromPeer = (): Promise<string | number> =>
    ran([...opened.commandOf(1), process.execPath, '-e', askFrom(first)])
  const fromHere = (): Promise<string | undefined> => answerOf(first)
  await until('the broker to listen', LISTENS_MS, async () => (await fromHere()) !== undefined)
  assert.equal(await fromPeer(), second)

  await opened.cut(1, 0)
  assert.equal(await fromPeer(), 3, 'the peer hears nothing')
  assert.notEqual(await fromHere(), undefined, 'clients go on')
  await opened.heal()
  await opened.cut('clients', 0)
  assert.equal(await fromHere(), undefined)
  assert.equal(await fromPeer(), second)
  await opened.heal()
  await opened.cut(0, 'clients')
  assert.equal(await fromHere(), undefined)
  await opened.heal()
  await opened.cut(1, 0, PORT + 1)
  assert.equal(await fromPeer(), second, 'another port')
  assert.notEqual(await fromHere(), undefined)
})

/** What the program wrote, or how it ended. */
async function ran(words: readonly string[]): Promise<string | number> {
  const [command = '', ...args] = words
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString()
  })
  const [code] = (await once(child, 'close')) as [number]
  return code === 0 ? output : code
}

/** The answer of a server in the network to this process; undefined where none comes. */
async function answerOf(host: string): Promise<string | undefined> {
  const socket = connect({ host, port: PORT, timeout: SILENCE_MS })
  return await new Promise((resolve) => {
    socket
      .on('data', (data) => resolve(data.toString()))
      .on('error', () => resolve(undefined))
      .on('timeout', () => {
        socket.destroy()
        resolve(undefined)
      })
  })
}
