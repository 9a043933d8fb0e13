import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Account } from '../../schemas/records.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import { cost, nodeSum } from '../../test/support/inbox.ts'
import { addSum, decideCost, MICRO_SPARK_PER_SPARK, nameOperator, openAccount, sparkOf } from './account.ts'
import type { AccountRows, CostDecision, Settlement } from './account.ts'

const RULES = { version: 1, sparkPerUsd: 100 }

class Rows implements AccountRows {
  readonly decisions: CostDecision[] = []
  readonly settlements: Settlement[] = []
  decided(_account: Account, decision: CostDecision): void {
    this.decisions.push(decision)
  }
  settled(_account: Account, settlement: Settlement): void {
    this.settlements.push(settlement)
  }
}

const cents = (amount: number): number => amount * 10_000_000

test('Spark is floor(USD × rate), exactly, and at least 1', () => {
  const vectors: readonly (readonly [nanoUsd: bigint, rate: number, spark: bigint])[] = [
    // 0.29 × 100 is 28.999… in doubles.
    [290_000_000n, 100, 29n],
    [500_000_000n, 100, 50n],
    [375_000_000n, 100, 37n],
    [1_000_000n, 100, 1n],
    [1_000_000_000n, 200, 200n],
    [1n, 100, 1n],
    [19_999_999n, 100, 1n],
    [20_000_000n, 100, 2n],
    [BigInt(USAGE_BOUNDS.costNanoUsdMax), 100, 100_000_000n],
  ]
  for (const [nanoUsd, rate, spark] of vectors)
    assert.equal(sparkOf(nanoUsd, rate), spark, `${nanoUsd} at ${rate}`)
})

test('pending costs are settled when they reach 10 Spark, not before, and all of them', () => {
  const account = openAccount('node-a', 1)
  const rows = new Rows()
  nameOperator(account, 'op-1', 1, rows)
  decideCost(account, cost(cents(9)), RULES, 2, rows)
  assert.deepEqual([account.pending_spark, account.pending_count, account.pending_since], [9n, 1, 2])
  assert.equal(rows.settlements.length, 0)
  decideCost(account, cost(1), RULES, 3, rows)
  assert.deepEqual(rows.settlements, [
    {
      operatorId: 'op-1',
      fromSeq: 0,
      toSeq: 2,
      costs: 2,
      costNanoUsd: 90_000_001n,
      spark: 10n,
      settledAtMs: 3,
      reason: 'threshold',
    },
  ])
  assert.deepEqual([account.pending_spark, account.pending_count, account.pending_since], [0n, 0, null])
  assert.deepEqual(account.operators, [
    { operator_id: 'op-1', since: 1, micro_spark: 10_000_000n, entries: 1, last_entry_at: 3 },
  ])
  assert.deepEqual(
    rows.decisions.map(({ costSeq, decision, spark, operatorId }) => [costSeq, decision, spark, operatorId]),
    [
      [1, 'pending', 9n, 'op-1'],
      [2, 'pending', 1n, 'op-1'],
    ],
  )
})

test('without an operator costs are written off; the first one named gets all of them at once', () => {
  const account = openAccount('node-a', 1)
  const rows = new Rows()
  decideCost(account, cost(cents(5)), RULES, 2, rows)
  decideCost(account, cost(cents(500)), RULES, 3, rows)
  assert.equal(rows.settlements.length, 0)
  assert.deepEqual(
    rows.decisions.map(({ decision, operatorId }) => [decision, operatorId]),
    [
      ['written_off', ''],
      ['written_off', ''],
    ],
  )
  assert.deepEqual([account.unclaimed_count, account.unclaimed_spark], [2, 505n])
  nameOperator(account, 'op-1', 9, rows)
  const [settlement] = rows.settlements
  assert.deepEqual(
    [settlement?.fromSeq, settlement?.toSeq, settlement?.spark, settlement?.reason, settlement?.settledAtMs],
    [0, 2, 505n, 'claimed', 9],
  )
  assert.deepEqual(
    [account.unclaimed_count, account.unclaimed_nano_usd, account.unclaimed_spark],
    [0, 0n, 0n],
  )
  nameOperator(account, 'op-2', 10, rows)
  assert.equal(account.operators.length, 1, 'another name changes nothing')
  decideCost(account, cost(cents(1)), RULES, 11, rows)
  assert.equal(rows.decisions.at(-1)?.operatorId, 'op-1')
})

test('an operator named before any cost claims nothing', () => {
  const account = openAccount('node-a', 1)
  const rows = new Rows()
  nameOperator(account, 'op-1', 1, rows)
  assert.equal(rows.settlements.length, 0)
  assert.equal(account.settlements, 0)
})

test('a lifetime of sums stays exact beyond what a double holds', () => {
  const account = openAccount('node-a', 1)
  const large = Number.MAX_SAFE_INTEGER
  for (let times = 0; times < 5; times++) {
    addSum(
      account,
      nodeSum('node-a', { cost_nano_usd: large, tokens_in: large, energy_mwh_compatible: 1 }),
      50 - times,
      2,
    )
  }
  assert.equal(account.cost_nano_usd, 5n * BigInt(large))
  assert.equal(account.tokens_in, 5n * BigInt(large))
  assert.equal(account.energy_mwh_compatible, 5n)
  assert.deepEqual([account.events, account.watermark], [5, 50])
})

const act = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      nano: fc.integer({ min: 1, max: 300_000_000 }),
      rate: fc.constantFrom(1, 100, 200),
    }),
  },
  { weight: 1, arbitrary: fc.record({ name: fc.constantFrom('op-1', 'op-2') }) },
)

test('Spark is conserved, settlements tile, and each cost is paid once or still open', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const account = openAccount('node-a', 0)
      const rows = new Rows()
      let changes = 0
      for (const [index, one] of acts.entries()) {
        if ('name' in one) {
          if (account.operators.length === 0) changes++
          nameOperator(account, one.name, index, rows)
        } else {
          changes++
          decideCost(account, cost(one.nano), { version: 1, sparkPerUsd: one.rate }, index, rows)
        }
      }
      assert.equal(account.version, changes)
      const sumOf = <T>(list: readonly T[], value: (one: T) => bigint): bigint =>
        list.reduce((sum, one) => sum + value(one), 0n)

      // Settlements tile the node's own sequence, and each pays exactly the costs of its range.
      let through = 0
      for (const { fromSeq, toSeq, spark, costs, costNanoUsd, operatorId } of rows.settlements) {
        assert.equal(fromSeq, through)
        assert.ok(toSeq > fromSeq)
        const paid = rows.decisions.filter(({ costSeq }) => costSeq > fromSeq && costSeq <= toSeq)
        assert.equal(costs, paid.length)
        assert.equal(
          spark,
          sumOf(paid, (decision) => decision.spark),
        )
        assert.equal(
          costNanoUsd,
          sumOf(paid, (decision) => BigInt(decision.cost.cost_nano_usd)),
        )
        assert.equal(operatorId, account.operators[0]?.operator_id)
        through = toSeq
      }
      assert.equal(account.settled_through, through)
      const open = rows.decisions.slice(through)
      const openSpark = sumOf(open, ({ spark }) => spark)
      assert.equal(account.pending_spark + account.unclaimed_spark, openSpark)
      assert.equal(account.pending_count + account.unclaimed_count, open.length)
      assert.equal(
        account.settled_spark + openSpark,
        sumOf(rows.decisions, ({ spark }) => spark),
      )
      assert.equal(account.operators[0]?.micro_spark ?? 0n, account.settled_spark * MICRO_SPARK_PER_SPARK)
      assert.ok(account.pending_spark < 10n)
      assert.equal(account.operators.length === 0 ? account.pending_count : account.unclaimed_count, 0)
      assert.deepEqual(
        rows.decisions.map(({ costSeq }) => costSeq),
        rows.decisions.map((_, index) => index + 1),
      )
    }),
  )
})
