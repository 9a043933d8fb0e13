import assert from 'node:assert/strict'
import { accountCodec, inboxConfigureCodec, SCHEMA_ID, schemaIdOf } from '../../schemas/avro.ts'
import type { Account } from '../../schemas/records.ts'
import type { Row } from '../support/row-reader.ts'
import { PlainAccounts, unpaid } from './account-model.ts'
import { plainRows } from './judge.ts'
import type { PartitionLogs } from './judge.ts'
import { handedOver } from './judge-usage.ts'

const MICRO = 1_000_000n
const text = (row: Row, name: string): string => String(row[name])
const big = (row: Row, name: string): bigint => BigInt(String(row[name]))

/** Decisions, settlements, ledger and accounts, against one cost after the other. */
export function judgeAccounts(logs: PartitionLogs): void {
  const plain = plainAccountsOf(logs)
  const rows = (table: string): Row[] => plainRows(logs.settlementBlocks, table)
  judgeDecisions(plain, rows('cost_decisions'))
  judgeSettlements(plain, rows('settlements'))
  judgeLedger(plain, rows('wallet_ledger'))
  judgeState(plain, accountsOf(logs))
  assert.deepEqual(rows('dead_letters'), [])
}

function plainAccountsOf({ inbox }: PartitionLogs): PlainAccounts {
  const plain = new PlainAccounts()
  const usageAt = new Map(handedOver(inbox).map(({ record, usage }) => [record.offset, usage]))
  let nowMs = 0
  for (const { offset, timestampMs, value } of inbox) {
    nowMs = Math.max(nowMs, timestampMs)
    const usage = usageAt.get(offset)
    if (usage !== undefined) plain.take(usage, nowMs)
    if (value === null || schemaIdOf(value) !== SCHEMA_ID.inboxConfigure) continue
    const { version, spark_per_usd } = inboxConfigureCodec.decode(value)
    if (version > plain.rules.version) plain.rules = { version, sparkPerUsd: spark_per_usd }
  }
  return plain
}

function judgeDecisions({ byNode }: PlainAccounts, rows: readonly Row[]): void {
  const decided = rows.map((row) => `${text(row, 'node_id')} ${text(row, 'event_id')}`)
  assert.equal(new Set(decided).size, decided.length, 'a cost is decided twice')
  const seen = Map.groupBy(rows, (row) => text(row, 'node_id'))
  for (const [node, { costs }] of byNode) {
    assert.deepEqual(
      (seen.get(node) ?? []).map((row) => ({
        eventId: text(row, 'event_id'),
        nanoUsd: big(row, 'cost_nano_usd'),
        spark: big(row, 'spark'),
        operator: text(row, 'operator_id'),
        decision: text(row, 'decision'),
        decidedAtMs: row['decided_at'],
        rules: row['rules_version'],
        seq: big(row, 'cost_seq'),
      })),
      costs,
      `decisions of ${node}`,
    )
  }
}

function judgeSettlements({ byNode }: PlainAccounts, rows: readonly Row[]): void {
  const seen = Map.groupBy(rows, (row) => text(row, 'node_id'))
  for (const [node, { payments }] of byNode) {
    const settled = (seen.get(node) ?? []).map((row) => ({
      operator: text(row, 'operator_id'),
      from: Number(row['from_seq']),
      to: Number(row['to_seq']),
      spark: big(row, 'spark'),
      nanoUsd: big(row, 'cost_nano_usd'),
      atMs: row['settled_at'],
      reason: text(row, 'reason'),
    }))
    for (const [index, { from }] of settled.entries()) {
      assert.equal(from, settled[index - 1]?.to ?? 0, `settlements of ${node} tile`)
    }
    assert.deepEqual(settled, payments, `settlements of ${node}`)
  }
}

function judgeLedger({ byNode }: PlainAccounts, rows: readonly Row[]): void {
  const entries = new Set(rows.map((row) => text(row, 'entry_id')))
  assert.equal(entries.size, rows.length, 'a leg stands twice')
  const payments = [...byNode.values()].flatMap((account) => account.payments)
  assert.equal(rows.length, payments.length * 2, 'each payment has two legs')
  for (const [reference, legs] of Map.groupBy(rows, (row) => text(row, 'reference_id'))) {
    const sum = legs.reduce((total, row) => total + big(row, 'micro_spark'), 0n)
    assert.equal(sum, 0n, `the legs of ${reference} sum to zero`)
  }
  const paid = rows.filter((row) => big(row, 'micro_spark') > 0n)
  assert.deepEqual(
    totals(paid.map((row) => [text(row, 'wallet_id'), big(row, 'micro_spark')])),
    totals(payments.map(({ operator, spark }) => [operator, spark * MICRO])),
    'what each wallet got',
  )
}

function totals(amounts: readonly (readonly [string, bigint])[]): Map<string, bigint> {
  const sums = new Map<string, bigint>()
  for (const [name, amount] of amounts) sums.set(name, (sums.get(name) ?? 0n) + amount)
  return sums
}

/** The newest account of each node in the state topic. */
function accountsOf({ nodeState }: PartitionLogs): Map<string, Account> {
  const accounts = new Map<string, Account>()
  for (const { key, value } of nodeState) {
    const node = key?.toString() ?? '!'
    if (!node.startsWith('!') && value !== null) accounts.set(node, accountCodec.decode(value))
  }
  return accounts
}

function judgeState({ byNode }: PlainAccounts, accounts: ReadonlyMap<string, Account>): void {
  assert.deepEqual([...accounts.keys()].toSorted(), [...byNode.keys()].toSorted(), 'nodes with an account')
  for (const [node, plain] of byNode) {
    const account = accounts.get(node) as Account
    const rest = unpaid(plain)
    const isPayable = plain.operator !== null
    const settled = plain.payments.reduce((sum, payment) => sum + payment.spark, 0n)
    assert.deepEqual(
      {
        operators: account.operators.map((operator) => [operator.operator_id, operator.micro_spark]),
        costs: account.cost_seq,
        settledThrough: account.settled_through,
        settlements: account.settlements,
        settled: account.settled_spark,
        pending: [account.pending_count, account.pending_spark, account.pending_nano_usd],
        unclaimed: [account.unclaimed_count, account.unclaimed_spark, account.unclaimed_nano_usd],
        sums: Object.fromEntries(
          Object.keys(plain.sums).map((name) => [name, BigInt(account[name as 'events'])]),
        ),
      },
      {
        operators: plain.operator === null ? [] : [[plain.operator, settled * MICRO]],
        costs: plain.costs.length,
        settledThrough: plain.paidThrough,
        settlements: plain.payments.length,
        settled,
        pending: isPayable ? [rest.count, rest.spark, rest.nanoUsd] : [0, 0n, 0n],
        unclaimed: isPayable ? [0, 0n, 0n] : [rest.count, rest.spark, rest.nanoUsd],
        sums: plain.sums,
      },
      `account of ${node}`,
    )
  }
}
