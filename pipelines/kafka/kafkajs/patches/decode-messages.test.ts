import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
// This import comes first: kafkajs takes the function that it replaces when it first decodes a fetch.
import { decodeMessages } from './decode-messages.ts'
import '../codecs.ts'
import { packedBatch } from '../../../../test/support/records/packed-batch.ts'

const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (
  buffer: Buffer,
) => Parameters<typeof decodeMessages>[0]

interface Decoded {
  readonly offset: string
  readonly timestamp: string
  readonly value: Buffer
  readonly isControlRecord: boolean
  readonly unreadable?: { readonly lastOffset: bigint }
}

/** A partition's bytes in a fetch's answer, preceded by their number. */
async function decoded(bytes: Buffer, saidBytes = bytes.length): Promise<Decoded[]> {
  const size = Buffer.alloc(4)
  size.writeInt32BE(saidBytes)
  return (await decodeMessages(new Decoder(Buffer.concat([size, bytes])))) as unknown as Decoded[]
}

const texts = (records: readonly Decoded[]): string[] => records.map(({ value }) => value.toString())
const batchOf = (...values: string[]): Buffer =>
  packedBatch(
    values.map((value) => Buffer.from(value)),
    1_000,
  )

describe('what a fetch brought', () => {
  it('is decoded by our function in every version of the request', () => {
    for (const version of ['v4', 'v5', 'v7', 'v8', 'v11'])
      require(`kafkajs/src/protocol/requests/fetch/${version}/response.js`)
    assert.equal(require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js'), decodeMessages)
    assert.equal((require('kafkajs/package.json') as { version: string }).version, '2.2.4')
  })

  it('is the records of all batches in order', async () => {
    const records = await decoded(Buffer.concat([batchOf('a', 'b'), batchOf('c'), batchOf('d', 'e')]))
    assert.deepEqual(texts(records), ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(
      records.map(({ offset }) => offset),
      ['0', '1', '0', '0', '1'],
    )
  })

  it('may be more records in one batch than a call takes arguments', async () => {
    const values = Array.from({ length: 130_000 }, (_, index) => Buffer.from(String(index)))
    const records = await decoded(packedBatch(values, 1_000))
    assert.equal(records.length, values.length)
    assert.deepEqual(records.at(-1)?.value, values.at(-1))
  })

  it('leaves a batch that the answer cuts off to the next fetch', async () => {
    const [whole, cut] = [batchOf('a', 'b'), batchOf('c')]
    for (const length of [1, 20, 48, 49, 60, cut.length - 1]) {
      const bytes = Buffer.concat([whole, cut.subarray(0, length)])
      assert.deepEqual(texts(await decoded(bytes)), ['a', 'b'], `${length} bytes of the last batch`)
    }
    assert.deepEqual(await decoded(cut.subarray(0, 60)), [])
  })

  it('is nothing where there is nothing, or less than was said', async () => {
    assert.deepEqual(await decoded(Buffer.alloc(0)), [])
    assert.deepEqual(await decoded(Buffer.alloc(0), -1), [])
    assert.deepEqual(await decoded(batchOf('a'), 10_000), [])
  })

  it('may be an old message set', async () => {
    // Offset, size; checksum, magic 1, attributes, timestamp, no key, value.
    const message = Buffer.alloc(12 + 4 + 1 + 1 + 8 + 4 + 4 + 3)
    message.writeBigInt64BE(7n, 0)
    message.writeInt32BE(message.length - 12, 8)
    message.writeInt8(1, 16)
    message.writeBigInt64BE(1_000n, 18)
    message.writeInt32BE(-1, 26)
    message.writeInt32BE(3, 30)
    message.write('old', 34)
    const records = await decoded(message)
    assert.deepEqual(texts(records), ['old'])
    assert.equal(records[0]?.offset, '7')
  })

  it('is one record at its first offset where a batch cannot be read, and none is seen at its last', async () => {
    const broken = packedBatch([Buffer.from('b'), Buffer.from('c')], 1_000)
    broken.writeBigInt64BE(1n, 0)
    broken.fill(0xff, 61)
    const behind = batchOf('d')
    behind.writeBigInt64BE(3n, 0)
    const records = await decoded(Buffer.concat([batchOf('a'), broken, behind]))
    assert.deepEqual(
      records.map(({ offset, isControlRecord }) => [offset, isControlRecord]),
      [
        ['0', false],
        ['1', false],
        ['2', true],
        ['3', false],
      ],
    )
    const [, mark] = records
    assert.deepEqual(mark?.value, broken)
    assert.equal(mark?.timestamp, '1000')
    assert.equal(mark?.unreadable?.lastOffset, 2n)
    assert.deepEqual(texts(records.filter(({ unreadable, value }) => !unreadable && value)), ['a', 'd'])
  })

  it('is such a record for every lie about a batch’s records', async () => {
    const lies: readonly ((batch: Buffer) => void)[] = [
      (batch) => batch.writeInt32BE(1_000_000, 57),
      (batch) => batch.writeInt32BE(2_147_483_647, 57),
      (batch) => batch.writeInt16BE(7, 21),
      (batch) => batch.writeInt16BE(1, 21),
      (batch) => batch.writeInt16BE(2, 21),
      (batch) => batch.writeInt16BE(3, 21),
    ]
    for (const lie of lies) {
      const batch = batchOf('a')
      lie(batch)
      const [mark, ...others] = await decoded(batch)
      assert.ok(mark?.unreadable !== undefined && others.length === 0)
    }
  })
})
