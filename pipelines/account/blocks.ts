import { outcomeRecord } from '../../schemas/commands/outcome.ts'
import { ID_KINDS } from '../../schemas/identity.ts'
import { formatUuid, hashToUuid } from '../../schemas/ids.ts'
import type { Anomaly } from '../../schemas/reasons.ts'
import type { Account } from '../../schemas/records.ts'
import { COST_RECOVERY, DECISIONS, ISSUER_WALLET, SETTLEMENT_REASONS, TABLES } from '../../schemas/tables.ts'
import type { RewardKind } from '../../schemas/tables.ts'
import { TASK_SOURCES } from '../../schemas/usage.ts'
import { monthOf } from '../blocks/block-log.ts'
import type { BlockLog } from '../blocks/block-log.ts'
import type { AccountRows, Audit, CostDecision, Noted, Reward, Settlement } from './account.ts'
import { MICRO_SPARK_PER_SPARK } from '../../schemas/units.ts'

/**
 * The id of a settlement: a hash of what it pays for, so that a second payment of the same costs cannot look like another
 * payment.
 */
export function settlementId(nodeId: string, fromSeq: number, toSeq: number): Buffer {
  return hashToUuid(`settlement/${nodeId}/${fromSeq}/${toSeq}`)
}

/** The id of a reward: its kind and key, which are unique for a node. */
function rewardId(nodeId: string, kind: RewardKind, key: number): Buffer {
  return hashToUuid(`reward/${nodeId}/${kind}/${key}`)
}

/** The id of one leg of a payment. */
export function entryId(referenceId: Buffer, leg: 'operator' | 'issuer'): Buffer {
  return hashToUuid(`entry/${formatUuid(referenceId)}/${leg}`)
}

/** A payment to an operator, as its two legs have it. */
interface Payment {
  readonly nodeId: string
  readonly operatorId: string
  readonly referenceId: Buffer
  readonly kind: string
  readonly microSpark: bigint
  readonly atMs: number
  readonly detail: string
}

/** Writes decisions, settlements, rewards, their ledger legs and the audit as rows of the task's blocks. */
export class AccountBlocks implements AccountRows {
  readonly #log: BlockLog
  readonly decisions = { pending: 0, written_off: 0, not_allowed: 0, over_limit: 0 }
  readonly rewards: Record<RewardKind, number> = { uptime_bonus: 0, milestone: 0, ad_revenue: 0, ad_bonus: 0 }
  readonly anomalies = new Map<Anomaly, number>()
  settlements = 0
  settledMicroSpark = 0n

  constructor(log: BlockLog) {
    this.#log = log
  }

  decided(account: Account, decision: CostDecision): void {
    const { rows, prefix } = this.#log.rowsFor(TABLES.costDecisions, monthOf(decision.decidedAtMs))
    const { cost, rules, budget, microSpark } = decision
    rows.raw(prefix)
    rows.string(account.node_id)
    rows.u64(decision.costSeq)
    rows.uuid(cost.event_id)
    rows.string(decision.operatorId)
    rows.u8(TASK_SOURCES.indexOf(cost.task_source))
    rows.u64(cost.occurred_at)
    rows.u64(decision.decidedAtMs)
    rows.u8(DECISIONS[decision.decision])
    rows.u64(cost.cost_nano_usd)
    rows.i64(microSpark / MICRO_SPARK_PER_SPARK)
    rows.u64(rules.spark_per_usd)
    rows.u32(rules.version)
    rows.string(cost.reservation_id ?? '')
    rows.i64(microSpark)
    rows.u16(budget.day)
    rows.i64AtMost(budget.spentNanoUsd)
    rows.i64(budget.limitNanoUsd)
    rows.i128(budget.spentNanoUsd)
    rows.u8(ID_KINDS.indexOf(cost.id_kind))
    this.decisions[decision.decision]++
  }

  settled(account: Account, settlement: Settlement): void {
    const id = settlementId(account.node_id, settlement.fromSeq, settlement.toSeq)
    const { operatorId, microSpark, settledAtMs } = settlement
    const { rows, prefix } = this.#log.rowsFor(TABLES.settlements, monthOf(settledAtMs))
    rows.raw(prefix)
    rows.string(account.node_id)
    rows.uuid(id)
    rows.string(operatorId)
    rows.u64(settlement.fromSeq)
    rows.u64(settlement.toSeq)
    rows.u64(settlement.costs)
    rows.i128(settlement.costNanoUsd)
    rows.i64AtMost(microSpark / MICRO_SPARK_PER_SPARK)
    rows.u64(settledAtMs)
    rows.u8(SETTLEMENT_REASONS[settlement.reason])
    rows.i64AtMost(microSpark)
    rows.i128(microSpark)
    this.#pay({
      nodeId: account.node_id,
      operatorId,
      referenceId: id,
      kind: COST_RECOVERY,
      microSpark,
      atMs: settledAtMs,
      detail: '',
    })
    this.settlements++
    this.settledMicroSpark += microSpark
  }

  rewarded(account: Account, reward: Reward): void {
    this.#pay({
      nodeId: account.node_id,
      operatorId: reward.operatorId,
      referenceId: rewardId(account.node_id, reward.kind, reward.key),
      kind: reward.kind,
      microSpark: reward.microSpark,
      atMs: reward.awardedAtMs,
      detail: reward.detail,
    })
    this.rewards[reward.kind]++
  }

  audited({ command, outcome, changes, atMs }: Audit): void {
    const { rows, prefix } = this.#log.rowsFor(TABLES.auditLog, monthOf(atMs))
    rows.raw(prefix)
    rows.string(command.node_id)
    rows.uuid(Buffer.from(command.command_id.replaceAll('-', ''), 'hex'))
    rows.string(command.caller)
    rows.string(command.kind)
    const { status, code, result, account_version } = outcomeRecord(outcome)
    rows.u16(status)
    rows.string(code ?? '')
    rows.string(requestOf(command))
    rows.string(changes)
    rows.string(result)
    rows.u64(account_version)
    rows.u64(atMs)
  }

  noted(noted: Noted): void {
    const { rows, prefix } = this.#log.rowsFor(TABLES.audit, monthOf(noted.atMs))
    rows.raw(prefix)
    rows.u64(noted.atMs)
    rows.uuid(noted.entryId)
    rows.string(noted.kind)
    rows.string(noted.subject)
    rows.string(noted.nodeId)
    rows.string(noted.address)
    rows.string(noted.before)
    rows.string(noted.after)
    rows.u64(noted.count)
    rows.string(noted.reason)
  }

  anomaly(kind: Anomaly): void {
    this.anomalies.set(kind, (this.anomalies.get(kind) ?? 0) + 1)
  }

  /** Double entry: the operator's leg, and the issuer's against it. */
  #pay(payment: Payment): void {
    const { operatorId, microSpark } = payment
    this.#leg(payment, 'operator', operatorId, ISSUER_WALLET, microSpark)
    this.#leg(payment, 'issuer', ISSUER_WALLET, operatorId, -microSpark)
  }

  #leg(
    payment: Payment,
    leg: 'operator' | 'issuer',
    wallet: string,
    counterWallet: string,
    microSpark: bigint,
  ): void {
    const { rows, prefix } = this.#log.rowsFor(TABLES.walletLedger, monthOf(payment.atMs))
    rows.raw(prefix)
    rows.string(wallet)
    rows.uuid(entryId(payment.referenceId, leg))
    rows.string(counterWallet)
    rows.string(payment.nodeId)
    rows.string(payment.kind)
    rows.uuid(payment.referenceId)
    rows.i64AtMost(microSpark)
    rows.u64(payment.atMs)
    rows.string(payment.detail)
    rows.i128(microSpark)
  }
}

/** The request of the command as JSON, with the parts that its kind has. */
function requestOf({
  kind,
  changes,
  operator_id,
  cost_nano_usd,
  ttl_ms,
  reservation_id,
  expected,
}: Audit['command']): string {
  const settings = Object.fromEntries(changes.map(({ name, value }) => [name, value]))
  if (kind === 'settings') return JSON.stringify({ settings, expected })
  if (kind === 'join') return JSON.stringify({ settings, operator_id })
  if (kind === 'reserve') return JSON.stringify({ cost_nano_usd, ttl_ms, reservation_id })
  if (kind === 'release') return JSON.stringify({ reservation_id })
  return JSON.stringify(operator_id === null ? {} : { operator_id })
}
