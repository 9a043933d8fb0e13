import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import { KeptRows } from '../../test/support/oracles/account-rows.ts'
import { testRules } from '../../test/support/records/rules.ts'
import { cost } from '../../test/support/records/inbox.ts'
import { openAccount } from './account.ts'
import { decideCost } from './decide.ts'
import { nameOperator, OPERATORS_MAX, transfer } from './operators.ts'
import { settle, sparkOf } from './settlement.ts'

const cents = (amount: number): number => amount * 10_000_000
const exact = testRules({ spark_mode: 'exact' })

test('Spark is floor(USD × rate), exactly, and at least 1', () => {
  const vectors: readonly (readonly [nanoUsd: bigint, rate: number, spark: bigint])[] = [
    // 0.29 × 100 is 28.999… in doubles; 1.15 × 100 and 0.57 × 100 are below the exact results too.
    [290_000_000n, 100, 29n],
    [1_150_000_000n, 100, 115n],
    [570_000_000n, 100, 57n],
    [500_000_000n, 100, 50n],
    [375_000_000n, 100, 37n],
    [1_000_000n, 100, 1n],
    [1_000_000_000n, 200, 200n],
    [1n, 100, 1n],
    [19_999_999n, 100, 1n],
    [20_000_000n, 100, 2n],
    [BigInt(USAGE_BOUNDS.costNanoUsdMax), 100, 100_000_000n],
  ]
  for (const [nanoUsd, rate, spark] of vectors) {
    const { microSpark } = sparkOf(nanoUsd, testRules({ spark_per_usd: rate }), 0)
    assert.equal(microSpark, spark * 1_000_000n, `${nanoUsd} at ${rate}`)
  }
})

test('exact mode pays micro-Spark and carries what is below them', () => {
  assert.deepEqual(sparkOf(1n, testRules({ spark_mode: 'exact', spark_per_usd: 1 }), 0), {
    microSpark: 0n,
    remainder: 1,
    beyondMicroSpark: 0n,
  })
  assert.deepEqual(sparkOf(290_000_000n, exact, 0), {
    microSpark: 29_000_000n,
    remainder: 0,
    beyondMicroSpark: 0n,
  })
  assert.deepEqual(sparkOf(1_005n, exact, 999), {
    microSpark: 101n,
    remainder: 499,
    beyondMicroSpark: 0n,
  })
  fc.assert(
    fc.property(
      fc.array(fc.bigInt({ min: 1n, max: 10n ** 12n }), { maxLength: 50 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      (costs, spark_per_usd) => {
        const rules = testRules({ spark_mode: 'exact', spark_per_usd })
        let remainder = 0
        let paid = 0n
        for (const nanoUsd of costs) {
          const earned = sparkOf(nanoUsd, rules, remainder)
          paid += earned.microSpark
          remainder = earned.remainder
        }
        const sum = costs.reduce((total, nanoUsd) => total + nanoUsd, 0n) * BigInt(spark_per_usd)
        assert.equal(paid * 1_000n + BigInt(remainder), sum)
      },
    ),
  )
})

test('pending costs are settled when they reach 10 Spark, not before, and all of them', () => {
  const account = openAccount('node-a', 1)
  const rows = new KeptRows()
  nameOperator(account, 'op-1', 1, rows)
  decideCost(account, cost(cents(9)), testRules(), 2, rows)
  assert.deepEqual(
    [account.pending_micro_spark, account.pending_count, account.pending_since],
    [9_000_000n, 1, 2],
  )
  assert.equal(rows.settlements.length, 0)
  decideCost(account, cost(1), testRules(), 3, rows)
  assert.deepEqual(rows.settlements, [
    {
      operatorId: 'op-1',
      fromSeq: 0,
      toSeq: 2,
      costs: 2,
      costNanoUsd: 90_000_001n,
      microSpark: 10_000_000n,
      settledAtMs: 3,
      reason: 'threshold',
    },
  ])
  assert.deepEqual([account.pending_micro_spark, account.pending_count, account.pending_since], [0n, 0, null])
  assert.deepEqual(account.operators, [
    {
      operator_id: 'op-1',
      since: 1,
      micro_spark: 10_000_000n,
      entries: 1,
      last_entry_at: 3,
      remainder: 0,
      confirmed: false,
    },
  ])
})

test('without an operator costs are written off; the first one named gets all of them at once', () => {
  const account = openAccount('node-a', 1)
  const rows = new KeptRows()
  decideCost(account, cost(cents(5)), testRules(), 2, rows)
  decideCost(account, cost(cents(500)), testRules(), 3, rows)
  assert.equal(rows.settlements.length, 0)
  assert.deepEqual(
    rows.decisions.map(({ decision, operatorId }) => [decision, operatorId]),
    [
      ['written_off', ''],
      ['written_off', ''],
    ],
  )
  nameOperator(account, 'op-1', 4, rows)
  nameOperator(account, 'op-2', 5, rows)
  assert.deepEqual(
    rows.settlements.map(({ operatorId, microSpark, reason, toSeq }) => [
      operatorId,
      microSpark,
      reason,
      toSeq,
    ]),
    [['op-1', 505_000_000n, 'claimed', 2]],
  )
  assert.deepEqual(
    account.operators.map(({ operator_id }) => operator_id),
    ['op-1'],
  )
})

test('a transfer pays the operator before for what is pending, and the new one from there on', () => {
  const account = openAccount('node-a', 1)
  const rows = new KeptRows()
  nameOperator(account, 'op-1', 1, rows)
  decideCost(account, cost(cents(4)), testRules(), 2, rows)
  assert.ok(transfer(account, 'op-2', 3, rows))
  assert.deepEqual(
    rows.settlements.map(({ operatorId, microSpark, reason }) => [operatorId, microSpark, reason]),
    [['op-1', 4_000_000n, 'transferred']],
  )
  decideCost(account, cost(cents(10)), testRules(), 4, rows)
  assert.deepEqual(
    account.operators.map(({ operator_id, micro_spark, since }) => [operator_id, micro_spark, since]),
    [
      ['op-1', 4_000_000n, 1],
      ['op-2', 10_000_000n, 3],
    ],
  )
  assert.ok(transfer(account, 'op-1', 5, rows))
  assert.deepEqual(
    account.operators.map(({ operator_id, micro_spark, since }) => [operator_id, micro_spark, since]),
    [
      ['op-2', 10_000_000n, 3],
      ['op-1', 4_000_000n, 5],
    ],
  )
  for (let count = 3; count <= OPERATORS_MAX; count++) assert.ok(transfer(account, `op-${count}`, 6, rows))
  assert.equal(transfer(account, 'op-9', 7, rows), false)
  assert.ok(transfer(account, 'op-1', 8, rows))
})

test('exact mode keeps a remainder for each operator', () => {
  const account = openAccount('node-a', 1)
  const rows = new KeptRows()
  const rules = testRules({ spark_mode: 'exact', spark_per_usd: 1 })
  decideCost(account, cost(700), rules, 1, rows)
  nameOperator(account, 'op-1', 1, rows)
  assert.equal(account.operators[0]?.remainder, 700)
  decideCost(account, cost(700), rules, 2, rows)
  assert.deepEqual([account.operators[0]?.remainder, account.pending_micro_spark], [400, 1n])
  transfer(account, 'op-2', 3, rows)
  decideCost(account, cost(700), rules, 4, rows)
  assert.deepEqual(
    account.operators.map(({ remainder }) => remainder),
    [400, 700],
  )
})

test('auto_settle and the minimum are honoured; what is asked for is settled all the same', () => {
  const account = openAccount('node-a', 1)
  account.settings = [
    { name: 'min_settlement_spark', value: 100 },
    { name: 'auto_settle', value: true },
  ]
  const rows = new KeptRows()
  nameOperator(account, 'op-1', 1, rows)
  decideCost(account, cost(cents(99)), testRules(), 2, rows)
  assert.equal(rows.settlements.length, 0)
  decideCost(account, cost(cents(1)), testRules(), 3, rows)
  assert.equal(rows.settlements.length, 1)
  account.settings = [{ name: 'auto_settle', value: false }]
  decideCost(account, cost(cents(5_000)), testRules(), 4, rows)
  assert.equal(rows.settlements.length, 1)
  assert.equal(settle(account, 'requested', 5, rows)?.microSpark, 5_000_000_000n)
  assert.equal(settle(account, 'requested', 6, rows), null)
})
