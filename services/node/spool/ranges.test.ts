import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { countIn, difference, merged, withoutRange, withRange } from './ranges.ts'
import type { Range } from './ranges.ts'

const NUMBERS = 40
const range = fc
  .tuple(fc.nat(NUMBERS), fc.nat(NUMBERS))
  .map(([left, right]): Range => ({ from: Math.min(left, right), to: Math.max(left, right) }))

function numbersIn(ranges: readonly Range[]): number[] {
  return Array.from({ length: NUMBERS + 1 }, (_, number) => number).filter((number) =>
    ranges.some(({ from, to }) => from <= number && number < to),
  )
}

test('adding and taking away is that of sets, and ranges stay in order, apart and not empty', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ isAdded: fc.boolean(), range })), (steps) => {
      let ranges: Range[] = []
      const set = new Set<number>()
      for (const { isAdded, range: one } of steps) {
        ranges = isAdded ? withRange(ranges, one) : withoutRange(ranges, one)
        for (const number of numbersIn([one])) {
          if (isAdded) set.add(number)
          else set.delete(number)
        }
        assert.deepEqual(
          numbersIn(ranges),
          [...set].toSorted((left, right) => left - right),
        )
        for (const [at, { from, to }] of ranges.entries()) {
          assert.ok(from < to)
          assert.ok(at === 0 || (ranges[at - 1]?.to ?? 0) < from)
        }
      }
    }),
  )
})

test('a difference leaves what is in none of the others, and a count is how many numbers there are', () => {
  fc.assert(
    fc.property(fc.array(range), fc.array(range), range, (some, others, within) => {
      const ranges = some.reduce<Range[]>(withRange, [])
      assert.deepEqual(merged(some.filter(({ from, to }) => from < to)), ranges)
      const taken = others.reduce<Range[]>(withRange, [])
      const gone = new Set(numbersIn(taken))
      assert.deepEqual(
        numbersIn(difference(ranges, taken)),
        numbersIn(ranges).filter((number) => !gone.has(number)),
      )
      const inside = new Set(numbersIn([within]))
      assert.equal(countIn(ranges, within), numbersIn(ranges).filter((number) => inside.has(number)).length)
    }),
  )
})
