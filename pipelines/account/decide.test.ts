import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeptRows } from '../../test/support/oracles/account-rows.ts'
import { testRules } from '../../test/support/records/rules.ts'
import { cost } from '../../test/support/records/inbox.ts'
import type { Account } from '../../schemas/records.ts'
import { dayOf, openAccount } from './account.ts'
import { SPEND_DAYS_MAX, addReservation } from './budget.ts'
import { decideCost } from './decide.ts'
import { RULES_DEFAULT } from './rules.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2026, 1, 20, 12)
const usd = (amount: number): number => Math.round(amount * 1e9)

function accountWithLimit(limitUsd: number | null): { account: Account; rows: KeptRows } {
  const account = openAccount('n', NOW_MS)
  const value = limitUsd === null ? null : usd(limitUsd)
  account.settings = [{ name: 'metered_daily_limit_usd', value }]
  return { account, rows: new KeptRows() }
}

const decide = (account: Account, rows: KeptRows, amount: number, fields = {}): string => {
  decideCost(account, cost(usd(amount), { occurred_at: NOW_MS, ...fields }), testRules(), NOW_MS, rows)
  return rows.decisions.at(-1)?.decision ?? ''
}

test('a node that does not allow it pays for nobody: by default, and always where it is central', () => {
  const rows = new KeptRows()
  const account = openAccount('n', NOW_MS)
  decideCost(account, cost(1, { occurred_at: NOW_MS }), RULES_DEFAULT, NOW_MS, rows)
  account.settings = [{ name: 'allow_metered_for_hive', value: true }]
  decideCost(account, cost(1, { occurred_at: NOW_MS }), RULES_DEFAULT, NOW_MS, rows)
  account.tier = 'central'
  decideCost(account, cost(1, { occurred_at: NOW_MS }), testRules(), NOW_MS, rows)
  assert.deepEqual(
    rows.decisions.map(({ decision, microSpark }) => [decision, microSpark]),
    [
      ['not_allowed', 0n],
      ['written_off', 1_000_000n],
      ['not_allowed', 0n],
    ],
  )
  assert.deepEqual([account.cost_seq, account.unclaimed_count, account.spend_days.length], [3, 1, 1])
})

test('the limit holds a day: equal passes, more does not, and a refused cost uses up nothing', () => {
  const { account, rows } = accountWithLimit(5)
  assert.equal(decide(account, rows, 4.8), 'written_off')
  assert.equal(decide(account, rows, 0.21), 'over_limit')
  assert.equal(decide(account, rows, 0.2), 'written_off')
  assert.equal(decide(account, rows, 0.000000001), 'over_limit')
  assert.deepEqual(rows.decisions.at(-1)?.budget, {
    day: dayOf(NOW_MS),
    spentNanoUsd: 5_000_000_000n,
    limitNanoUsd: 5_000_000_000n,
    isKnown: true,
  })
  // Yesterday has a limit of its own: the day of the event counts.
  assert.equal(decide(account, rows, 5, { occurred_at: NOW_MS - DAY_MS }), 'written_off')
  assert.deepEqual(
    account.spend_days.map(({ day, nano_usd }) => [dayOf(NOW_MS) - day, nano_usd]),
    [
      [1, 5_000_000_000n],
      [0, 5_000_000_000n],
    ],
  )
})

test('0 and null set no limit; what is spent meanwhile counts when one is set', () => {
  for (const limit of [0, null]) {
    const { account, rows } = accountWithLimit(limit)
    assert.equal(decide(account, rows, 1_000), 'written_off')
    account.settings = [{ name: 'metered_daily_limit_usd', value: usd(1_000) }]
    assert.equal(decide(account, rows, 0.01), 'over_limit')
  }
})

test('a day that is no longer remembered fails closed, where there is a limit', () => {
  const { account, rows } = accountWithLimit(5)
  const longAgo = { occurred_at: NOW_MS - SPEND_DAYS_MAX * DAY_MS }
  assert.equal(decide(account, rows, 0.01, longAgo), 'over_limit')
  account.settings = []
  assert.equal(decide(account, rows, 0.01, longAgo), 'written_off')
  assert.deepEqual(account.spend_days, [])
})

test('open reservations count; one that is named is used up on its own day, even when it has expired', () => {
  const { account, rows } = accountWithLimit(1)
  const reservation = {
    reservation_id: 'r',
    nano_usd: usd(0.6),
    day: dayOf(NOW_MS) - 1,
    expires_at: NOW_MS - 1,
    command_id: 'c',
  }
  const open = { ...reservation, reservation_id: 'o', day: dayOf(NOW_MS), expires_at: NOW_MS + 1 }
  assert.ok(addReservation(account, reservation, NOW_MS))
  assert.ok(addReservation(account, open, NOW_MS))
  assert.equal(decide(account, rows, 0.41), 'over_limit')
  assert.equal(decide(account, rows, 0.4), 'written_off')
  // The expired one holds nothing any more, but its cost counts on its day.
  assert.equal(decide(account, rows, 1, { reservation_id: 'r' }), 'written_off')
  assert.deepEqual(
    account.spend_days.map(({ day }) => dayOf(NOW_MS) - day),
    [1, 0],
  )
  // More than was reserved passes while the day has room without it.
  assert.equal(decide(account, rows, 0.61, { reservation_id: 'o' }), 'over_limit')
  assert.equal(account.reservations.length, 1)
  assert.equal(decide(account, rows, 0.6, { reservation_id: 'o' }), 'written_off')
  assert.deepEqual(account.reservations, [])
  assert.equal(decide(account, rows, 0.01, { reservation_id: 'nobody’s' }), 'over_limit')
})

test('what cost nothing gives back what was reserved for it, and is nothing else: no cost, no row, no Spark', () => {
  const { account, rows } = accountWithLimit(1)
  const reservation = {
    reservation_id: 'r',
    nano_usd: usd(1),
    day: dayOf(NOW_MS),
    expires_at: NOW_MS + 1,
    command_id: 'c',
  }
  assert.ok(addReservation(account, reservation, NOW_MS))
  assert.equal(decide(account, rows, 0.5), 'over_limit')
  const decided = rows.decisions.length
  const before = { ...account }
  const free = cost(0, { reservation_id: 'r', occurred_at: NOW_MS, task_source: 'own' })
  const nobodys = cost(0, { reservation_id: 'other', occurred_at: NOW_MS })
  assert.equal(decideCost(account, nobodys, testRules(), NOW_MS, rows), null)
  assert.equal(account.version, before.version)
  assert.equal(decideCost(account, free, testRules(), NOW_MS, rows), reservation)
  assert.deepEqual(account, { ...before, reservations: [], version: before.version + 1, changed_at: NOW_MS })
  assert.equal(rows.decisions.length, decided)
  assert.equal(decide(account, rows, 1), 'written_off')
})
