import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { crc32c } from '@node-rs/crc32'
import './client.ts'

const require = createRequire(import.meta.url)

/** Of a batch: offset, length, leader epoch and magic stand before it. */
const CRC_AT = 17

interface Encoded {
  readonly buffer: Buffer
}

test("a record batch carries the processor's CRC-32C, and it is the one that kafkajs would have written", async () => {
  const file = require.resolve('kafkajs/src/protocol/recordBatch/crc32C/index.js')
  const tables = require('kafkajs/src/protocol/recordBatch/crc32C/crc32C.js') as (bytes: Buffer) => number
  const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as {
    RecordBatch: (options: object) => Promise<Encoded>
  }
  const loaded = require.cache[file]
  assert.ok(loaded !== undefined)
  assert.notEqual(loaded.exports, tables)
  assert.match(String(loaded.exports), /crc32c\(/)
  const { buffer } = await RecordBatch({ records: [] })
  const summed = buffer.readUInt32BE(CRC_AT)
  assert.equal(summed, crc32c(buffer.subarray(CRC_AT + 4)))
  assert.equal(summed, tables(buffer.subarray(CRC_AT + 4)))
})
