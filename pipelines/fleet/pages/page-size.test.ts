import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reading } from '../../../test/support/fleet/account/readings.ts'
import { total } from '../../../test/support/fleet/account/run.ts'
import { TOPICS } from '../../../schemas/topics.ts'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { AccountPage } from '../slots/account-page.ts'
import { MINUTE_ROWS_MAX } from '../slots/booking.ts'
import { HOLES_MAX } from '../slots/holes.ts'
import { PAGE_WORKERS } from './layout.ts'
import { bytesOfState, emptyState } from './page-state.ts'

const START_MS = Date.UTC(2026, 9, 5, 7)
/** Readings so far apart leave a hole between them. */
const APART_MS = 150 * SECOND_MS

test('a page with all holes and all late rows that it can have is a record, and sums of minutes leave early', () => {
  // Each worker is a group of its own, and nothing is said to be complete.
  const placement = { groupAt: (worker: number) => worker, isComplete: () => false }
  const account = AccountPage.empty(START_MS, placement)
  const each = (apply: (worker: number) => void): void => {
    for (let worker = 0; worker < PAGE_WORKERS; worker++) apply(worker)
  }
  each((worker) => account.configure(worker, { intervalS: 30, spreadS: worker % 240 }))
  for (let round = 0; round <= HOLES_MAX; round++) {
    const tMs = START_MS + round * APART_MS
    account.advance(tMs)
    each((worker) => account.apply(worker, reading(tMs + worker, { rateHs: 9_007_199_254_740_991 - worker })))
  }
  const endMs = START_MS + (HOLES_MAX + 2) * APART_MS
  account.advance(endMs)
  const before = account.take()
  each((worker) => {
    for (let round = 0; round < HOLES_MAX; round++) {
      const tMs = START_MS + round * APART_MS + 30 * SECOND_MS
      account.apply(worker, reading(tMs + worker, { inletC: worker / 8 }))
    }
  })
  const early = account.take()
  assert.ok(early.minutes.length >= MINUTE_ROWS_MAX)
  const state = { ...emptyState(endMs, {}, placement), account }
  const { length } = bytesOfState(state)
  assert.ok(length > 1_000_000, `only ${length} bytes`)
  assert.ok(length < TOPICS.fleetState.messageBytesMax, `${length} bytes`)
  account.advance(endMs + 20 * MINUTE_MS)
  const after = account.take()
  const hashingS = (rows: readonly { readonly seconds: { readonly hashing: number } }[]): number =>
    total(rows, ({ seconds }) => seconds.hashing)
  const all = [before, early, after]
  assert.equal(hashingS(all.flatMap(({ minutes }) => minutes)), hashingS(all.flatMap(({ cells }) => cells)))
})
