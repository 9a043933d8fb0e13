import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ISSUER_WALLET } from '../../schemas/tables.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import { cost, INBOX_START_MS, inboxUsage, nodeSum } from '../../test/support/records/inbox.ts'
import { testRulesRecord } from '../../test/support/records/rules.ts'
import { SettlerLog } from '../../test/support/records/settler-log.ts'
import { inputRecord } from '../../test/support/records/task-log.ts'

const COST = USAGE_BOUNDS.costNanoUsdMax
const PER_RECORD = 2_000
const RECORDS = 50
const COSTS = PER_RECORD * RECORDS
const INT64_END = 2n ** 63n

/** Events of ten requests at the bound of the field, for one node and day; nothing is paid before the last one. */
const input = Array.from({ length: RECORDS + 1 }, (_, record) => {
  const isLast = record === RECORDS
  const entry = {
    node_id: 'node-a',
    operator_id: isLast ? 'operator-a' : null,
    cost: cost(isLast ? 1 : COST),
  }
  return inputRecord(
    record + 1,
    INBOX_START_MS + record,
    inboxUsage(record, record + 1, {
      entries: Array.from({ length: isLast ? 1 : PER_RECORD }, () => entry),
      sums: [
        nodeSum('node-a', { cost_nano_usd: isLast ? 1 : COST, tokens_in: Number.MAX_SAFE_INTEGER >> 1 }),
      ],
    }),
  )
})

test('sums of one node pass 2^63 everywhere, and nothing stops or is short', async () => {
  const log = new SettlerLog([inputRecord(0, INBOX_START_MS, testRulesRecord()), ...input])
  await log.run()
  const account = log.accounts().get('node-a')
  const paid = BigInt(COSTS) * BigInt(COST)
  const microSpark = (paid * 100n) / 1_000n
  assert.ok(paid > INT64_END && microSpark > INT64_END)
  assert.deepEqual(
    [account?.settled_nano_usd, account?.settled_micro_spark, account?.operators[0]?.micro_spark],
    [paid, microSpark, microSpark],
  )
  assert.deepEqual([account?.pending_nano_usd, account?.unclaimed_nano_usd], [1n, 0n])
  assert.equal(account?.spend_days[0]?.nano_usd, paid + 1n)

  const [settlement] = log.rows('settlements')
  assert.deepEqual(
    [settlement?.['cost_nano_usd'], settlement?.['paid_micro_spark'], settlement?.['micro_spark']],
    [paid, microSpark, INT64_END - 1n],
  )
  const legs = log
    .rows('wallet_ledger')
    .map((row) => [row['wallet_id'], row['amount_micro_spark'], row['micro_spark']])
  assert.deepEqual(legs, [
    ['operator-a', microSpark, INT64_END - 1n],
    [ISSUER_WALLET, -microSpark, -(INT64_END - 1n)],
  ])
  const decided = log.rows('cost_decisions')
  assert.equal(decided.length, COSTS + 1)
  assert.deepEqual(decided.at(-1)?.['day_spent_before_nano_usd'], paid)
  assert.equal(log.rows('dead_letters').length, 0)
})
