import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SEQ_MAX } from '../../schemas/fleet/bounds.ts'
import { Numbers } from '../../services/verify/fleet/numbers.ts'
import { close, isSeen, see, SEEN_EPOCHS_MAX, SEEN_RANGES_MAX } from './seen.ts'
import type { Seen } from './seen.ts'

const nothing = (): Seen => ({ low: { epoch: 0, seq: 1 }, epochs: [], lost: 0 })

test('a run is seen once it was used, and nothing beside it', () => {
  const seen = nothing()
  see(seen, { epoch: 3, seq: 5 }, 8)
  const numbers = [4, 5, 7, 8].map((seq) => isSeen(seen, { epoch: 3, seq }))
  assert.deepEqual(numbers, [false, true, true, false])
  assert.equal(isSeen(seen, { epoch: 4, seq: 5 }), false)
})

test('below the mark that the node gives, what is missing was lost and everything counts as seen', () => {
  const seen = nothing()
  see(seen, { epoch: 1, seq: 1 }, 4)
  see(seen, { epoch: 1, seq: 6 }, 9)
  see(seen, { epoch: 2, seq: 3 }, 5)
  close(seen, { epoch: 2, seq: 7 })
  // 4 and 5 of the first epoch; 1, 2, 5 and 6 of the second.
  assert.deepEqual(seen, { low: { epoch: 2, seq: 7 }, epochs: [], lost: 6 })
  assert.ok(isSeen(seen, { epoch: 1, seq: 900 }))
  close(seen, { epoch: 2, seq: 6 })
  assert.equal(seen.lost, 6, 'a mark never goes back')
})

test(`beyond ${SEEN_RANGES_MAX} ranges the lowest gap closes, and its numbers are lost`, () => {
  const seen = nothing()
  for (let range = 0; range <= SEEN_RANGES_MAX; range++)
    see(seen, { epoch: 1, seq: 1 + 3 * range }, 2 + 3 * range)
  assert.equal(seen.epochs[0]?.ranges.length, SEEN_RANGES_MAX)
  assert.deepEqual(seen.epochs[0]?.ranges[0], { from: 1, to: 5 })
  assert.equal(seen.lost, 2)
  assert.ok(isSeen(seen, { epoch: 1, seq: 3 }))
})

test(`beyond ${SEEN_EPOCHS_MAX} epochs the lowest one closes`, () => {
  const seen = nothing()
  see(seen, { epoch: 1, seq: 4 }, 6)
  for (let epoch = 2; epoch <= SEEN_EPOCHS_MAX + 1; epoch++) see(seen, { epoch, seq: 1 }, 2)
  assert.equal(seen.epochs.length, SEEN_EPOCHS_MAX)
  assert.deepEqual([seen.low, seen.lost], [{ epoch: 2, seq: 1 }, 3])
})

test('the count of what is lost stands still at the largest number that can be kept', () => {
  const seen = nothing()
  for (let epoch = 1; epoch <= 3; epoch++) close(seen, { epoch, seq: SEQ_MAX })
  assert.equal(seen.lost, SEQ_MAX)
})

/** Small numbers, so that runs touch, overlap and repeat. */
const act = fc.record({
  epoch: fc.integer({ min: 1, max: 20 }),
  seq: fc.integer({ min: 1, max: 300 }),
  count: fc.integer({ min: 1, max: 6 }),
  closes: fc.boolean(),
})

test('any runs and marks give what verify makes of them, with code of its own', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), fc.boolean(), (acts, isOneEpoch) => {
      const seen = nothing()
      const numbers = new Numbers()
      for (const { epoch: drawn, seq, count, closes } of acts) {
        const epoch = isOneEpoch ? 1 : drawn
        assert.equal(isSeen(seen, { epoch, seq }), numbers.has({ epoch, seq }))
        see(seen, { epoch, seq }, seq + count)
        numbers.use(epoch, seq, seq + count - 1)
        if (closes && count === 1) {
          close(seen, { epoch, seq })
          numbers.end({ epoch, seq })
        }
        assert.deepEqual(seen, numbers.shown())
      }
    }),
  )
})

test('without bounds and marks, what is seen is the set of all numbers that were used', () => {
  const runs = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 5 })), {
    maxLength: 30,
  })
  fc.assert(
    fc.property(runs, (all) => {
      const seen = nothing()
      const used = new Set<number>()
      for (const [seq, count] of all) {
        see(seen, { epoch: 1, seq }, seq + count)
        for (let number = seq; number < seq + count; number++) used.add(number)
      }
      for (let seq = 1; seq < 70; seq++) assert.equal(isSeen(seen, { epoch: 1, seq }), used.has(seq))
      const kept = seen.epochs.flatMap(({ ranges }) => ranges)
      for (const [at, { from }] of kept.entries())
        assert.ok(from > (kept[at - 1]?.to ?? 0), 'in order and apart')
    }),
  )
})
