import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { BATCH_ITEMS_MAX, ITEM_BYTES_MAX } from '../../../schemas/fleet/bounds.ts'

/**
 * A frame is a run of items in a file of the spool, in one piece: head, checksum, and the items packed with zstd. The checksum
 * covers head and items, so a frame that was half written, or has changed on the disk, is none.
 *
 *   magic 4 · state 1 · items 4 · epoch 8 · first 8 · from 8 · to 8 · wall 8 · boot 36 · packed 4 · unpacked 4 · crc 4 · items
 */
export interface Frame {
  readonly epoch: number
  /** The number of the first item; the others follow without a gap. */
  readonly first: number
  readonly items: readonly Buffer[]
  /** The first and the last time of the items, both included: UTC, or since the boot where they wait for their time. */
  readonly fromMs: number
  readonly toMs: number
  /** Null: the items have their time. Else in which boot they were made, and what a wall clock would have added. */
  readonly waits: { readonly bootId: string; readonly wallOffsetMs: number | null } | null
}

/** A frame's head, and where in its file it lies. */
export interface FrameHead extends Omit<Frame, 'items'> {
  readonly count: number
  readonly at: number
  readonly sizeBytes: number
}

const MAGIC_TEXT = 'HVS1'
const HEAD_BYTES = 97
const CRC_AT = 93
const BOOT_AT = 49
const BOOT_ID_BYTES = 36
const PACKED_AT = 85
const UNPACKED_AT = 89
const LENGTH_BYTES = 4
/** Beyond it a length is damage, whatever the checksum says: no memory is taken for it. */
const FRAME_BYTES_MAX = BATCH_ITEMS_MAX * (ITEM_BYTES_MAX + LENGTH_BYTES)
const ZSTD_LEVEL = 6

export function encodeFrame({ epoch, first, items, fromMs, toMs, waits }: Frame): Buffer {
  const pieces = items.flatMap((item) => {
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32LE(item.length)
    return [length, item]
  })
  const unpacked = Buffer.concat(pieces)
  const packed = zstdCompressSync(unpacked, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } })
  const head = Buffer.alloc(HEAD_BYTES)
  head.write(MAGIC_TEXT, 0, 'latin1')
  head.writeUInt8(waits === null ? 0 : 1, 4)
  head.writeUInt32LE(items.length, 5)
  for (const [index, value] of [epoch, first, fromMs, toMs, waits?.wallOffsetMs ?? Number.NaN].entries()) {
    head.writeDoubleLE(value, 9 + 8 * index)
  }
  head.write((waits?.bootId ?? '').slice(0, BOOT_ID_BYTES), BOOT_AT, 'latin1')
  head.writeUInt32LE(packed.length, PACKED_AT)
  head.writeUInt32LE(unpacked.length, UNPACKED_AT)
  head.writeUInt32LE(checksum(head, packed), CRC_AT)
  return Buffer.concat([head, packed])
}

function checksum(head: Buffer, packed: Buffer): number {
  return crc32(packed, crc32(head.subarray(0, CRC_AT)))
}

/** The whole frames at the beginning of a file, and whether that is all of it. */
export function framesIn(file: Buffer): { readonly frames: readonly FrameHead[]; readonly isWhole: boolean } {
  const frames: FrameHead[] = []
  let at = 0
  while (at < file.length) {
    const head = headAt(file, at)
    if (head === null) return { frames, isWhole: false }
    frames.push(head)
    at += head.sizeBytes
  }
  return { frames, isWhole: true }
}

/** Null where there is no whole and sound frame. */
function headAt(file: Buffer, at: number): FrameHead | null {
  if (file.length - at < HEAD_BYTES) return null
  const head = file.subarray(at, at + HEAD_BYTES)
  if (head.toString('latin1', 0, MAGIC_TEXT.length) !== MAGIC_TEXT) return null
  const packedBytes = head.readUInt32LE(PACKED_AT)
  if (packedBytes > FRAME_BYTES_MAX || head.readUInt32LE(UNPACKED_AT) > FRAME_BYTES_MAX) return null
  const end = at + HEAD_BYTES + packedBytes
  if (file.length < end) return null
  if (checksum(head, file.subarray(at + HEAD_BYTES, end)) !== head.readUInt32LE(CRC_AT)) return null
  const [epoch = 0, first = 0, fromMs = 0, toMs = 0, wall = 0] = [0, 1, 2, 3, 4].map((index) =>
    head.readDoubleLE(9 + 8 * index),
  )
  const bootId = head.toString('latin1', BOOT_AT, BOOT_AT + BOOT_ID_BYTES).replace(/\0+$/, '')
  const waits = head.readUInt8(4) === 0 ? null : { bootId, wallOffsetMs: Number.isNaN(wall) ? null : wall }
  const sizeBytes = HEAD_BYTES + packedBytes
  return { epoch, first, fromMs, toMs, waits, count: head.readUInt32LE(5), at, sizeBytes }
}

/** The items of a frame of a file that `framesIn` has found there. */
export function itemsOfFrame(file: Buffer, { at, sizeBytes, count }: FrameHead): Buffer[] {
  const packed = file.subarray(at + HEAD_BYTES, at + sizeBytes)
  const unpacked = zstdDecompressSync(packed, { maxOutputLength: FRAME_BYTES_MAX })
  const items: Buffer[] = []
  for (let from = 0; items.length < count; ) {
    const length = unpacked.readUInt32LE(from)
    const begin = from + LENGTH_BYTES
    items.push(unpacked.subarray(begin, begin + length))
    from = begin + length
  }
  return items
}
