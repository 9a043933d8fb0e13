import { zstdCompressSync } from 'node:zlib'
import { crc32c } from '@node-rs/crc32'
import { ask, int32, text } from '../servers/kafka-wire.ts'

/**
 * Record batches made by hand: as many records in one batch as a test needs, which no client can be made to send.
 * Repeated content packs so well that the batch stays far below what a topic takes.
 */

/** The first version that may contain zstd. */
const PRODUCE = { key: 0, version: 7 } as const
const ACKS_ALL = -1
const PATIENCE_MS = 30_000
const NO_TRANSACTION = Buffer.from([0xff, 0xff])

const MAGIC = 2
/** The codecs by Kafka's numbers. */
const CODECS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export type Codec = keyof typeof CODECS

/** From the length on to the records' count. */
const HEAD_BYTES = 61
const LENGTH_AT = 8
const MAGIC_AT = 16
const CHECKSUM_AT = 17
const ATTRIBUTES_AT = 21

/** The start of what the checksum covers, and of what the length counts. */
const COUNTED_FROM = 12
const SUMMED_FROM = ATTRIBUTES_AT

/** One batch of all the values, without keys and headers, packed with zstd. */
export function packedBatch(values: readonly Buffer[], timestampMs: number): Buffer {
  return batchOf('zstd', zstdCompressSync(Buffer.concat(values.map(recordOf))), values.length, timestampMs)
}

/** A batch around packed records, which may have any content. */
export function batchOf(codec: Codec, records: Buffer, count: number, timestampMs: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeInt32BE(HEAD_BYTES + records.length - COUNTED_FROM, LENGTH_AT)
  // No leader's epoch, no producer: id, epoch and first sequence.
  head.fill(0xff, COUNTED_FROM, MAGIC_AT)
  head.writeInt8(MAGIC, MAGIC_AT)
  head.writeInt16BE(CODECS[codec], ATTRIBUTES_AT)
  head.writeInt32BE(count - 1, 23)
  head.writeBigInt64BE(BigInt(timestampMs), 27)
  head.writeBigInt64BE(BigInt(timestampMs), 35)
  head.fill(0xff, 43, 57)
  head.writeInt32BE(count, 57)
  const batch = Buffer.concat([head, records])
  batch.writeUInt32BE(crc32c(batch.subarray(SUMMED_FROM)), CHECKSUM_AT)
  return batch
}

/** Appends a batch as it is; returns the offset of its first record. */
export async function appendBatch(
  broker: string,
  topic: string,
  partition: number,
  batch: Buffer,
): Promise<bigint> {
  const acks = Buffer.alloc(2)
  acks.writeInt16BE(ACKS_ALL)
  const place = [int32(1), text(topic), int32(1, partition)]
  const body = [NO_TRANSACTION, acks, int32(PATIENCE_MS), ...place, int32(batch.length), batch]
  const answer = await ask(broker, PRODUCE, Buffer.concat(body))
  // Topics, name, partitions, index, error, first offset.
  const afterName = 4 + 2 + answer.readInt16BE(4)
  const error = answer.readInt16BE(afterName + 4 + 4)
  if (error !== 0) throw new Error(`Produce to ${topic}[${partition}]: error ${error}`)
  return answer.readBigInt64BE(afterName + 4 + 4 + 2)
}

/** The bytes before the value of a batch's first record of this size, which has no headers. */
export function recordHead(valueBytes: number): Buffer {
  const body = Buffer.concat([Buffer.from([0, 0]), varint(0), varint(-1), varint(valueBytes)])
  return Buffer.concat([varint(body.length + valueBytes + 1), body])
}

/** Length, attributes, distances of time and offset, key (none), value, headers (none). */
function recordOf(value: Buffer, index: number): Buffer {
  const body = [Buffer.from([0, 0]), varint(index), varint(-1), varint(value.length), value, varint(0)]
  const length = body.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([varint(length), ...body])
}

/** Zigzag, seven bits a byte, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}
