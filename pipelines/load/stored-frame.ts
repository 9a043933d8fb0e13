/** The first bytes of a zstd frame, and the descriptor that says: one segment, its size in four bytes, no checksum. */
const MAGIC = 0xfd2fb528
const DESCRIPTOR = 0xa0
const HEADER_BYTES = 9
const BLOCK_HEADER_BYTES = 3
/** Most bytes in one block of a frame. */
export const FRAME_BLOCK_BYTES_MAX = 131_072

/**
 * Bytes as a zstd frame that holds them uncompressed (RFC 8878, blocks of type raw), in pieces to be sent one after the
 * other. In this way data that is too small to be worth packing can be placed between packed frames. Takes less than 4 GiB,
 * or throws a RangeError.
 */
export function storedFrame(bytes: Buffer): Buffer[] {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt8(DESCRIPTOR, 4)
  header.writeUInt32LE(bytes.length, 5)
  const pieces: Buffer[] = [header]
  let at = 0
  do {
    const block = bytes.subarray(at, at + FRAME_BLOCK_BYTES_MAX)
    at += block.length
    const isLast = at === bytes.length
    const blockHeader = Buffer.alloc(BLOCK_HEADER_BYTES)
    // Bit 0 marks the last block; bits 1 and 2 are its type, 0 for raw; then its size follows.
    blockHeader.writeUIntLE(block.length * 8 + Number(isLast), 0, BLOCK_HEADER_BYTES)
    pieces.push(blockHeader, block)
  } while (at < bytes.length)
  return pieces
}
