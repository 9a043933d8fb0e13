import { connect } from 'node:net'
import { MIB } from '../../../schemas/units.ts'

const METADATA = 3
const METADATA_VERSION = 6
const CORRELATION_ID = 4711
const ANSWER_TIMEOUT_MS = 2_000
const ANSWER_BYTES_MAX = MIB

/** A Metadata request for no topic: its answer lists the brokers that take part. */
function metadataRequest(): Buffer {
  const client = Buffer.from('hivemeter-start')
  const size = 2 + 2 + 4 + 2 + client.length + 4 + 1
  const request = Buffer.alloc(4 + size)
  let at = request.writeInt32BE(size, 0)
  at = request.writeInt16BE(METADATA, at)
  at = request.writeInt16BE(METADATA_VERSION, at)
  at = request.writeInt32BE(CORRELATION_ID, at)
  at = request.writeInt16BE(client.length, at)
  at += client.copy(request, at)
  at = request.writeInt32BE(0, at)
  request.writeInt8(0, at)
  return request
}

/**
 * Ids of the brokers in a whole Metadata answer: size, correlation id, throttle time, a count, then id, host, port and rack
 * of each. Undefined while the answer is not whole.
 */
function brokersIn(answer: Buffer): number[] | undefined {
  if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return undefined
  if (answer.length < 16 || answer.readInt32BE(4) !== CORRELATION_ID) return []
  const ids: number[] = []
  let at = 16
  for (let left = answer.readInt32BE(12); left > 0; left--) {
    ids.push(answer.readInt32BE(at))
    at += 4 + 2 + answer.readInt16BE(at + 4) + 4
    at += 2 + Math.max(0, answer.readInt16BE(at))
  }
  return ids
}

/**
 * Whether the broker at this address takes part in its cluster: it answers a Metadata request and is among the brokers
 * that the answer lists. A port that listens is not enough, as the socket opens before the broker is registered, and the
 * answer of another broker does not show it either. Never rejects.
 */
export function answersMetadata(port: number, host = '127.0.0.1', nodeId = 1): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: ANSWER_TIMEOUT_MS })
    let answer = Buffer.alloc(0)
    const end = (ready: boolean) => {
      socket.destroy()
      resolve(ready)
    }
    socket.on('connect', () => socket.write(metadataRequest()))
    socket.on('data', (data) => {
      answer = Buffer.concat([answer, data])
      const brokers = brokersIn(answer)
      if (brokers !== undefined) end(brokers.includes(nodeId))
      else if (answer.length > ANSWER_BYTES_MAX) end(false)
    })
    socket.on('error', () => end(false))
    socket.on('timeout', () => end(false))
    socket.on('close', () => end(false))
  })
}
