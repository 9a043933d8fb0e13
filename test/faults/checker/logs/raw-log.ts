import { connect } from 'node:net'
import { systemClock } from '../../../../pipelines/clock.ts'
import { batchesOf, headerOf } from './batch-headers.ts'
import type { BatchHeader } from './batch-headers.ts'

/** Reads a partition as it is in the log, aborted batches and markers too: no client shows these. */

const FETCH = { key: 1, version: 4 } as const
const CLIENT_ID = 'hivemeter-checker'
const FETCH_BYTES_MAX = 4 * 1_048_576
const FETCH_WAIT_MS = 100
const ANSWER_TIMEOUT_MS = 20_000
const NO_REPLICA = -1
const READ_UNCOMMITTED = 0

/** NOT_LEADER_OR_FOLLOWER: Kafka gives partitions back to their first replica minutes after it is there again. */
const MOVED = 6

/**
 * How often the leader is looked up again for one piece, and how long after: brokers learn of a move one after the other.
 */
const MOVES_MAX = 20
const MOVE_PAUSE_MS = 200

export interface RawPartition {
  /** `host:port` of the broker that leads the partition now; called again where the partition has moved. */
  readonly leader: () => Promise<string>
  readonly topic: string
  readonly partition: number
  /** The start of the log. */
  readonly from: bigint
}

/** A batch as it is in the log, and its header. */
export interface RawBatch {
  readonly bytes: Buffer
  readonly header: BatchHeader
}

/** Every batch of the partition from `from` to its current end, in log order. */
export async function* readBatches(raw: RawPartition): AsyncGenerator<RawBatch> {
  let at = raw.from
  let broker = await raw.leader()
  let moves = 0
  for (;;) {
    const fetched = await fetchLog(broker, raw, at)
    if (fetched.error === MOVED && moves < MOVES_MAX) {
      moves += 1
      await systemClock.delay(MOVE_PAUSE_MS)
      broker = await raw.leader()
      continue
    }
    const { error, log, highWatermark } = fetched
    if (error !== 0)
      throw new Error(`Fetch of ${raw.topic}[${raw.partition}] at ${at}: Kafka's error ${error}`)
    moves = 0
    let isFirst = true
    for (const bytes of batchesOf(log)) {
      const header = headerOf(bytes)
      // A fetch begins with the whole batch that holds the offset.
      if (header.lastOffset < at) continue
      isFirst = false
      yield { bytes, header }
      at = header.lastOffset + 1n
    }
    if (at >= highWatermark) return
    if (isFirst) throw new Error(`${raw.topic}[${raw.partition}] gives no batch at offset ${at}.`)
  }
}

interface Fetched {
  /** Kafka's; 0 for none. */
  readonly error: number
  readonly log: Buffer
  readonly highWatermark: bigint
}

async function fetchLog(
  broker: string,
  { topic, partition }: RawPartition,
  offset: bigint,
): Promise<Fetched> {
  const answer = await ask(
    broker,
    Buffer.concat([
      int32(NO_REPLICA, FETCH_WAIT_MS, 1, FETCH_BYTES_MAX),
      Buffer.from([READ_UNCOMMITTED]),
      int32(1),
      text(topic),
      int32(1, partition),
      int64(offset),
      int32(FETCH_BYTES_MAX),
    ]),
  )
  // Throttle, topics, name, partitions, index; then error, high watermark, last stable offset, aborted, length.
  let at = 4 + 4
  at += 2 + answer.readInt16BE(at) + 4 + 4
  const error = answer.readInt16BE(at)
  const highWatermark = answer.readBigInt64BE(at + 2)
  at += 2 + 8 + 8
  const aborted = answer.readInt32BE(at)
  at += 4 + Math.max(0, aborted) * 16
  const length = Math.max(0, answer.readInt32BE(at))
  return { error, log: answer.subarray(at + 4, at + 4 + length), highWatermark }
}

/** Sends one Fetch on a connection of its own; returns the body of the answer, after size and correlation id. */
function ask(broker: string, body: Buffer): Promise<Buffer> {
  const [host = '', port = ''] = broker.split(':')
  const head = Buffer.alloc(8)
  head.writeInt16BE(FETCH.key, 0)
  head.writeInt16BE(FETCH.version, 2)
  const request = Buffer.concat([head, text(CLIENT_ID), body])
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), timeout: ANSWER_TIMEOUT_MS })
    const chunks: Buffer[] = []
    let bytes = 0
    let size = Number.POSITIVE_INFINITY
    socket.on('connect', () => socket.write(Buffer.concat([int32(request.length), request])))
    socket.on('data', (data: Buffer) => {
      chunks.push(data)
      bytes += data.length
      if (size === Number.POSITIVE_INFINITY && bytes >= 4) size = Buffer.concat(chunks).readInt32BE(0)
      if (bytes < 4 + size) return
      socket.destroy()
      resolve(Buffer.concat(chunks).subarray(8))
    })
    socket.on('timeout', () => socket.destroy(new Error(`Kafka at ${broker} did not answer`)))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`Kafka at ${broker} closed the connection`)))
  })
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8')
  const length = Buffer.alloc(2)
  length.writeInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function int32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value, index * 4)
  return bytes
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
