import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  PARTITION_ITEMS_PER_SECOND_MAX,
  REPLAY_ITEMS_PER_SECOND_MIN,
  REPLAY_PER_LIVE_MAX,
  replayShare,
} from './replay-share.ts'

test('a node alone replays four times as fast as it polls, within what is left of the partition', () => {
  assert.equal(replayShare({ own: 33, replaying: [], inAll: 33 }), 132)
  assert.equal(replayShare({ own: 33, replaying: [], inAll: PARTITION_ITEMS_PER_SECOND_MAX - 100 }), 100)
  assert.equal(replayShare({ own: 33, replaying: [], inAll: PARTITION_ITEMS_PER_SECOND_MAX }), 0)
  assert.equal(replayShare({ own: 0, replaying: [], inAll: 0 }), REPLAY_ITEMS_PER_SECOND_MIN)
})

test('a hundred thousand machines on a hundred sites replay at four times at once, and live data has room', () => {
  const own = 100_000 / 30 / 100
  const replaying = Array.from({ length: 99 }, () => own)
  assert.equal(replayShare({ own, replaying, inAll: own * 100 }), Math.floor(own * REPLAY_PER_LIVE_MAX))
})

test('the shares of all that replay are fair, use what is left, and never exceed it', () => {
  const rates = fc.array(fc.double({ min: 1, max: 4_000, noNaN: true }), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(rates, fc.integer({ min: 0, max: 19_000 }), (rates, inAll) => {
      const shares = rates.map((own, index) =>
        replayShare({ own, replaying: rates.toSpliced(index, 1), inAll }),
      )
      const left = PARTITION_ITEMS_PER_SECOND_MAX - inAll
      const given = shares.reduce((sum, share) => sum + share, 0)
      const wanted = rates.reduce((sum, rate) => sum + rate * REPLAY_PER_LIVE_MAX, 0)
      assert.ok(given <= left, `${given} of ${left}`)
      assert.ok(given > Math.min(left, wanted) - rates.length - 1, `${given} of ${left} for ${wanted}`)
      for (const [index, rate] of rates.entries()) {
        const share = shares[index] ?? 0
        assert.ok(share <= rate * REPLAY_PER_LIVE_MAX)
        // Who gets less than it may has no less than any other.
        const isCut = share < Math.floor(rate * REPLAY_PER_LIVE_MAX)
        if (isCut) assert.ok(shares.every((other) => other <= share + 1))
      }
    }),
  )
})
