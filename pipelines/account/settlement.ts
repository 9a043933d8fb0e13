import type { Account } from '../../schemas/records.ts'
import type { SettlementReason } from '../../schemas/tables.ts'
import { book, currentOperator, touch } from './account.ts'
import type { AccountRows, Settlement } from './account.ts'
import { effective } from './rules.ts'
import type { AccountRules } from './rules.ts'
import { MICRO_SPARK_PER_SPARK, NANO_USD_PER_USD } from '../../schemas/units.ts'

/** A nano-USD times a rate in Spark per USD gives this many thousandths of a micro-Spark. */
const REMAINDER_UNIT = 1_000n

/** What a cost earns, and the part below one micro-Spark that remains. */
export interface Earned {
  readonly microSpark: bigint
  readonly remainder: number
  /** How much of it comes from the minimum of 1 Spark, beyond USD × rate. */
  readonly beyondMicroSpark: bigint
}

/**
 * Spark for one cost. Compatible mode: max(1, floor(USD × rate)) whole Spark, exact (0.29 → 29). Exact mode: USD × rate
 * to the micro-Spark, where what is left from earlier costs (`remainder`, thousandths of a micro-Spark) is added first.
 */
export function sparkOf(costNanoUsd: bigint, rules: AccountRules, remainder: number): Earned {
  const product = costNanoUsd * BigInt(rules.spark_per_usd)
  if (rules.spark_mode === 'exact') {
    const carried = product + BigInt(remainder)
    const rest = Number(carried % REMAINDER_UNIT)
    return { microSpark: carried / REMAINDER_UNIT, remainder: rest, beyondMicroSpark: 0n }
  }
  const spark = product / NANO_USD_PER_USD
  if (spark > 0n) return { microSpark: spark * MICRO_SPARK_PER_SPARK, remainder, beyondMicroSpark: 0n }
  const beyondMicroSpark = MICRO_SPARK_PER_SPARK - product / REMAINDER_UNIT
  return { microSpark: MICRO_SPARK_PER_SPARK, remainder, beyondMicroSpark }
}

/**
 * Settles where the node settles automatically and its pending Spark has reached the minimum. Called after every cost and
 * every command.
 */
export function settleIfDue(account: Account, rules: AccountRules, nowMs: number, rows: AccountRows): void {
  if (account.pending_count === 0) return
  if (effective(account, rules, 'auto_settle') !== true) return
  const minimum = BigInt(Number(effective(account, rules, 'min_settlement_spark'))) * MICRO_SPARK_PER_SPARK
  if (account.pending_micro_spark >= minimum) settle(account, 'threshold', nowMs, rows)
}

/**
 * Pays everything that is pending and unclaimed to the current operator, if there is anything. Ranges tile: the next one
 * begins where this one ends. Returns the settlement.
 */
export function settle(
  account: Account,
  reason: SettlementReason,
  nowMs: number,
  rows: AccountRows,
): Settlement | null {
  const operator = currentOperator(account)
  if (operator === undefined || account.pending_count + account.unclaimed_count === 0) return null
  const settlement: Settlement = {
    operatorId: operator.operator_id,
    fromSeq: account.settled_through,
    toSeq: account.cost_seq,
    costs: account.pending_count + account.unclaimed_count,
    costNanoUsd: account.pending_nano_usd + account.unclaimed_nano_usd,
    microSpark: account.pending_micro_spark + account.unclaimed_micro_spark,
    settledAtMs: nowMs,
    reason,
  }
  account.settled_through = account.cost_seq
  account.settlements++
  account.settled_nano_usd += settlement.costNanoUsd
  account.settled_micro_spark += settlement.microSpark
  account.pending_count = 0
  account.pending_nano_usd = 0n
  account.pending_micro_spark = 0n
  account.pending_since = null
  account.unclaimed_count = 0
  account.unclaimed_nano_usd = 0n
  account.unclaimed_micro_spark = 0n
  book(operator, settlement.microSpark, nowMs)
  touch(account, nowMs)
  rows.settled(account, settlement)
  return settlement
}
