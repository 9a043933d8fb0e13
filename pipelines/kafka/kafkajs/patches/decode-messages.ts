import { createRequire } from 'node:module'
import { batchIn, decodeBatch, endOf } from './decode-batch.ts'
import type { DecodedRecord } from './decode-batch.ts'
import { holdingHere } from './fetch-holdings.ts'

/**
 * Decodes what a fetch returned, in place of kafkajs, so that no batch ends a consumer, whatever client wrote it:
 *
 * - kafkajs passes the records of a batch to `push` as arguments, which overflows the stack at some 125,000 of them.
 * - It unpacks without a bound, and a batch that does not unpack is an error that ends the consumer at every start anew, and
 *   with it every partition of the process: here such a batch is one record with a mark (`decode-batch.ts`).
 * - It unpacks everything that a fetch returned at once: here a fetch has a bound, and what follows comes with the next one.
 *
 * Old message sets, and a last batch that the answer cuts off, are handled as in kafkajs, by its own decoders of records
 * and sets. kafkajs looks up the function when it first decodes a fetch: this file must be imported before that.
 */

/** What this file uses of kafkajs 2.2.4, pinned; a record passes through as it is. */
interface Decoder {
  readonly buffer: Buffer
  readInt32(): number
  readBytes(length: number): Buffer
  canReadBytes(length: number): boolean
}
type DecoderClass = new (buffer: Buffer) => Decoder
type MessageSetDecoder = (decoder: Decoder, sizeBytes: number) => Promise<DecodedRecord[]>

/** The offset of the byte that distinguishes batches from the older message sets; it is the same in both. */
const MAGIC_AT = 16
const MAGIC_OF_BATCHES = 2

const require = createRequire(import.meta.url)
const PROTOCOL = 'kafkajs/src/protocol'
const DecoderOf = require(`${PROTOCOL}/decoder.js`) as DecoderClass
const decodeMessageSet = require(`${PROTOCOL}/messageSet/decoder.js`) as MessageSetDecoder

/**
 * For the records of a fetch, one past the last offset of its batches. A batch whose records compaction removed counts
 * too.
 */
const ends = new WeakMap<readonly unknown[], bigint>()

/** Where the next fetch begins after these records; undefined where no whole batch came. */
export function endOfBatches(messages: readonly unknown[]): bigint | undefined {
  return ends.get(messages)
}

/** The records of one partition in a fetch's answer. */
export async function decodeMessages(decoder: Decoder): Promise<DecodedRecord[]> {
  const sizeBytes = decoder.readInt32()
  if (sizeBytes <= 0 || !decoder.canReadBytes(sizeBytes)) return []
  const bytes = decoder.readBytes(sizeBytes)
  if (sizeBytes > MAGIC_AT && bytes.readInt8(MAGIC_AT) !== MAGIC_OF_BATCHES) {
    return await decodeMessageSet(new DecoderOf(bytes), sizeBytes)
  }
  const holding = holdingHere()
  const all: DecodedRecord[] = []
  for (let at = 0; !holding.isFull; ) {
    const batch = batchIn(bytes.subarray(at))
    // The answer ends within its last batch, which comes whole with the next fetch.
    if (batch === null) break
    for (const record of await decodeBatch(batch, holding)) all.push(record)
    ends.set(all, endOf(batch))
    at += batch.length
  }
  return all
}

const file = require.resolve(`${PROTOCOL}/requests/fetch/v4/decodeMessages.js`)
require(file)
const loaded = require.cache[file]
if (loaded === undefined) throw new Error(`kafkajs no longer decodes fetched records in ${file}.`)
loaded.exports = decodeMessages
