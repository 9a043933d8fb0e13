import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'
import { pageWith, WORKER } from '../../../test/support/fleet/account/run.ts'
import { AccountPage } from './account-page.ts'

const START_MS = Date.UTC(2026, 4, 6, 12)

test('a place that is released is as if nobody had ever been there, and its rows have left', () => {
  const page = pageWith(START_MS, 30)
  page.advance(START_MS + 20 * MINUTE_MS)
  assert.ok(page.hasHoles(WORKER))
  page.failedPoll(WORKER, {
    tMs: START_MS + 15 * MINUTE_MS,
    intervalS: 30,
    isShadow: false,
    seconds: 'unreachable',
  })
  page.take()
  page.release(WORKER)
  assert.equal(page.hasHoles(WORKER), false)
  assert.ok(page.take().cells.some(({ isLate, seconds }) => isLate && seconds.unreachable > 0))
  assert.throws(() => page.release(WORKER), /No worker/)
  // The sums of its minutes leave with the next one, and nothing is left after that.
  page.advance(START_MS + 21 * MINUTE_MS + SECOND_MS)
  page.take()
  const empty = AccountPage.empty(START_MS + 21 * MINUTE_MS + SECOND_MS, {
    groupAt: () => 0,
    isComplete: () => false,
  })
  assert.deepEqual(page.encode(), empty.encode())
  page.advance(START_MS + 60 * MINUTE_MS)
  assert.deepEqual(page.take(), { cells: [], minutes: [] })
})
