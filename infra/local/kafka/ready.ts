import { connect } from 'node:net'

const METADATA = 3
const METADATA_VERSION = 6
const CORRELATION_ID = 4711
const ANSWER_TIMEOUT_MS = 2_000
const ANSWER_BYTES_MAX = 1024 * 1024

/** A Metadata request for no topic: what it answers is the brokers that take part. */
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

/** Brokers in a whole Metadata answer: size, correlation id, throttle time, then the count. */
function brokersIn(answer: Buffer): number | undefined {
  if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return undefined
  return answer.length >= 16 && answer.readInt32BE(4) === CORRELATION_ID ? answer.readInt32BE(12) : 0
}

/**
 * Whether the broker at this port takes part in its cluster: it answers a Metadata request and names a broker. A port
 * that listens is not enough, as the socket opens before the broker is registered. Never rejects.
 */
export function answersMetadata(port: number, host = '127.0.0.1'): Promise<boolean> {
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
      if (brokers !== undefined) end(brokers > 0)
      else if (answer.length > ANSWER_BYTES_MAX) end(false)
    })
    socket.on('error', () => end(false))
    socket.on('timeout', () => end(false))
    socket.on('close', () => end(false))
  })
}
