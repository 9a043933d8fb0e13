/**
 * The length to which an LZ4 frame unpacks, from the lengths in its sequences: the library unpacks a whole frame without a
 * bound, and a frame of two megabytes may hold half a gigabyte. Nothing is unpacked here; blocks may depend on each other.
 */

const MAGIC_BYTES = 4
const CONTENT_SIZE_BYTES = 8
const DICTIONARY_ID_BYTES = 4
const SUM_BYTES = 4
const SIZE_BYTES = 4

const HAS_BLOCK_SUMS = 0x10
const HAS_CONTENT_SIZE = 0x08
const HAS_DICTIONARY = 0x01

/** The highest bit of a block's size: the block is stored uncompressed. */
const STORED = 0x8000_0000

const MATCH_BYTES_MIN = 4
const DISTANCE_BYTES = 2

/** A length with this value in a token continues in the bytes after the token. */
const GOES_ON = 15
const BYTE_MAX = 255

/** Bytes to which the frame unpacks; it is not read further once they are more than `bytesMax`. */
export function lz4FrameLength(frame: Buffer, bytesMax: number): number {
  const flags = frame[MAGIC_BYTES] ?? 0
  let at = MAGIC_BYTES + 2
  if ((flags & HAS_CONTENT_SIZE) !== 0) at += CONTENT_SIZE_BYTES
  if ((flags & HAS_DICTIONARY) !== 0) at += DICTIONARY_ID_BYTES
  // This byte is the header's own checksum.
  at += 1
  let length = 0
  while (at + SIZE_BYTES <= frame.length && length <= bytesMax) {
    const said = frame.readUInt32LE(at)
    if (said === 0) break
    at += SIZE_BYTES
    const size = said & ~STORED
    const block = frame.subarray(at, at + size)
    length += said >= STORED ? block.length : blockLength(block)
    at += size + ((flags & HAS_BLOCK_SUMS) === 0 ? 0 : SUM_BYTES)
  }
  return length
}

/** The sum of a block's literals and matches. */
function blockLength(block: Buffer): number {
  let length = 0
  let at = 0
  /** A length that begins in a token with `low` and may continue after it. */
  const lengthOf = (low: number): number => {
    let sum = low
    if (low < GOES_ON) return sum
    for (let byte = BYTE_MAX; byte === BYTE_MAX; ) {
      byte = block[at++] ?? 0
      sum += byte
    }
    return sum
  }
  while (at < block.length) {
    const token = block[at++] as number
    const literals = lengthOf(token >> 4)
    length += literals
    at += literals
    // The last sequence has no match.
    if (at >= block.length) break
    at += DISTANCE_BYTES
    length += lengthOf(token & GOES_ON) + MATCH_BYTES_MIN
  }
  return length
}
