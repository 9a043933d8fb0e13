import { createRequire } from 'node:module'
import type { Socket } from 'node:net'

/**
 * Lets every connection of kafkajs begin without data of the previous one. kafkajs keeps the half of an answer that a
 * broken connection left, and puts the answers of the next connection after it. From then on it cuts the stream at the
 * wrong places, until an impossible length ends the process, or a huge one makes every request wait for its timeout
 * permanently. It also still listens to the old socket, whose late end then ends the new connection (found by
 * test/faults/faults/connections.ts).
 */

/** What this file wraps of `kafkajs/src/network/connection.js` (2.2.4, pinned). */
interface Connection {
  socket?: Socket
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
  isConnected: (this: Connection) => boolean
  connect: (this: Connection) => Promise<boolean>
  disconnect: (this: Connection) => Promise<boolean>
}

const FRAME_SIZE_BYTES = 4

const require = createRequire(import.meta.url)
const { prototype } = require('kafkajs/src/network/connection.js') as { prototype: Connection }
const { connect, disconnect } = prototype

/** Connections that are being made: a second caller waits for that of the first, instead of making its own. */
const underWay = new WeakMap<Connection, Promise<boolean>>()

prototype.connect = function connectAfresh() {
  if (this.isConnected()) return Promise.resolve(true)
  const others = underWay.get(this)
  if (others !== undefined) return others
  this.socket?.removeAllListeners()
  this.socket?.on('error', () => {}).destroy()
  this.chunks = []
  this.bytesBuffered = 0
  this.bytesNeeded = FRAME_SIZE_BYTES
  const made = connect.call(this).finally(() => underWay.delete(this))
  underWay.set(this, made)
  return made
}

prototype.disconnect = function disconnectForGood() {
  underWay.delete(this)
  return disconnect.call(this)
}
