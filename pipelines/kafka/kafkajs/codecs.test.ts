import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import snappy from 'snappy'
import { UNPACKED_BYTES_MAX, unpackSnappy } from './codecs.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

/** Text that compresses well and noise that does not, longer than any codec's own block. */
const BATCH = Buffer.concat([Buffer.from('usage '.repeat(40_000)), randomBytes(70_000)])

for (const name of ['ZSTD', 'Snappy', 'LZ4'] as const) {
  test(`${name} batches come back as they were`, async () => {
    const codec = (CompressionCodecs[CompressionTypes[name]] as () => Codec)()
    const packed = await codec.compress({ buffer: BATCH })
    assert.ok(packed.length < BATCH.length)
    assert.deepEqual(await codec.decompress(packed), BATCH)
  })
}

/** Java's frame: magic, version 1, compatible 1, then blocks of 32 kB. */
async function javaFrame(batch: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])]
  for (let at = 0; at < batch.length; at += 32_768) {
    const block = await snappy.compress(batch.subarray(at, at + 32_768))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

test("snappy in Java's frame comes back as it was", async () => {
  assert.deepEqual(await unpackSnappy(await javaFrame(BATCH)), BATCH)
})

test('a snappy block that states more than the bound is refused before it is unpacked', async () => {
  const stated = (length: number): Buffer => {
    const bytes: number[] = []
    for (let rest = length; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) return Buffer.from([...bytes, rest, 0, 0])
      bytes.push((rest % 128) | 128)
    }
  }
  await assert.rejects(unpackSnappy(stated(UNPACKED_BYTES_MAX + 1)), /unpacks to/)
  // At the bound it is the codec that finds the block broken.
  await assert.rejects(
    unpackSnappy(stated(UNPACKED_BYTES_MAX)),
    (error: Error) => !/unpacks to/.test(error.message),
  )
})
