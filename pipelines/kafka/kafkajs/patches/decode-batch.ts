import { createRequire } from 'node:module'
import { NotUnpacked, unpack, UNPACKED_BYTES_MAX } from '../codecs.ts'
import { isAllocation } from '../../../allocation.ts'
import type { FetchHolding } from '../../unpack-room.ts'
import { MIB } from '../../../../schemas/units.ts'

/** What this file uses of kafkajs 2.2.4, pinned: its cursor over bytes, and its decoder of one record. */
interface Cursor {
  readVarIntBytes(): Buffer
}
type CursorClass = new (buffer: Buffer) => Cursor
type RecordDecoder = (cursor: Cursor, context: BatchContext & { readonly magicByte: number }) => object

/** What kafkajs knows about the batch of a record. */
interface BatchContext {
  readonly firstOffset: string
  readonly firstTimestamp: string
  readonly partitionLeaderEpoch: number
  readonly inTransaction: boolean
  readonly isControlBatch: boolean
  readonly lastOffsetDelta: number
  readonly producerId: string
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly maxTimestamp: string
  readonly timestampType: number
}

/** Why a batch in its log cannot be read, and where it ends: it covers the offsets up to `lastOffset`. */
export interface Unreadable {
  readonly reason: string
  readonly lastOffset: bigint
}

/** A record as kafkajs passes it on; a batch that cannot be read is one record with this mark. */
export interface DecodedRecord {
  offset: string
  readonly unreadable?: Unreadable
}

/** This much of a batch that cannot be read is kept: the most that usage.metered and account.inbox accept. */
export const UNREADABLE_BYTES_MAX = 2 * MIB

/**
 * The memory of a record's own objects besides its bytes. A batch's records count with it: two megabytes may unpack to
 * eight million empty records.
 */
const RECORD_OBJECT_BYTES = 256

/** Objects may take this many times the bytes of records that came unpacked: 64 bytes a record, or more. */
const OBJECTS_SHARE_MAX = 4

const MAGIC = 2
const LENGTH_AT = 8
const EPOCH_AT = 12
const ATTRIBUTES_AT = 21
const LAST_DELTA_AT = 23
const FIRST_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51
const FIRST_SEQUENCE_AT = 53
const COUNT_AT = 57
const RECORDS_AT = 61
/** Offset and length come before what the length counts. */
const LENGTH_FROM = 12

const CODEC_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
/** kafkajs' numbers of the kinds of timestamps. */
const TIMESTAMP_TYPES = { create: 0, logAppend: 1 }

/** The smallest record: its length and six members of a byte each. */
const RECORD_BYTES_MIN = 7

const require = createRequire(import.meta.url)
const CursorOf = require('kafkajs/src/protocol/decoder.js') as CursorClass
const decodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/decoder.js') as RecordDecoder

/** The bytes of the first batch in `bytes`; null where the answer ends within it. */
export function batchIn(bytes: Buffer): Buffer | null {
  if (bytes.length < RECORDS_AT) return null
  const end = LENGTH_FROM + bytes.readInt32BE(LENGTH_AT)
  return end < RECORDS_AT || end > bytes.length ? null : bytes.subarray(0, end)
}

/** One past the last offset of a batch, even where compaction removed its last records. */
export function endOf(batch: Buffer): bigint {
  return batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(LAST_DELTA_AT)) + 1n
}

/**
 * The records of a batch, as kafkajs decodes them, in no more memory than the bounds allow. A batch that cannot be read
 * gives one record with its bytes at its first offset, and one that is delivered to no handler at its last, so that
 * positions continue after it. Throws only where the batch is not the cause, as for lack of memory.
 */
export async function decodeBatch(batch: Buffer, holding: FetchHolding): Promise<DecodedRecord[]> {
  const context = contextOf(batch)
  try {
    return await recordsOf(batch, context, holding)
  } catch (error) {
    if (isAllocation(error)) throw error
    return unreadable(batch, context, error instanceof Error ? error.message : String(error))
  }
}

async function recordsOf(
  batch: Buffer,
  context: BatchContext,
  holding: FetchHolding,
): Promise<DecodedRecord[]> {
  const count = batch.readInt32BE(COUNT_AT)
  const objectBytes = count * RECORD_OBJECT_BYTES
  refuseMore(objectBytes)
  const codec = batch.readInt16BE(ATTRIBUTES_AT) & CODEC_MASK
  let bytes = batch.subarray(RECORDS_AT)
  if (codec === 0 || count <= 0) {
    // For records of ordinary size the bound of the fetch itself is enough.
    holding.hold(Math.max(0, objectBytes - bytes.length * OBJECTS_SHARE_MAX))
  } else {
    let heldBytes = 0
    await holding.beginUnpacking()
    try {
      bytes = await unpack(codec, bytes)
      refuseMore(bytes.length + objectBytes)
      heldBytes = bytes.length + objectBytes
    } finally {
      holding.unpackedTo(heldBytes)
    }
  }
  if (count * RECORD_BYTES_MIN > bytes.length) {
    throw new NotUnpacked(`${count} records cannot stand in its ${bytes.length} bytes`)
  }
  const cursor = new CursorOf(bytes)
  const recordContext = { ...context, magicByte: MAGIC }
  const records: DecodedRecord[] = []
  for (let index = 0; index < count; index++) {
    records.push(decodeRecord(new CursorOf(cursor.readVarIntBytes()), recordContext) as DecodedRecord)
  }
  return records
}

function refuseMore(bytes: number): void {
  if (bytes > UNPACKED_BYTES_MAX) {
    throw new NotUnpacked(`its records take more than ${UNPACKED_BYTES_MAX} bytes unpacked`)
  }
}

function contextOf(batch: Buffer): BatchContext {
  const attributes = batch.readInt16BE(ATTRIBUTES_AT)
  const isLogAppend = (attributes & LOG_APPEND_TIME) !== 0
  return {
    firstOffset: batch.readBigInt64BE(0).toString(),
    firstTimestamp: batch.readBigInt64BE(FIRST_TIMESTAMP_AT).toString(),
    partitionLeaderEpoch: batch.readInt32BE(EPOCH_AT),
    inTransaction: (attributes & TRANSACTIONAL) !== 0,
    isControlBatch: (attributes & CONTROL) !== 0,
    lastOffsetDelta: batch.readInt32BE(LAST_DELTA_AT),
    producerId: batch.readBigInt64BE(PRODUCER_ID_AT).toString(),
    producerEpoch: batch.readInt16BE(PRODUCER_EPOCH_AT),
    firstSequence: batch.readInt32BE(FIRST_SEQUENCE_AT),
    maxTimestamp: batch.readBigInt64BE(MAX_TIMESTAMP_AT).toString(),
    timestampType: isLogAppend ? TIMESTAMP_TYPES.logAppend : TIMESTAMP_TYPES.create,
  }
}

function unreadable(batch: Buffer, context: BatchContext, reason: string): DecodedRecord[] {
  const lastOffset = BigInt(context.firstOffset) + BigInt(context.lastOffsetDelta)
  const common = {
    magicByte: MAGIC,
    attributes: 0,
    timestamp: context.maxTimestamp,
    key: null,
    headers: {},
    batchContext: context,
  }
  const mark: DecodedRecord & typeof common & { value: Buffer; isControlRecord: boolean } = {
    ...common,
    offset: context.firstOffset,
    value: batch.subarray(0, UNREADABLE_BYTES_MAX),
    isControlRecord: context.isControlBatch,
    unreadable: { reason, lastOffset },
  }
  const end = { ...common, offset: lastOffset.toString(), value: null, isControlRecord: true }
  return context.lastOffsetDelta > 0 ? [mark, end] : [mark]
}
