import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { FRAME_BLOCK_BYTES_MAX, storedFrame } from './stored-frame.ts'

const unpacked = (bytes: Buffer): Buffer => zstdDecompressSync(Buffer.concat(storedFrame(bytes)))

test('a stored frame unpacks to what went in', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
      assert.deepEqual(unpacked(Buffer.from(bytes)), Buffer.from(bytes))
    }),
  )
})

test('also at the borders of its blocks', () => {
  for (const length of [0, 1, 255, 256, 65_791, 65_792])
    assert.equal(unpacked(Buffer.alloc(length, 7)).length, length)
  for (const blocks of [1, 2, 7]) {
    for (const more of [-1, 0, 1]) {
      const bytes = Buffer.alloc(blocks * FRAME_BLOCK_BYTES_MAX + more, 'rows of all kinds, ')
      assert.deepEqual(unpacked(bytes), bytes)
    }
  }
})
