import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import lz4 from 'lz4-napi'
import { lz4FrameLength } from './lz4-length.ts'

const bytes = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 3_000 })), {
    maxLength: 12,
  })
  .map((runs) => Buffer.concat(runs.map(([run, times]) => Buffer.alloc(run.length * times, run))))

test('a frame’s length is what the library unpacks it to, whatever its options', async () => {
  await fc.assert(
    fc.asyncProperty(bytes, fc.boolean(), fc.boolean(), async (plain, contentChecksum, blockChecksums) => {
      const frame = await lz4.compressFrame(plain, { contentChecksum, blockChecksums })
      assert.equal(lz4FrameLength(frame, 1e9), plain.length)
    }),
    { numRuns: 200 },
  )
})

test('is not read on once it is beyond the bound', async () => {
  const frame = await lz4.compressFrame(Buffer.alloc(10 * 1_048_576))
  const length = lz4FrameLength(frame, 100_000)
  assert.ok(length > 100_000 && length < 5 * 1_048_576, `${length}`)
})

test('of bytes that are no frame is a number all the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
      assert.ok(lz4FrameLength(Buffer.from(any), 1e9) >= 0)
    }),
  )
})
