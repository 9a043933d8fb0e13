import { createGzip, createZstdCompress } from 'node:zlib'
import type { Transform } from 'node:stream'
import lz4 from 'lz4-napi'
import snappy from 'snappy'
import type { Codec } from './packed-batch.ts'
import { recordHead } from './packed-batch.ts'

/**
 * Batches of two megabytes and less that unpack to hundreds: they are made piece by piece, so that making them needs no
 * memory.
 */

/** The piece that Java's snappy and LZ4 pack at a time. */
const PIECE_BYTES = 65_536

/** Java's frame around snappy: magic, version 1, compatible 1. */
const XERIAL_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])

/** Magic, flags, block size and header sum; the frame ends with an empty block. */
const LZ4_HEADER_BYTES = 7
const LZ4_END = Buffer.alloc(4)

/** Plain bytes in pieces: the middle one is repeated. */
interface Pieces {
  readonly first: Buffer
  readonly middle: Buffer
  readonly times: number
  readonly last: Buffer
}

/** The packed records of a batch with one record, whose value is this many zeros. */
export async function bombOf(codec: Codec, bytes: number): Promise<Buffer> {
  const head = recordHead(bytes)
  const first = Buffer.concat([head, Buffer.alloc(PIECE_BYTES - head.length)])
  // After the value a zero means that there are no headers.
  const left = bytes + 1 - (PIECE_BYTES - head.length)
  const pieces: Pieces = {
    first,
    middle: Buffer.alloc(PIECE_BYTES),
    times: Math.floor(left / PIECE_BYTES),
    last: Buffer.alloc(left % PIECE_BYTES),
  }
  if (codec === 'gzip') return await streamed(createGzip(), pieces)
  if (codec === 'zstd') return await streamed(createZstdCompress(), pieces)
  if (codec === 'snappy') return Buffer.concat([XERIAL_HEADER, ...(await packedEach(pieces, snappyBlock))])
  const frame = await lz4.compressFrame(first)
  const blocks = await packedEach(pieces, lz4Block)
  return Buffer.concat([frame.subarray(0, LZ4_HEADER_BYTES), ...blocks, LZ4_END])
}

async function streamed(packer: Transform, { first, middle, times, last }: Pieces): Promise<Buffer> {
  const packed: Buffer[] = []
  packer.on('data', (data: Buffer) => packed.push(data))
  const ended = new Promise<void>((resolve, reject) => {
    packer.once('end', resolve).once('error', reject)
  })
  packer.write(first)
  for (let piece = 0; piece < times; piece++) {
    if (!packer.write(middle)) await new Promise<unknown>((resolve) => packer.once('drain', resolve))
  }
  packer.end(last)
  await ended
  return Buffer.concat(packed)
}

async function packedEach(
  { first, middle, times, last }: Pieces,
  pack: (piece: Buffer) => Promise<Buffer>,
): Promise<Buffer[]> {
  const again = await pack(middle)
  const ends = last.length === 0 ? [] : [await pack(last)]
  return [await pack(first), ...Array.from({ length: times }, () => again), ...ends]
}

async function snappyBlock(piece: Buffer): Promise<Buffer> {
  const block = await snappy.compress(piece)
  const size = Buffer.alloc(4)
  size.writeUInt32BE(block.length)
  return Buffer.concat([size, block])
}

/** The library makes frames: this is the only block of one. */
async function lz4Block(piece: Buffer): Promise<Buffer> {
  const frame = await lz4.compressFrame(piece)
  return frame.subarray(LZ4_HEADER_BYTES, -LZ4_END.length)
}
