import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { viewOf } from '../../schemas/rowbinary.ts'
import { hashContent, hashEventId, idKeyFingerprint, nodeKey } from './id-hash.ts'
import { ENTRY_WORDS } from './id-table.ts'

const id = fc.uint8Array({ minLength: 16, maxLength: 16 })
const keyWords = fc.uint32Array({ minLength: 4, maxLength: 4 })

/** HalfSipHash-2-4 with 64 bits of output, straight from its definition: any length, words of 32 bits, no optimisation. */
function reference(message: Uint8Array, key0: number, key1: number): readonly [number, number] {
  let [v0, v1, v2, v3] = [
    key0 >>> 0,
    (key1 ^ 0xee) >>> 0,
    (0x6c796765 ^ key0) >>> 0,
    (0x74656462 ^ key1) >>> 0,
  ]
  const rotate = (word: number, bits: number): number => ((word << bits) | (word >>> (32 - bits))) >>> 0
  const add = (left: number, right: number): number => Number((BigInt(left) + BigInt(right)) & 0xffffffffn)
  const round = (): void => {
    v0 = add(v0, v1)
    v1 = (rotate(v1, 5) ^ v0) >>> 0
    v0 = rotate(v0, 16)
    v2 = add(v2, v3)
    v3 = (rotate(v3, 8) ^ v2) >>> 0
    v0 = add(v0, v3)
    v3 = (rotate(v3, 7) ^ v0) >>> 0
    v2 = add(v2, v1)
    v1 = (rotate(v1, 13) ^ v2) >>> 0
    v2 = rotate(v2, 16)
  }
  const whole = Math.floor(message.length / 4) * 4
  const padded = Buffer.alloc(whole + 4)
  padded.set(message)
  padded[whole + 3] = message.length & 0xff
  for (let at = 0; at < padded.length; at += 4) {
    const word = padded.readUInt32LE(at)
    v3 = (v3 ^ word) >>> 0
    for (let rounds = 0; rounds < 2; rounds++) round()
    v0 = (v0 ^ word) >>> 0
  }
  v2 = (v2 ^ 0xee) >>> 0
  for (let rounds = 0; rounds < 4; rounds++) round()
  const low = (v1 ^ v3) >>> 0
  v1 = (v1 ^ 0xdd) >>> 0
  for (let rounds = 0; rounds < 4; rounds++) round()
  return [low, (v1 ^ v3) >>> 0]
}

function hexOf([low, high]: readonly [number, number]): string {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(low, 0)
  bytes.writeUInt32LE(high, 4)
  return bytes.toString('hex')
}

// The vectors of the authors: key 00 01 … 07, message 00 01 … of 0 to 16 bytes.
const VECTORS = [
  '218d1f59b9b83cc8',
  'be552412f8387315',
  '064f39ef7c50eb57',
  'ce0f1a45f7060679',
  'd5e78a175be52ea1',
  'cb9d7c3f2f3db580',
  'ce3e91358aa2bc25',
  'ff202728b07bc684',
  'edfee820bce4858c',
]
const VECTOR_OF_16_BYTES = '7336aad25f7bf3b5'
const KEY0 = 0x03020100
const KEY1 = 0x07060504
const counted = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at)

test('the reference in this test meets the vectors of HalfSipHash’s authors', () => {
  for (const [length, expected] of VECTORS.entries()) {
    assert.equal(hexOf(reference(counted(length), KEY0, KEY1)), expected, `${length} bytes`)
  }
})

test('16 bytes hash to the authors’ vector under either half of the key', () => {
  const out = new Int32Array(ENTRY_WORDS)
  hashEventId(viewOf(counted(16)), 0, Int32Array.of(KEY0, KEY1, KEY0, KEY1), out)
  const [low = 0, high = 0, low2 = 0, high2 = 0] = Uint32Array.from(out)
  assert.equal(hexOf([low, high]), VECTOR_OF_16_BYTES)
  assert.equal(hexOf([low2, high2]), VECTOR_OF_16_BYTES)
})

test('an id anywhere in a record hashes to two references under independent keys', () => {
  fc.assert(
    fc.property(id, keyWords, fc.uint8Array({ maxLength: 9 }), (bytes, key, before) => {
      const record = Buffer.concat([before, bytes, before])
      const out = new Int32Array(ENTRY_WORDS)
      hashEventId(viewOf(record), before.length, Int32Array.from(key), out)
      const [key0 = 0, key1 = 0, key2 = 0, key3 = 0] = key
      assert.deepEqual(
        [...Uint32Array.from(out.subarray(0, 4))],
        [...reference(bytes, key0, key1), ...reference(bytes, key2, key3)],
      )
    }),
    { numRuns: 500 },
  )
})

test('a node’s key depends on the installation’s key and on the node, and on nothing else', () => {
  const key = Buffer.alloc(32, 1)
  const node = nodeKey(key, Buffer.from('node-1'))
  // HMAC-SHA-256 of "node-1" under 32 bytes of 01, first 16 bytes as little-endian words.
  assert.deepEqual(node, nodeKey(Buffer.alloc(32, 1), Buffer.from('node-1')))
  assert.notDeepEqual(node, nodeKey(key, Buffer.from('node-2')))
  assert.notDeepEqual(node, nodeKey(Buffer.alloc(32, 2), Buffer.from('node-1')))
  assert.equal(node.length, 4)
})

test('fingerprints tell keys apart and do not show them', () => {
  const key = Buffer.alloc(32, 1)
  assert.equal(idKeyFingerprint(key).length, 8)
  assert.deepEqual(idKeyFingerprint(key), idKeyFingerprint(Buffer.from(key)))
  assert.notDeepEqual(idKeyFingerprint(key), idKeyFingerprint(Buffer.alloc(32, 2)))
})

test('content hashes depend on every byte, on the length and not on what stands around', () => {
  const hash = (bytes: Uint8Array, start = 0, end = bytes.length): string => {
    const out = new Int32Array(ENTRY_WORDS)
    hashContent(viewOf(bytes), start, end, out)
    assert.deepEqual([...out.subarray(0, 4)], [0, 0, 0, 0])
    return `${out[4]}/${out[5]}`
  }
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 80 }),
      fc.nat(79),
      fc.integer({ min: 1, max: 255 }),
      (bytes, at, by) => {
        const changed = Uint8Array.from(bytes)
        const place = at % bytes.length
        changed[place] = (changed[place] ?? 0) ^ by
        assert.notEqual(hash(changed), hash(bytes))
        assert.notEqual(hash(Buffer.concat([bytes, Buffer.alloc(1)])), hash(bytes))
        assert.equal(
          hash(Buffer.concat([changed, bytes, changed]), bytes.length, bytes.length * 2),
          hash(bytes),
        )
      },
    ),
    { numRuns: 2_000 },
  )
})

test('contents of two hundred thousand events that differ little do not meet', () => {
  const seen = new Set<bigint>()
  const bytes = Buffer.from('node-0001 model hive 1700000000000 tokens ........')
  const out = new Int32Array(ENTRY_WORDS)
  const count = 200_000
  for (let number = 0; number < count; number++) {
    bytes.writeUInt32LE(number, bytes.length - 8)
    hashContent(viewOf(bytes), 0, bytes.length, out)
    seen.add((BigInt(out[5] ?? 0) << 32n) | BigInt.asUintN(32, BigInt(out[4] ?? 0)))
  }
  assert.equal(seen.size, count)
})
