import { nothingYet } from '../../schemas/older-records.ts'
import type { CommandOutcome } from '../../schemas/commands/outcome.ts'
import type { Account, AccountOperator, Cost, InboxCommand, NodeSum } from '../../schemas/records.ts'
import type { Anomaly } from '../../schemas/reasons.ts'
import type { AuditKind } from '../../schemas/audit.ts'
import type { Decision, RewardKind, SettlementReason } from '../../schemas/tables.ts'
import type { AccountRules } from './rules.ts'
import { DAY_MS } from '../../schemas/units.ts'

/**
 * The account of a node as a state machine: (account, what the inbox says, log time) → (account, rows). It is pure,
 * except that it changes the account in place. Nothing here knows a clock, an environment or a batch, so a replay decides
 * the same, whatever the batch borders were.
 */

/** The UTC day of a time, counted from 1970-01-01. */
export function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS)
}

/** One cost, decided. Its status is derived from the settlements' ranges, never updated. */
export interface CostDecision {
  readonly cost: Cost
  readonly costSeq: number
  readonly operatorId: string
  readonly decision: Decision
  readonly microSpark: bigint
  readonly decidedAtMs: number
  readonly rules: AccountRules
  /**
   * What the cost was judged by: the day whose limit applies, what was spent and reserved of that limit before, and the
   * limit (0: none).
   */
  readonly budget: {
    readonly day: number
    readonly spentNanoUsd: bigint
    readonly limitNanoUsd: bigint
  }
}

/** One payment: the payable costs of (fromSeq, toSeq] of the node's own sequence. */
export interface Settlement {
  readonly operatorId: string
  readonly fromSeq: number
  readonly toSeq: number
  readonly costs: number
  readonly costNanoUsd: bigint
  readonly microSpark: bigint
  readonly settledAtMs: number
  readonly reason: SettlementReason
}

/** One reward. `key` is unique for the node and kind: the day, the number of agents, the impressions paid so far. */
export interface Reward {
  readonly kind: RewardKind
  readonly key: number
  readonly operatorId: string
  readonly microSpark: bigint
  readonly awardedAtMs: number
  readonly detail: string
}

/** A command and its result. */
export interface Audit {
  readonly command: InboxCommand
  readonly outcome: CommandOutcome
  /** JSON: for settings, each one that changed, with the value before and after. */
  readonly changes: string
  readonly atMs: number
}

/** A row of the audit that has no command behind it. */
export interface Noted {
  readonly entryId: Buffer
  readonly kind: AuditKind
  /** The credential or address; empty where an account was changed by what a node reports about itself. */
  readonly subject: string
  readonly nodeId: string
  readonly address: string
  readonly before: string
  readonly after: string
  readonly count: number
  readonly reason: string
  readonly atMs: number
}

/** Where the rows go, in the order in which things happen. */
export interface AccountRows {
  decided(account: Account, decision: CostDecision): void
  settled(account: Account, settlement: Settlement): void
  rewarded(account: Account, reward: Reward): void
  audited(audit: Audit): void
  noted(noted: Noted): void
  /** Something was accepted and is not paid, or not paid in full. It is counted and has no row. */
  anomaly(kind: Anomaly): void
}

/** A node's account before the log has said anything about it. */
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
    inferences: 0n,
    tokens_in: 0n,
    tokens_out: 0n,
    gpu_ms_measured: 0n,
    gpu_ms_estimated: 0n,
    gpu_ms_paid_estimated: 0n,
    set_aside: 0,
    energy_mwh_measured: 0n,
    energy_mwh_estimated: 0n,
    energy_mwh_compatible: 0n,
    cost_nano_usd: 0n,
    cost_seq: 0,
    settled_through: 0,
    pending_count: 0,
    pending_nano_usd: 0n,
    pending_micro_spark: 0n,
    pending_since: null,
    unclaimed_count: 0,
    unclaimed_nano_usd: 0n,
    unclaimed_micro_spark: 0n,
    settlements: 0,
    settled_nano_usd: 0n,
    settled_micro_spark: 0n,
    ...nothingYet(),
  }
}

/** The operator that is paid now. */
export function currentOperator(account: Account): AccountOperator | undefined {
  return account.operators.at(-1)
}

/** Books what was paid to an operator; the row of the ledger is the caller's. */
export function book(operator: AccountOperator, microSpark: bigint, nowMs: number): void {
  operator.micro_spark += microSpark
  operator.entries++
  operator.last_entry_at = nowMs
}

/** Adds a range's sums to the lifetime counters. */
export function addSum(account: Account, sum: NodeSum, watermarkMs: number, nowMs: number): void {
  account.events += sum.events
  account.set_aside += sum.set_aside
  account.inferences += BigInt(sum.inferences)
  account.tokens_in += BigInt(sum.tokens_in)
  account.tokens_out += BigInt(sum.tokens_out)
  account.gpu_ms_measured += BigInt(sum.gpu_ms_measured)
  account.gpu_ms_estimated += BigInt(sum.gpu_ms_estimated)
  account.gpu_ms_paid_estimated += BigInt(sum.gpu_ms_paid_estimated)
  account.energy_mwh_measured += BigInt(sum.energy_mwh_measured)
  account.energy_mwh_estimated += BigInt(sum.energy_mwh_estimated)
  account.energy_mwh_compatible += BigInt(sum.energy_mwh_compatible)
  account.cost_nano_usd += BigInt(sum.cost_nano_usd)
  account.watermark = Math.max(account.watermark, watermarkMs)
  touch(account, nowMs)
}

/** Every change counts: a reader only takes an account of a higher version. */
export function touch(account: Account, nowMs: number): void {
  account.version++
  account.changed_at = nowMs
}
