import '../kafkajs/client.ts'
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { encodeRecordBatch } from './record-batch.ts'
import type { ProduceBatch } from './wire.ts'

interface Decoded {
  readonly producerId: string
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly inTransaction: boolean
  readonly maxTimestamp: string
  readonly lastOffsetDelta: number
  readonly records: readonly {
    readonly offset: string
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers: Readonly<Record<string, Buffer | null>>
  }[]
}

const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as {
  RecordBatch: (options: object) => Promise<{ readonly buffer: Buffer }>
}
const RecordOf = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (
  options: object,
) => unknown
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
  decoder: object,
) => Promise<Decoded>

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const record = fc.record({
  key: fc.option(fc.string({ maxLength: 20, unit: 'grapheme' })),
  value: fc.option(bytes),
  headers: fc.option(
    fc.dictionary(fc.string({ minLength: 1, maxLength: 5 }), fc.oneof(bytes, fc.string()), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
    { nil: undefined },
  ),
})
const batch = fc.record({
  topic: fc.constant('usage.metered'),
  partition: fc.nat(5),
  producer: fc.record({
    producerId: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    epoch: fc.integer({ min: 0, max: 32_767 }),
  }),
  transactionalId: fc.option(fc.constant('aggregator-1')),
  baseSequence: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  records: fc.array(record, { minLength: 1, maxLength: 80 }),
}) as fc.Arbitrary<ProduceBatch>

const TIMESTAMP_MS = 1_700_000_000_000

test('kafkajs reads of a batch what was written', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async (given) => {
      const encoded = encodeRecordBatch(given, TIMESTAMP_MS)
      const decoded = await decodeBatch(new Decoder(encoded))
      assert.equal(decoded.producerId, given.producer.producerId.toString())
      assert.equal(decoded.producerEpoch, given.producer.epoch)
      assert.equal(decoded.firstSequence, given.baseSequence)
      assert.equal(decoded.inTransaction, given.transactionalId !== null)
      assert.equal(decoded.maxTimestamp, TIMESTAMP_MS.toString())
      assert.equal(decoded.lastOffsetDelta, given.records.length - 1)
      assert.deepEqual(
        decoded.records.map(({ offset, key, value }) => [offset, key?.toString('utf8') ?? null, value]),
        given.records.map(({ key, value }, index) => [`${index}`, key, value]),
      )
      for (const [index, { headers = {} }] of given.records.entries()) {
        const expected = Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)])
        assert.deepEqual(Object.entries(decoded.records[index]?.headers ?? {}), expected)
      }
    }),
    { numRuns: 150 },
  )
})

test('it is to the byte what kafkajs writes, but for the leader epoch, which is the broker’s', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async (given) => {
      const records = given.records.map(({ key, value, headers = {} }, offsetDelta) =>
        RecordOf({ key, value, headers, offsetDelta, timestampDelta: 0 }),
      )
      const theirs = await RecordBatch({
        records,
        firstTimestamp: TIMESTAMP_MS,
        maxTimestamp: TIMESTAMP_MS,
        producerId: given.producer.producerId.toString(),
        producerEpoch: given.producer.epoch,
        firstSequence: given.baseSequence,
        transactional: given.transactionalId !== null,
        lastOffsetDelta: records.length - 1,
        partitionLeaderEpoch: -1,
      })
      assert.deepEqual(encodeRecordBatch(given, TIMESTAMP_MS), Buffer.from(theirs.buffer))
    }),
    { numRuns: 150 },
  )
})
