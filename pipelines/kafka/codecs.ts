import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress, constants as zlib } from 'node:zlib'
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'
import snappy from 'snappy'

const { CompressionCodecs, CompressionTypes } = kafkajs

/** A foreign producer's batch unpacks to no more: far above what any topic takes, far below what a bomb holds. */
export const UNPACKED_BYTES_MAX = 64 * 1_048_576

const ZSTD_LEVEL = 1
const zstdCompressed = promisify(zstdCompress)
const zstdDecompressed = promisify(zstdDecompress)

/** The frame that Java's snappy writes around raw blocks: magic, two versions, then (length, block) again and again. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

/** Unpacks snappy as Kafka's producers send it: raw (librdkafka) or in Java's frame. */
export async function unpackSnappy(bytes: Buffer): Promise<Buffer> {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return await unpackBlock(bytes)
  const blocks: Buffer[] = []
  let unpackedBytes = 0
  for (let at = XERIAL_HEADER_BYTES; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    const block = await unpackBlock(bytes.subarray(at + 4, end))
    unpackedBytes += block.length
    refuseBomb(unpackedBytes)
    blocks.push(block)
    at = end
  }
  return Buffer.concat(blocks)
}

async function unpackBlock(block: Buffer): Promise<Buffer> {
  refuseBomb(statedLength(block))
  return Buffer.from(await snappy.uncompress(block, { asBuffer: true }))
}

/** A raw snappy block begins with its unpacked length as a varint. */
function statedLength(block: Buffer): number {
  let length = 0
  for (let at = 0; at < 5; at++) {
    const byte = block[at] ?? 0
    length += (byte & 127) * 2 ** (7 * at)
    if (byte < 128) break
  }
  return length
}

function refuseBomb(unpackedBytes: number): void {
  if (unpackedBytes > UNPACKED_BYTES_MAX) {
    throw new Error(`A batch unpacks to ${unpackedBytes} bytes; at most ${UNPACKED_BYTES_MAX} are taken.`)
  }
}

// kafkajs knows gzip only, and a batch in another codec would end its consumer for good.
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder: { buffer: Buffer }) =>
    await zstdCompressed(encoder.buffer, { params: { [zlib.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }),
  decompress: async (bytes: Buffer) => await zstdDecompressed(bytes, { maxOutputLength: UNPACKED_BYTES_MAX }),
})
CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: async (encoder: { buffer: Buffer }) => await snappy.compress(encoder.buffer),
  decompress: unpackSnappy,
})
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder: { buffer: Buffer }) => await lz4.compressFrame(encoder.buffer),
  // Unbounded but for the format: 255 bytes a byte, of at most the topic's largest batch.
  decompress: async (bytes: Buffer) => await lz4.decompressFrame(bytes),
})
