import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { merged, overlapS } from './windows.ts'

const anySpan = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: -5, max: 30 }))
  .map(([from, length]) => ({ fromMs: from * 1_000, toMs: (from + length) * 1_000 }))

describe('windows that overlap', () => {
  it('cover each second once, by a count of single seconds', () => {
    fc.assert(
      fc.property(fc.array(anySpan, { maxLength: 8 }), anySpan, (spans, cell) => {
        let seconds = 0
        for (let atMs = cell.fromMs; atMs < cell.toMs; atMs += 1_000) {
          if (spans.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)) seconds++
        }
        assert.equal(overlapS(merged(spans), cell), seconds)
      }),
    )
  })

  it('are merged where they touch', () => {
    assert.deepEqual(
      merged([
        { fromMs: 5, toMs: 9 },
        { fromMs: 1, toMs: 5 },
        { fromMs: 9, toMs: 9 },
        { fromMs: 20, toMs: 30 },
      ]),
      [
        { fromMs: 1, toMs: 9 },
        { fromMs: 20, toMs: 30 },
      ],
    )
  })
})
