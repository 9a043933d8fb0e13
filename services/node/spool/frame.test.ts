import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { encodeFrame, framesIn, itemsOfFrame } from './frame.ts'
import type { Frame } from './frame.ts'

const PLAIN = { noNullPrototype: true }
const frame: fc.Arbitrary<Frame> = fc.record(
  {
    epoch: fc.nat(2_000_000_000),
    first: fc.integer({ min: 1, max: 1_000_000 }),
    items: fc.array(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      { minLength: 1, maxLength: 20 },
    ),
    fromMs: fc.nat(),
    toMs: fc.nat(),
    waits: fc.option(
      fc.record(
        { bootId: fc.uuid(), wallOffsetMs: fc.option(fc.integer({ min: 1, max: 2_000_000_000 })) },
        PLAIN,
      ),
    ),
  },
  PLAIN,
)

function readBack(file: Buffer): Frame[] {
  return framesIn(file).frames.map((head) => {
    const { epoch, first, fromMs, toMs, waits } = head
    return { epoch, first, fromMs, toMs, waits, items: itemsOfFrame(file, head) }
  })
}

test('a file is read back as it was written', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 4 }), (frames) => {
      const file = Buffer.concat(frames.map(encodeFrame))
      assert.ok(framesIn(file).isWhole)
      assert.deepEqual(readBack(file), frames)
    }),
  )
})

test('a file that ends anywhere, or has one byte changed, gives the frames before and nothing else', () => {
  fc.assert(
    fc.property(
      fc.array(frame, { minLength: 1, maxLength: 3 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (frames, place, bits) => {
        const pieces = frames.map(encodeFrame)
        const file = Buffer.concat(pieces)
        const at = place % file.length
        let ends = 0
        const before = frames.filter((_, index) => (ends += pieces[index]?.length ?? 0) <= at)
        assert.deepEqual(readBack(file.subarray(0, at)), before)
        const changed = Buffer.from(file)
        changed[at] = (changed[at] ?? 0) ^ bits
        assert.deepEqual(readBack(changed), before)
        assert.equal(framesIn(changed).isWhole, false)
      },
    ),
    { numRuns: 500 },
  )
})
