import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PoolReading } from '../../reading.ts'
import { cgminerPools, clockS } from './cgminer.ts'
import { Place } from './place.ts'
import { Warnings } from './warnings.ts'

const POLLED_MS = Date.UTC(2026, 4, 4, 3, 2, 1)
const NOW_S = POLLED_MS / 1_000
const place = (raw: unknown): Place => new Place(raw, new Warnings())
const pools = (...list: readonly object[]): PoolReading[] =>
  cgminerPools(place({ STATUS: [{ When: NOW_S + 500 }], POOLS: list }), POLLED_MS) ?? []

test('the clock stands in a list, in an object, or beside a status that is a word', () => {
  assert.equal(clockS(place({ STATUS: [{ When: 7 }] })), 7)
  assert.equal(clockS(place({ STATUS: { When: 7 } })), 7)
  assert.equal(clockS(place({ STATUS: 'S', When: 7 })), 7)
  assert.equal(clockS(place({ code: 0, when: 7 })), 7)
  assert.equal(clockS(place({ STATUS: [{}] })), null)
})

describe('pools', () => {
  test('without a list they are unknown, with an empty one there are none', () => {
    assert.equal(cgminerPools(place({}), POLLED_MS), null)
    assert.deepEqual(pools(), [])
  })

  test('they are counted from 0, whichever number the maker gives to the first', () => {
    const indices = (...numbers: readonly (number | null)[]): number[] =>
      pools(...numbers.map((POOL) => ({ POOL }))).map(({ index }) => index)
    assert.deepEqual(indices(0, 1, 2), [0, 1, 2])
    assert.deepEqual(indices(2, 1, 3), [1, 0, 2])
    assert.deepEqual(indices(null, null), [0, 1])
  })

  test('the last share is by the clock of the answer, however far off that is', () => {
    const last = (shown: unknown, accepted: unknown = 5): unknown =>
      pools({ POOL: 0, Accepted: accepted, 'Last Share Time': shown })[0]?.last_share_at
    assert.equal(last(NOW_S + 440), '2026-05-04T03:01:01.000Z')
    assert.equal(last('0:01:00'), '2026-05-04T03:01:01.000Z')
    assert.equal(last('0:01:00', 0), null)
    for (const none of [0, '0', NOW_S + 501, null, 'never']) assert.equal(last(none), null)
    const clockless = cgminerPools(place({ POOLS: [{ 'Last Share Time': NOW_S }] }), POLLED_MS)
    assert.equal(clockless?.[0]?.last_share_at, null)
  })

  test('only the word says that a pool is alive; a difficulty of 0 is that of no connection', () => {
    const [alive, rejecting, silent] = pools(
      { Status: 'Alive', 'Stratum Difficulty': 0, 'Last Share Difficulty': 512 },
      { Status: 'Rejecting', 'Work Difficulty': 64 },
      { 'Stratum Difficulty': 0 },
    )
    assert.deepEqual([alive?.alive, rejecting?.alive, silent?.alive], [true, false, null])
    assert.deepEqual([alive?.difficulty, rejecting?.difficulty, silent?.difficulty], [512, 64, null])
  })
})
