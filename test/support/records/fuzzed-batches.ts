import { gzipSync, zstdCompressSync } from 'node:zlib'
import lz4 from 'lz4-napi'
import snappy from 'snappy'
import type { Dice } from '../../../infra/local/sample/random.ts'
import { toRecord } from '../../../pipelines/kafka/kafkajs/client.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { decodeBatch } from '../../../pipelines/kafka/kafkajs/patches/decode-batch.ts'
import { encodeRecordBatch } from '../../../pipelines/kafka/produce/record-batch.ts'
import type { LogAppend, LogRecord } from '../../../pipelines/log/records.ts'
import { FetchHolding, UnpackRoom } from '../../../pipelines/kafka/unpack-room.ts'
import { withFlippedBits } from './fuzzed-bytes.ts'

/**
 * What a fetch does to records: they are packed into batches in every codec, some of them torn, and unpacked as a
 * consumer does it.
 */

const RECORDS_AT = 61
const LENGTH_AT = 8
const LENGTH_FROM = 12
const ATTRIBUTES_AT = 21
const LAST_DELTA_AT = 23
const COUNT_AT = 57
const LOG_APPEND_TIME = 0x08

const TORN_SHARE = 0.05
const WRONG_CODECS = [5, 6, 7]

/** The codecs by Kafka's numbers. */
const PACK: readonly ((records: Buffer) => Buffer | Promise<Buffer>)[] = [
  (records) => records,
  (records) => gzipSync(records),
  (records) => snappy.compress(records),
  (records) => lz4.compressFrame(records),
  (records) => zstdCompressSync(records),
]

const room = new UnpackRoom(systemClock)

/** A batch of the log, as its reader has it. */
export interface FetchedBatch {
  readonly records: readonly LogRecord[]
  /** One past its last offset. */
  readonly nextOffset: number
}

/** Appends the records at `offset` in one batch and reads it; a batch that cannot be unpacked comes out as one record. */
export async function fetchedBatch(
  dice: Dice,
  appends: readonly LogAppend[],
  offset: number,
  timestampMs: number,
): Promise<FetchedBatch> {
  const isTorn = dice.next() < TORN_SHARE
  const batch = await packed(dice, appends, timestampMs, isTorn)
  batch.writeBigInt64BE(BigInt(offset), 0)
  const holding = new FetchHolding(room)
  const decoded = (await decodeBatch(batch, holding)) as (Parameters<typeof toRecord>[1] & {
    readonly isControlRecord?: boolean
  })[]
  holding.release()
  const records = decoded
    .filter(({ isControlRecord }) => isControlRecord !== true)
    .map((message) => toRecord(0, message))
  const isUnreadable = records[0]?.unreadable !== undefined
  // A broker checks every batch that it takes: a log never has records whose offsets do not follow one another.
  const isWhole =
    records.length === appends.length && records.every((one, at) => one.offset === BigInt(offset + at))
  if (isTorn && !isUnreadable && !isWhole) return { records: [], nextOffset: offset }
  return { records, nextOffset: offset + appends.length }
}

async function packed(
  dice: Dice,
  records: readonly LogAppend[],
  timestampMs: number,
  isTorn: boolean,
): Promise<Buffer> {
  const producer = { producerId: -1n, epoch: -1 }
  const place = { topic: '', partition: 0, transactionalId: null, baseSequence: -1 }
  const plain = encodeRecordBatch({ ...place, producer, records }, timestampMs)
  const codec = dice.between(0, PACK.length - 1)
  const body = (await PACK[codec]?.(plain.subarray(RECORDS_AT))) ?? Buffer.alloc(0)
  const batch = Buffer.concat([plain.subarray(0, RECORDS_AT), isTorn ? torn(dice, body) : body])
  const isMisnamed = isTorn && dice.next() < 0.2
  const attributes = isMisnamed ? dice.pick(WRONG_CODECS) : codec
  batch.writeInt16BE(attributes | LOG_APPEND_TIME, ATTRIBUTES_AT)
  batch.writeInt32BE(batch.length - LENGTH_FROM, LENGTH_AT)
  if (isTorn && dice.next() < 0.3) {
    const count = dice.pick([records.length + 1, 2 ** 20, 2 ** 31 - 1, -1])
    batch.writeInt32BE(count, COUNT_AT)
    batch.writeInt32BE(records.length - 1, LAST_DELTA_AT)
  }
  return batch
}

function torn(dice: Dice, body: Buffer): Buffer {
  const chance = dice.next()
  if (chance < 0.5) return withFlippedBits(dice, body)
  if (chance < 0.8) return body.subarray(0, dice.between(0, body.length - 1))
  return Buffer.concat([body, Buffer.alloc(dice.between(1, 9), dice.between(0, 255))])
}
