import { crc32c } from '@node-rs/crc32'
import type { ProduceBatch } from './wire.ts'

/**
 * A record batch (magic 2) as it is in the log: head, checksum, records. It is written once into a buffer of its exact
 * size, and every attempt sends the same bytes. It is not compressed: records of blocks and packed events are compressed
 * inside, or small.
 */

const BASE_OFFSET_BYTES = 8
const BATCH_LENGTH_BYTES = 4
/** After offset and length come leader epoch, magic and checksum. */
const CHECKED_AT = BASE_OFFSET_BYTES + BATCH_LENGTH_BYTES + 4 + 1 + 4
/** Then come attributes, last offset delta, two timestamps, producer id and epoch, first sequence number, and count. */
const RECORDS_AT = CHECKED_AT + 2 + 4 + 8 + 8 + 8 + 2 + 4 + 4
const MAGIC = 2
const TRANSACTIONAL = 0x10

/** The bytes of a batch. `timestampMs` is the producer's; a topic that stamps LogAppendTime replaces it. */
export function encodeRecordBatch(batch: ProduceBatch, timestampMs: number): Buffer {
  const { records, producer, baseSequence, transactionalId } = batch
  const sizes = records.map((record, index) => bodySize(record, index))
  const total = sizes.reduce((sum, size) => sum + varintSize(size) + size, RECORDS_AT)
  const bytes = Buffer.allocUnsafe(total)
  bytes.writeBigInt64BE(0n, 0)
  bytes.writeInt32BE(total - BASE_OFFSET_BYTES - BATCH_LENGTH_BYTES, BASE_OFFSET_BYTES)
  // Without a leader epoch: the broker writes its own.
  bytes.writeInt32BE(-1, BASE_OFFSET_BYTES + BATCH_LENGTH_BYTES)
  bytes.writeInt8(MAGIC, BASE_OFFSET_BYTES + BATCH_LENGTH_BYTES + 4)
  let at = bytes.writeInt16BE(transactionalId === null ? 0 : TRANSACTIONAL, CHECKED_AT)
  at = bytes.writeInt32BE(records.length - 1, at)
  at = bytes.writeBigInt64BE(BigInt(timestampMs), at)
  at = bytes.writeBigInt64BE(BigInt(timestampMs), at)
  at = bytes.writeBigInt64BE(producer.producerId, at)
  at = bytes.writeInt16BE(producer.epoch, at)
  at = bytes.writeInt32BE(baseSequence, at)
  at = bytes.writeInt32BE(records.length, at)
  for (const [index, record] of records.entries()) {
    at = writeVarint(bytes, sizes[index] ?? 0, at)
    at = writeRecord(bytes, record, index, at)
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(CHECKED_AT)), CHECKED_AT - 4)
  return bytes
}

type BatchRecord = ProduceBatch['records'][number]

function bodySize({ key, value, headers }: BatchRecord, offsetDelta: number): number {
  // Attributes and a timestamp delta of 0 take a byte each.
  let size = 2 + varintSize(offsetDelta) + fieldSize(key) + fieldSize(value)
  let count = 0
  for (const name in headers) {
    size += fieldSize(name) + fieldSize(headers[name] ?? null)
    count += 1
  }
  return size + varintSize(count)
}

function writeRecord(bytes: Buffer, record: BatchRecord, offsetDelta: number, start: number): number {
  const { key, value, headers } = record
  let at = bytes.writeInt8(0, start)
  at = writeVarint(bytes, 0, at)
  at = writeVarint(bytes, offsetDelta, at)
  at = writeField(bytes, key, at)
  at = writeField(bytes, value, at)
  const names = headers === undefined ? [] : Object.keys(headers)
  at = writeVarint(bytes, names.length, at)
  for (const name of names) {
    at = writeField(bytes, name, at)
    at = writeField(bytes, headers?.[name] ?? null, at)
  }
  return at
}

function fieldSize(field: string | Buffer | null): number {
  if (field === null) return 1
  const size = typeof field === 'string' ? Buffer.byteLength(field) : field.length
  return varintSize(size) + size
}

function writeField(bytes: Buffer, field: string | Buffer | null, start: number): number {
  if (field === null) return writeVarint(bytes, -1, start)
  if (typeof field === 'string') {
    const at = writeVarint(bytes, Buffer.byteLength(field), start)
    return at + bytes.write(field, at, 'utf8')
  }
  const at = writeVarint(bytes, field.length, start)
  return at + field.copy(bytes, at)
}

/** The number of bytes that a number takes as a zigzag varint. */
function varintSize(value: number): number {
  let left = zigzag(value)
  let size = 1
  while (left >= 0x80) {
    left >>>= 7
    size += 1
  }
  return size
}

function writeVarint(bytes: Buffer, value: number, start: number): number {
  let left = zigzag(value)
  let at = start
  while (left >= 0x80) {
    bytes[at++] = (left & 0x7f) | 0x80
    left >>>= 7
  }
  bytes[at++] = left
  return at
}

const zigzag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0
