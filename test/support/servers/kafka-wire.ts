import { connect } from 'node:net'

/**
 * The few requests of Kafka's protocol that tests send and no client offers: to read what a client does not show, and to
 * leave a group in the name of a dead member.
 */

const LIST_OFFSETS = { key: 2, version: 2 } as const
const OFFSET_COMMIT = { key: 8, version: 2 } as const
const LEAVE_GROUP = { key: 13, version: 1 } as const
const LATEST = -1n
const NO_GENERATION = -1
const BROKER_RETENTION = -1n
const UNKNOWN_MEMBER = 25
const ANSWER_TIMEOUT_MS = 5_000

export interface Api {
  readonly key: number
  readonly version: number
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8')
  const length = Buffer.alloc(2)
  length.writeInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

export function int32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value, index * 4)
  return bytes
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

/**
 * Sends one request on a connection of its own; returns the body of the answer, after size and correlation id. A version
 * `isFlexible` where the protocol defines it so: then its header ends with tagged fields.
 */
export function ask(
  broker: string,
  api: Api,
  body: Buffer,
  timeoutMs = ANSWER_TIMEOUT_MS,
  isFlexible = false,
): Promise<Buffer> {
  const [host = '', port = ''] = broker.split(':')
  const head = Buffer.alloc(8)
  head.writeInt16BE(api.key, 0)
  head.writeInt16BE(api.version, 2)
  const request = Buffer.concat([head, text('hivemeter-test'), Buffer.alloc(isFlexible ? 1 : 0), body])
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), timeout: timeoutMs })
    let answer = Buffer.alloc(0)
    socket.on('connect', () => socket.write(Buffer.concat([int32(request.length), request])))
    socket.on('data', (data) => {
      answer = Buffer.concat([answer, data])
      if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return
      socket.destroy()
      resolve(answer.subarray(8))
    })
    socket.on('timeout', () => socket.destroy(new Error(`Kafka at ${broker} did not answer`)))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`Kafka at ${broker} closed the connection`)))
  })
}

/** The end of a partition, from the broker that leads it: the high watermark, or the last stable offset. */
export async function latestOffset(
  broker: string,
  topic: string,
  partition: number,
  committedOnly: boolean,
): Promise<bigint> {
  const isolation = Buffer.from([committedOnly ? 1 : 0])
  const body = [int32(-1), isolation, int32(1), text(topic), int32(1), int32(partition), int64(LATEST)]
  const answer = await ask(broker, LIST_OFFSETS, Buffer.concat(body))
  // Throttle, topics, name, partitions, index, error, timestamp, offset.
  let at = 4 + 4
  at += 2 + answer.readInt16BE(at) + 4 + 4
  const error = answer.readInt16BE(at)
  if (error !== 0) throw new Error(`ListOffsets of ${topic}[${partition}]: error ${error}`)
  return answer.readBigInt64BE(at + 2 + 8)
}

/**
 * Whether a transaction is open on the partition: it has records that a reader of committed records may not see yet.
 * `broker` leads the partition.
 */
export async function hasOpenTransaction(broker: string, topic: string, partition: number): Promise<boolean> {
  const [all, committed] = await Promise.all([
    latestOffset(broker, topic, partition, false),
    latestOffset(broker, topic, partition, true),
  ])
  return committed < all
}

/**
 * Removes a dead member from its group, so that a test need not wait for its session to end; `broker` is the coordinator.
 */
export async function leaveGroup(broker: string, groupId: string, memberId: string): Promise<void> {
  const answer = await ask(broker, LEAVE_GROUP, Buffer.concat([text(groupId), text(memberId)]))
  const error = answer.readInt16BE(4)
  if (error !== 0 && error !== UNKNOWN_MEMBER) throw new Error(`LeaveGroup of ${groupId}: error ${error}`)
}

/**
 * Commits one offset for a group without members, as Kafka's tools do, at the group's coordinator. (kafkajs' own way
 * joins the group and takes 6 s.)
 */
export async function commitOffset(
  broker: string,
  groupId: string,
  at: { readonly topic: string; readonly partition: number; readonly offset: bigint },
): Promise<void> {
  const body = [
    text(groupId),
    int32(NO_GENERATION),
    text(''),
    int64(BROKER_RETENTION),
    int32(1),
    text(at.topic),
    int32(1, at.partition),
    int64(at.offset),
    text(''),
  ]
  const answer = await ask(broker, OFFSET_COMMIT, Buffer.concat(body))
  // Topics, name, partitions, index, error.
  const afterName = 4 + 2 + answer.readInt16BE(4)
  const error = answer.readInt16BE(afterName + 4 + 4)
  if (error !== 0) throw new Error(`OffsetCommit of ${groupId} for ${at.topic}: error ${error}`)
}
