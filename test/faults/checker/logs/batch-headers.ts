import { crc32 } from 'node:zlib'

/** The header of a record batch, as it is in Kafka's log; format 2, the only one that supports transactions. */
export interface BatchHeader {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly isTransactional: boolean
  /** The newest time in it: where the broker sets the time, the time of its arrival. */
  readonly timestampMs: number
  /** A checksum of the packed records, without times and numbers, which differ from send to send. */
  readonly content: number
  /** The meaning of a control batch; null for data, and for other control records (snapshots, leaders). */
  readonly marker: 'commit' | 'abort' | 'other' | null
}

/** The positions of the fields. */
const AT = {
  length: 8,
  magic: 16,
  attributes: 21,
  lastOffsetDelta: 23,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  recordCount: 57,
  records: 61,
} as const

/** The bytes before those that the length counts. */
const LENGTH_END = 12
const MAGIC = 2
const TRANSACTIONAL = 0x10
const CONTROL = 0x20

/** The batches of a fetched piece of the log; the last one may be cut off and is left out. */
export function batchesOf(log: Buffer): Buffer[] {
  const batches: Buffer[] = []
  for (let at = 0; at + AT.records <= log.length; ) {
    const end = at + LENGTH_END + log.readInt32BE(at + AT.length)
    if (end > log.length) break
    batches.push(log.subarray(at, end))
    at = end
  }
  return batches
}

/** The header of a whole batch. Throws for another format. */
export function headerOf(batch: Buffer): BatchHeader {
  const magic = batch.readInt8(AT.magic)
  if (magic !== MAGIC) throw new Error(`A record batch has format ${magic}; only format ${MAGIC} is known.`)
  const attributes = batch.readInt16BE(AT.attributes)
  const baseOffset = batch.readBigInt64BE(0)
  return {
    baseOffset,
    lastOffset: baseOffset + BigInt(batch.readInt32BE(AT.lastOffsetDelta)),
    producerId: batch.readBigInt64BE(AT.producerId),
    producerEpoch: batch.readInt16BE(AT.producerEpoch),
    timestampMs: Number(batch.readBigInt64BE(AT.maxTimestamp)),
    content: crc32(batch.subarray(AT.recordCount)),
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    marker: (attributes & CONTROL) === 0 ? null : markerOf(batch),
  }
}

/** A control record's key is its version and its type, two bytes each: 0 aborts, 1 commits. */
function markerOf(batch: Buffer): BatchHeader['marker'] {
  // Length, attributes (a byte), deltas of time and offset, then the key's length.
  let at = afterVarint(batch, AT.records) + 1
  for (let field = 0; field < 3; field++) at = afterVarint(batch, at)
  if (at + 4 > batch.length) return 'other'
  const type = batch.readInt16BE(at + 2)
  if (type === 0) return 'abort'
  return type === 1 ? 'commit' : 'other'
}

/** The end of a number with seven bits a byte. */
function afterVarint(bytes: Buffer, start: number): number {
  let at = start
  while (((bytes[at] ?? 0) & 0x80) !== 0) at += 1
  return at + 1
}
