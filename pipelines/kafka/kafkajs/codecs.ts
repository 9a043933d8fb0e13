import { promisify } from 'node:util'
import { gzip, unzip, zstdCompress, zstdDecompress, constants as zlib } from 'node:zlib'
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'
import snappy from 'snappy'
import { lz4FrameLength } from '../lz4-length.ts'
import { isAllocation } from '../../allocation.ts'
import { MIB } from '../../../schemas/units.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs

/** A foreign producer's batch may unpack to at most this: far more than any topic takes, far less than what a bomb holds. */
export const UNPACKED_BYTES_MAX = 64 * MIB

const ZSTD_LEVEL = 1
const zstdCompressed = promisify(zstdCompress)
const zstdDecompressed = promisify(zstdDecompress)
const zipped = promisify(gzip)
const unzipped = promisify(unzip)

/** The bytes of a batch do not unpack within the bound, or do not belong to its codec. */
export class NotUnpacked extends Error {
  readonly code = 'NOT_UNPACKED'
}

/** The frame that Java's snappy writes around raw blocks: magic, two versions, then (length, block) again and again. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

/** Unpacks snappy as Kafka's producers send it: raw (librdkafka) or in Java's frame. */
export async function unpackSnappy(bytes: Buffer): Promise<Buffer> {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return await unpackBlock(bytes)
  const packed: Buffer[] = []
  let unpackedBytes = 0
  for (let at = XERIAL_HEADER_BYTES; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    const block = bytes.subarray(at + 4, end)
    unpackedBytes += statedLength(block)
    refuseBomb(unpackedBytes)
    packed.push(block)
    at = end
  }
  const blocks: Buffer[] = []
  for (const block of packed) blocks.push(await unpackBlock(block))
  return Buffer.concat(blocks)
}

async function unpackBlock(block: Buffer): Promise<Buffer> {
  refuseBomb(statedLength(block))
  return (await snappy.uncompress(block, { asBuffer: true })) as Buffer
}

/** A raw snappy block begins with its unpacked length as a varint. The library allocates that much and fails beyond it. */
function statedLength(block: Buffer): number {
  let length = 0
  for (let at = 0; at < 5; at++) {
    const byte = block[at] ?? 0
    length += (byte & 127) * 2 ** (7 * at)
    if (byte < 128) break
  }
  return length
}

async function unpackLz4(bytes: Buffer): Promise<Buffer> {
  refuseBomb(lz4FrameLength(bytes, UNPACKED_BYTES_MAX))
  return await lz4.decompressFrame(bytes)
}

function refuseBomb(unpackedBytes: number): void {
  if (unpackedBytes > UNPACKED_BYTES_MAX) {
    throw new NotUnpacked(`it unpacks to more than ${UNPACKED_BYTES_MAX} bytes`)
  }
}

const BOUNDED = { maxOutputLength: UNPACKED_BYTES_MAX }

/** By Kafka's numbers of the codecs. Each unpacks to at most `UNPACKED_BYTES_MAX`, whatever its bytes claim. */
const UNPACKING: Readonly<Record<number, (bytes: Buffer) => Promise<Buffer>>> = {
  [CompressionTypes.GZIP]: (bytes) => unzipped(bytes, BOUNDED),
  [CompressionTypes.Snappy]: unpackSnappy,
  [CompressionTypes.LZ4]: unpackLz4,
  [CompressionTypes.ZSTD]: (bytes) => zstdDecompressed(bytes, BOUNDED),
}

/** Unpacks the records of a batch. Throws NotUnpacked where its bytes are wrong, so that another try would fail too. */
export async function unpack(codec: number, bytes: Buffer): Promise<Buffer> {
  const unpacking = UNPACKING[codec]
  if (unpacking === undefined) throw new NotUnpacked(`its codec ${codec} is none of Kafka's`)
  try {
    return await unpacking(bytes)
  } catch (error) {
    if (error instanceof NotUnpacked || isAllocation(error)) throw error
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new NotUnpacked(`it unpacks to more than ${UNPACKED_BYTES_MAX} bytes`, { cause: error })
    }
    throw new NotUnpacked(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/**
 * A codec in the form that kafkajs requires. kafkajs itself knows gzip only, and without a bound. It unpacks old message
 * sets itself.
 */
function codecOf(codec: number, pack: (bytes: Buffer) => Promise<Buffer>) {
  return () => ({
    compress: (encoder: { readonly buffer: Buffer }) => pack(encoder.buffer),
    decompress: (bytes: Buffer) => unpack(codec, bytes),
  })
}

const { GZIP, Snappy, LZ4, ZSTD } = CompressionTypes
CompressionCodecs[GZIP] = codecOf(GZIP, (bytes) => zipped(bytes))
CompressionCodecs[Snappy] = codecOf(Snappy, (bytes) => snappy.compress(bytes))
CompressionCodecs[LZ4] = codecOf(LZ4, (bytes) => lz4.compressFrame(bytes))
CompressionCodecs[ZSTD] = codecOf(ZSTD, (bytes) =>
  zstdCompressed(bytes, { params: { [zlib.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }),
)
