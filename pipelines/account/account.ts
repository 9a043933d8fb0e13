import type { Account, AccountOperator, Cost, NodeSum } from '../../schemas/records.ts'
import type { Decision, SettlementReason } from '../../schemas/tables.ts'

/**
 * The account of a node as a state machine: (account, what the inbox says, log time) → (account, rows). Pure but for
 * the account that it changes in place. Nothing here knows a clock, an environment or a batch: replays decide alike,
 * whatever the batch borders were.
 */

/** What is in force for every account of a partition, by the version that the log gave it. */
export interface AccountRules {
  readonly version: number
  readonly sparkPerUsd: number
}

/** Pending Spark at which an account settles by itself (the documented default). */
export const MIN_SETTLEMENT_SPARK = 10n

export const MICRO_SPARK_PER_SPARK = 1_000_000n
const NANO_USD_PER_USD = 1_000_000_000n

/** One cost, decided. Its status is derived from the settlements' ranges, never updated. */
export interface CostDecision {
  readonly cost: Cost
  readonly costSeq: number
  readonly operatorId: string
  readonly decision: Decision
  readonly spark: bigint
  readonly decidedAtMs: number
  readonly rules: AccountRules
}

/** One payment: the payable costs of (fromSeq, toSeq] of the node's own sequence. */
export interface Settlement {
  readonly operatorId: string
  readonly fromSeq: number
  readonly toSeq: number
  readonly costs: number
  readonly costNanoUsd: bigint
  readonly spark: bigint
  readonly settledAtMs: number
  readonly reason: SettlementReason
}

/** Where the rows of decisions and settlements go, in the order in which they happen. */
export interface AccountRows {
  decided(account: Account, decision: CostDecision): void
  settled(account: Account, settlement: Settlement): void
}

/** A node's account before anything was said of it. */
export function openAccount(nodeId: string, nowMs: number): Account {
  return {
    node_id: nodeId,
    version: 0,
    tier: 'flat',
    first_seen_at: nowMs,
    changed_at: nowMs,
    watermark: 0,
    rules_version: 0,
    operators: [],
    events: 0,
    inferences: 0,
    tokens_in: 0n,
    tokens_out: 0n,
    gpu_ms_measured: 0n,
    gpu_ms_estimated: 0n,
    energy_mwh_measured: 0n,
    energy_mwh_estimated: 0n,
    energy_mwh_compatible: 0n,
    cost_nano_usd: 0n,
    cost_seq: 0,
    settled_through: 0,
    pending_count: 0,
    pending_nano_usd: 0n,
    pending_spark: 0n,
    pending_since: null,
    unclaimed_count: 0,
    unclaimed_nano_usd: 0n,
    unclaimed_spark: 0n,
    settlements: 0,
    settled_nano_usd: 0n,
    settled_spark: 0n,
  }
}

/** Spark for one cost: max(1, floor(USD × rate)), exact. A cost is above zero. */
export function sparkOf(costNanoUsd: bigint, sparkPerUsd: number): bigint {
  const spark = (costNanoUsd * BigInt(sparkPerUsd)) / NANO_USD_PER_USD
  return spark > 1n ? spark : 1n
}

/** The operator that is paid now. */
export function currentOperator(account: Account): AccountOperator | undefined {
  return account.operators.at(-1)
}

/**
 * An event named an operator. The first one becomes the node's; what was written off for want of one is paid to it at
 * once. Other names change nothing.
 */
export function nameOperator(account: Account, operatorId: string, nowMs: number, rows: AccountRows): void {
  if (account.operators.length > 0) return
  account.operators.push({
    operator_id: operatorId,
    since: nowMs,
    micro_spark: 0n,
    entries: 0,
    last_entry_at: null,
  })
  touch(account, nowMs)
  if (account.unclaimed_count > 0) settle(account, 'claimed', nowMs, rows)
}

/** Decides one cost, and settles where the pending Spark has reached the minimum. */
export function decideCost(
  account: Account,
  cost: Cost,
  rules: AccountRules,
  nowMs: number,
  rows: AccountRows,
): void {
  const nanoUsd = BigInt(cost.cost_nano_usd)
  const spark = sparkOf(nanoUsd, rules.sparkPerUsd)
  const operator = currentOperator(account)
  account.cost_seq++
  account.rules_version = rules.version
  if (operator === undefined) {
    account.unclaimed_count++
    account.unclaimed_nano_usd += nanoUsd
    account.unclaimed_spark += spark
  } else {
    account.pending_count++
    account.pending_nano_usd += nanoUsd
    account.pending_spark += spark
    account.pending_since ??= nowMs
  }
  touch(account, nowMs)
  rows.decided(account, {
    cost,
    costSeq: account.cost_seq,
    operatorId: operator?.operator_id ?? '',
    decision: operator === undefined ? 'written_off' : 'pending',
    spark,
    decidedAtMs: nowMs,
    rules,
  })
  if (operator !== undefined && account.pending_spark >= MIN_SETTLEMENT_SPARK) {
    settle(account, 'threshold', nowMs, rows)
  }
}

/** Adds a range's sums to the lifetime counters. */
export function addSum(account: Account, sum: NodeSum, watermarkMs: number, nowMs: number): void {
  account.events += sum.events
  account.inferences += sum.inferences
  account.tokens_in += BigInt(sum.tokens_in)
  account.tokens_out += BigInt(sum.tokens_out)
  account.gpu_ms_measured += BigInt(sum.gpu_ms_measured)
  account.gpu_ms_estimated += BigInt(sum.gpu_ms_estimated)
  account.energy_mwh_measured += BigInt(sum.energy_mwh_measured)
  account.energy_mwh_estimated += BigInt(sum.energy_mwh_estimated)
  account.energy_mwh_compatible += BigInt(sum.energy_mwh_compatible)
  account.cost_nano_usd += BigInt(sum.cost_nano_usd)
  account.watermark = Math.max(account.watermark, watermarkMs)
  touch(account, nowMs)
}

/** Pays all that is pending and unclaimed to the current operator. Ranges tile: the next begins where this one ends. */
function settle(account: Account, reason: SettlementReason, nowMs: number, rows: AccountRows): void {
  const operator = currentOperator(account)
  if (operator === undefined) throw new Error(`Account ${account.node_id} has nobody to pay.`)
  const settlement: Settlement = {
    operatorId: operator.operator_id,
    fromSeq: account.settled_through,
    toSeq: account.cost_seq,
    costs: account.pending_count + account.unclaimed_count,
    costNanoUsd: account.pending_nano_usd + account.unclaimed_nano_usd,
    spark: account.pending_spark + account.unclaimed_spark,
    settledAtMs: nowMs,
    reason,
  }
  account.settled_through = account.cost_seq
  account.settlements++
  account.settled_nano_usd += settlement.costNanoUsd
  account.settled_spark += settlement.spark
  account.pending_count = 0
  account.pending_nano_usd = 0n
  account.pending_spark = 0n
  account.pending_since = null
  account.unclaimed_count = 0
  account.unclaimed_nano_usd = 0n
  account.unclaimed_spark = 0n
  operator.micro_spark += settlement.spark * MICRO_SPARK_PER_SPARK
  operator.entries++
  operator.last_entry_at = nowMs
  rows.settled(account, settlement)
}

function touch(account: Account, nowMs: number): void {
  account.version++
  account.changed_at = nowMs
}
