import { createHash, createHmac } from 'node:crypto'

/** Bytes of the id key, which `migrate` creates once for an installation. */
export const ID_KEY_BYTES = 32

/** Distinguishes two keys without revealing them. It is in every task record. */
export function idKeyFingerprint(key: Buffer): Buffer {
  return createHash('sha256').update('hivemeter id key').update(key).digest().subarray(0, 8)
}

/** Four 32-bit words: two HalfSipHash keys of 64 bits. */
export type NodeKey = Int32Array

/**
 * The key under which a node's event ids are hashed: HMAC-SHA-256 of the node id, cut to 128 bits. An event's identity is
 * (node, event), and ids come from outside, so without the installation's key no client can create two that collide.
 */
export function nodeKey(key: Buffer, nodeId: Buffer): NodeKey {
  const digest = createHmac('sha256', key).update(nodeId).digest()
  return Int32Array.from([0, 4, 8, 12], (at) => digest.readInt32LE(at))
}

/** A sign that no node's name contains. */
const TEXTS = '!text/'

/**
 * The key under which a node's texts are hashed. It differs from the key of its ids, so that the two kinds cannot collide,
 * and older entries, which all are ids, stay valid.
 */
export function textKey(key: Buffer, nodeId: Buffer): NodeKey {
  return nodeKey(key, Buffer.concat([Buffer.from(TEXTS), nodeId]))
}

/**
 * Writes the 128-bit identity of the event id at `source[start, start + 16)` into `out[at, at + 4)`: two HalfSipHash-2-4
 * values of 64 bits under independent keys. With 64 bits alone, an event in 200 would be lost at 10^9 ids.
 */
export function hashEventId(source: DataView, start: number, key: NodeKey, out: Int32Array, at = 0): void {
  halfSipHash(source, start, key[0] as number, key[1] as number, out, at)
  halfSipHash(source, start, key[2] as number, key[3] as number, out, at + 2)
}

/**
 * HalfSipHash-2-4 of exactly 16 bytes, with 64 bits of output. The rounds are written out because this runs twice for every
 * event.
 */
function halfSipHash(
  source: DataView,
  start: number,
  key0: number,
  key1: number,
  out: Int32Array,
  outAt: number,
): void {
  let v0 = key0 | 0
  let v1 = key1 ^ 0xee
  let v2 = key0 ^ 0x6c796765
  let v3 = key1 ^ 0x74656462
  // Four words of the message, then the length word, then the two finalisations of four rounds.
  for (let step = 0; step < 9; step++) {
    let word = 0
    let rounds = 2
    if (step < 4) {
      word = source.getInt32(start + step * 4, true)
    } else if (step === 4) {
      word = 16 << 24
    } else if (step === 5) {
      v2 ^= 0xee
      rounds = 4
    } else if (step === 6) {
      out[outAt] = v1 ^ v3
      v1 ^= 0xdd
      rounds = 4
    } else {
      out[outAt + 1] = v1 ^ v3
      return
    }
    v3 ^= word
    for (; rounds > 0; rounds--) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    v0 ^= word
  }
}

/**
 * Writes a 64-bit hash of `source[start, end)` into `out[at + 4, at + 6)`; it shows whether a repeat has the same content.
 * It needs no secret: with a forged collision, a conflict would only be counted as a repeat, and the first copy is kept
 * either way.
 */
export function hashContent(source: DataView, start: number, end: number, out: Int32Array, outAt = 0): void {
  let low = 0x9e3779b9 ^ (end - start)
  let high = 0x85ebca6b
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word = source.getInt32(at, true)
    low = Math.imul(low ^ word, 0x01000193)
    low ^= low >>> 15
    high = Math.imul(high + word, 0x5bd1e995)
    high ^= high >>> 13
  }
  for (; at < end; at++) {
    low = Math.imul(low ^ source.getUint8(at), 0x01000193)
    high = Math.imul(high + source.getUint8(at), 0x5bd1e995)
  }
  out[outAt + 4] = Math.imul(low ^ (low >>> 15), 0x2c1b3c6d) ^ high
  out[outAt + 5] = Math.imul(high ^ (high >>> 16), 0x297a2d39) ^ (low >>> 7)
}
