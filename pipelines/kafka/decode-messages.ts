import { createRequire } from 'node:module'

/**
 * Lets kafkajs read a batch of any number of records. Its own function hands the records of a batch to `push` as
 * arguments, which overflows the stack at some 125,000 of them: a foreign producer's one packed batch ends the consumer
 * for good, at every start anew, and with it every partition of the process. This one does the same without that: old
 * message sets, and a last batch that the answer cuts off. The decoders are kafkajs' own. kafkajs takes the function when
 * it first decodes a fetch: this must be imported before.
 */

/** What this file uses of kafkajs 2.2.4, pinned; a record passes through as it is. */
interface Decoder {
  readonly buffer: Buffer
  readInt32(): number
  readBytes(length: number): Buffer
  canReadBytes(length: number): boolean
}
type DecoderClass = new (buffer: Buffer) => Decoder
type BatchDecoder = (decoder: Decoder) => Promise<{
  readonly firstOffset: string
  readonly lastOffsetDelta: number
  readonly records: readonly unknown[]
}>
type MessageSetDecoder = (decoder: Decoder, sizeBytes: number) => Promise<unknown[]>

/** The byte that tells batches from the older message sets stands at one place in both. */
const MAGIC_AT = 16
const MAGIC_OF_BATCHES = 2

/** What stands before the records of a batch but for offset and length: less is no batch. */
const BATCH_OVERHEAD_BYTES = 49

const require = createRequire(import.meta.url)
const PROTOCOL = 'kafkajs/src/protocol'
const DecoderOf = require(`${PROTOCOL}/decoder.js`) as DecoderClass
const decodeBatch = require(`${PROTOCOL}/recordBatch/v0/decoder.js`) as BatchDecoder
const decodeMessageSet = require(`${PROTOCOL}/messageSet/decoder.js`) as MessageSetDecoder

/** By the records of a fetch: one past the last offset of its batches. A batch whose records compaction took has one, too. */
const ends = new WeakMap<readonly unknown[], bigint>()

/** Where the next fetch begins after these records; undefined where no whole batch came. */
export function endOfBatches(messages: readonly unknown[]): bigint | undefined {
  return ends.get(messages)
}

/** The records of one partition in a fetch's answer. */
export async function decodeMessages(decoder: Decoder): Promise<unknown[]> {
  const sizeBytes = decoder.readInt32()
  if (sizeBytes <= 0 || !decoder.canReadBytes(sizeBytes)) return []
  const bytes = decoder.readBytes(sizeBytes)
  const messages = new DecoderOf(bytes)
  if (bytes.readInt8(MAGIC_AT) !== MAGIC_OF_BATCHES) return await decodeMessageSet(messages, sizeBytes)
  const all: unknown[] = []
  while (messages.canReadBytes(BATCH_OVERHEAD_BYTES)) {
    let batch: Awaited<ReturnType<BatchDecoder>>
    try {
      batch = await decodeBatch(messages)
    } catch (error) {
      // The answer ends within its last batch, which comes whole with the next fetch.
      if (error instanceof Error && error.name === 'KafkaJSPartialMessageError') break
      throw error
    }
    for (const record of batch.records) all.push(record)
    ends.set(all, BigInt(batch.firstOffset) + BigInt(batch.lastOffsetDelta) + 1n)
  }
  return all
}

const file = require.resolve(`${PROTOCOL}/requests/fetch/v4/decodeMessages.js`)
require(file)
const loaded = require.cache[file]
if (loaded === undefined) throw new Error(`kafkajs no longer decodes fetched records in ${file}.`)
loaded.exports = decodeMessages
