import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MINUTE_WINDOW_MS, QUARTER_HOUR_WINDOW_MS } from '../../../schemas/usage.ts'
import { splitRange } from './usage-windows.ts'

test('a range is quarters of an hour and the minutes at its ends, each minute once', () => {
  const minutes = fc.integer({ min: 0, max: 10_000 })
  fc.assert(
    fc.property(minutes, minutes, (from, length) => {
      const range = { fromMs: from * MINUTE_WINDOW_MS, toMs: (from + length) * MINUTE_WINDOW_MS }
      const { head, quarters, tail } = splitRange(range)
      const lengthOf = ({ fromMs, toMs }: typeof range) => toMs - fromMs
      assert.equal(lengthOf(head) + lengthOf(quarters) + lengthOf(tail), lengthOf(range))
      const pieces = [head, quarters, tail].filter((piece) => lengthOf(piece) > 0)
      for (const [index, piece] of pieces.entries()) {
        assert.equal(piece.fromMs, pieces[index - 1]?.toMs ?? range.fromMs)
      }
      assert.equal(quarters.toMs > quarters.fromMs && quarters.fromMs % QUARTER_HOUR_WINDOW_MS !== 0, false)
      assert.equal(lengthOf(quarters) % QUARTER_HOUR_WINDOW_MS, 0)
      assert.ok(lengthOf(tail) < QUARTER_HOUR_WINDOW_MS)
      assert.ok(lengthOf(head) < 2 * QUARTER_HOUR_WINDOW_MS)
    }),
  )
})
