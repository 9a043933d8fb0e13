import { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import lz4 from 'lz4-napi'
import { cityHash128 } from './city-hash.ts'
import { ClickhouseError } from './errors.ts'
import { MIB } from '../../../schemas/units.ts'

/*
 * ClickHouse's own compression of a body (`compress=1` and `decompress=1`), separate from Content-Encoding: frames one
 * after the other. Each has a checksum of 16 bytes over all that follows it, the method, the packed size (which includes
 * these nine bytes), the unpacked size, and the packed bytes.
 */

const CHECKSUM_BYTES = 16
const FRAME_HEAD_BYTES = 9
/** The library writes the unpacked size, in four bytes, before what it packs. */
const LZ4_SIZE_BYTES = 4
/** Unpacked bytes of an answer in one frame, the same as on a server. */
const ANSWER_FRAME_BYTES = MIB
/**
 * Largest packed and unpacked size of a frame that is accepted; larger ones are refused with code 271. The drivers have
 * the same bound.
 */
const TAKEN_FRAME_MAX_BYTES = 128 * MIB

const METHODS = { NONE: 0x02, LZ4: 0x82, ZSTD: 0x90 } as const

/** How an answer is packed into frames. */
export type FrameMethod = keyof typeof METHODS

const zstdPacked = promisify(zstdCompress)
const zstdUnpacked = promisify(zstdDecompress)

/** The method that a request names, LZ4 if it names none. @throws ClickhouseError 432 for one that is not known. */
export function frameMethod(name: string | null): FrameMethod {
  const known = (name ?? 'LZ4').toUpperCase()
  if (known === 'LZ4HC') return 'LZ4'
  if (Object.hasOwn(METHODS, known)) return known as FrameMethod
  throw new ClickhouseError(432, 'UNKNOWN_CODEC', `Unknown compression method '${name}'`)
}

/** These bytes as one frame. */
export async function frameOf(bytes: Buffer, method: FrameMethod): Promise<Buffer> {
  const packed = await pack(bytes, method)
  const frame = Buffer.allocUnsafe(CHECKSUM_BYTES + FRAME_HEAD_BYTES + packed.length)
  frame.writeUInt8(METHODS[method], CHECKSUM_BYTES)
  frame.writeUInt32LE(FRAME_HEAD_BYTES + packed.length, CHECKSUM_BYTES + 1)
  frame.writeUInt32LE(bytes.length, CHECKSUM_BYTES + 5)
  packed.copy(frame, CHECKSUM_BYTES + FRAME_HEAD_BYTES)
  const [low, high] = cityHash128(frame.subarray(CHECKSUM_BYTES))
  frame.writeBigUInt64LE(low, 0)
  frame.writeBigUInt64LE(high, 8)
  return frame
}

/** Packs a body into frames of the size that servers send; none for an empty one. */
export function framing(method: FrameMethod): Duplex {
  return Duplex.from(async function* framed(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
    for await (const piece of body) {
      for (let at = 0; at < piece.length; at += ANSWER_FRAME_BYTES)
        yield await frameOf(piece.subarray(at, at + ANSWER_FRAME_BYTES), method)
    }
  })
}

/**
 * What the frames of a body hold. @throws ClickhouseError for a text that is not a whole frame, or not the frame that was
 * sent.
 */
export async function* unframed(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  let held = Buffer.alloc(0)
  const waiting: Buffer[] = []
  let waitingBytes = 0
  for await (const piece of body) {
    waiting.push(piece)
    waitingBytes += piece.length
    // Gathered until the next frame is complete: joining at every piece would copy a large frame again and again.
    while (held.length + waitingBytes >= wantedBytes(held)) {
      held = Buffer.concat([held, ...waiting.splice(0)])
      waitingBytes = 0
      const end = wantedBytes(held)
      if (held.length < end) break
      yield await contentOf(held.subarray(0, end))
      held = held.subarray(end)
    }
  }
  if (held.length + waitingBytes > 0)
    throw new ClickhouseError(33, 'CANNOT_READ_ALL_DATA', 'The body ends within a compressed frame')
}

/** Bytes of the frame that begins here, as far as they are known: first those of its head, then all of them. */
function wantedBytes(held: Buffer): number {
  if (held.length < CHECKSUM_BYTES + FRAME_HEAD_BYTES) return CHECKSUM_BYTES + FRAME_HEAD_BYTES
  const packedBytes = held.readUInt32LE(CHECKSUM_BYTES + 1)
  const unpackedBytes = held.readUInt32LE(CHECKSUM_BYTES + 5)
  if (packedBytes < FRAME_HEAD_BYTES || Math.max(packedBytes, unpackedBytes) > TAKEN_FRAME_MAX_BYTES)
    throw corrupted(`a frame of ${packedBytes} bytes that hold ${unpackedBytes}`)
  return CHECKSUM_BYTES + packedBytes
}

async function contentOf(frame: Buffer): Promise<Buffer> {
  const [low, high] = cityHash128(frame.subarray(CHECKSUM_BYTES))
  if (frame.readBigUInt64LE(0) !== low || frame.readBigUInt64LE(8) !== high)
    throw new ClickhouseError(
      40,
      'CHECKSUM_DOESNT_MATCH',
      'Checksum of a compressed frame does not match its bytes',
    )
  const bytes = frame.readUInt32LE(CHECKSUM_BYTES + 5)
  const packed = frame.subarray(CHECKSUM_BYTES + FRAME_HEAD_BYTES)
  const content = await unpack(packed, frame.readUInt8(CHECKSUM_BYTES), bytes)
  if (content.length !== bytes) throw corrupted(`${content.length} bytes instead of ${bytes}`)
  return content
}

async function pack(bytes: Buffer, method: FrameMethod): Promise<Buffer> {
  if (method === 'NONE') return bytes
  if (method === 'ZSTD') return zstdPacked(bytes)
  return (await lz4.compress(bytes)).subarray(LZ4_SIZE_BYTES)
}

async function unpack(packed: Buffer, method: number, bytes: number): Promise<Buffer> {
  if (method === METHODS.NONE) return packed
  if (method !== METHODS.LZ4 && method !== METHODS.ZSTD)
    throw new ClickhouseError(432, 'UNKNOWN_CODEC', `Unknown codec family code: ${method}`)
  try {
    if (method === METHODS.ZSTD) return await zstdUnpacked(packed, { maxOutputLength: Math.max(bytes, 1) })
    const sized = Buffer.allocUnsafe(LZ4_SIZE_BYTES + packed.length)
    sized.writeUInt32LE(bytes, 0)
    packed.copy(sized, LZ4_SIZE_BYTES)
    return await lz4.uncompress(sized)
  } catch {
    throw corrupted('bytes that cannot be unpacked')
  }
}

function corrupted(what: string): ClickhouseError {
  return new ClickhouseError(271, 'CANNOT_DECOMPRESS', `A compressed body holds ${what}`)
}
