import { formatUuid, hashToUuid } from '../../schemas/ids.ts'
import type { Account } from '../../schemas/records.ts'
import { DECISIONS, ISSUER_WALLET, LEDGER_KIND, SETTLEMENT_REASONS, TABLES } from '../../schemas/tables.ts'
import { TASK_SOURCES } from '../../schemas/usage.ts'
import { monthOf } from '../load/block-log.ts'
import type { BlockLog } from '../load/block-log.ts'
import { MICRO_SPARK_PER_SPARK } from './account.ts'
import type { AccountRows, CostDecision, Settlement } from './account.ts'

/** The id of a settlement: a hash of what it pays for, so that paying twice cannot look like two payments. */
export function settlementId(nodeId: string, fromSeq: number, toSeq: number): Buffer {
  return hashToUuid(`settlement/${nodeId}/${fromSeq}/${toSeq}`)
}

/** The id of one leg of a payment. */
export function entryId(referenceId: Buffer, leg: 'operator' | 'issuer'): Buffer {
  return hashToUuid(`entry/${formatUuid(referenceId)}/${leg}`)
}

/** Writes decisions, settlements and their two ledger legs as rows of the task's blocks. */
export class AccountBlocks implements AccountRows {
  readonly #log: BlockLog
  decisions = { pending: 0, written_off: 0, not_allowed: 0, over_limit: 0 }
  settlements = 0
  microSpark = 0n

  constructor(log: BlockLog) {
    this.#log = log
  }

  decided(account: Account, decision: CostDecision): void {
    const { rows, prefix } = this.#log.blockFor(TABLES.costDecisions, monthOf(decision.decidedAtMs))
    const { cost, rules } = decision
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
    rows.i64(decision.spark)
    rows.u64(rules.sparkPerUsd)
    rows.u32(rules.version)
    rows.string(cost.reservation_id ?? '')
    this.decisions[decision.decision]++
  }

  settled(account: Account, settlement: Settlement): void {
    const id = settlementId(account.node_id, settlement.fromSeq, settlement.toSeq)
    const month = monthOf(settlement.settledAtMs)
    const { rows, prefix } = this.#log.blockFor(TABLES.settlements, month)
    rows.raw(prefix)
    rows.string(account.node_id)
    rows.uuid(id)
    rows.string(settlement.operatorId)
    rows.u64(settlement.fromSeq)
    rows.u64(settlement.toSeq)
    rows.u64(settlement.costs)
    rows.i128(settlement.costNanoUsd)
    rows.i64(settlement.spark)
    rows.u64(settlement.settledAtMs)
    rows.u8(SETTLEMENT_REASONS[settlement.reason])

    const microSpark = settlement.spark * MICRO_SPARK_PER_SPARK
    const { operatorId } = settlement
    this.#leg(account, id, settlement, {
      wallet: operatorId,
      counter: ISSUER_WALLET,
      leg: 'operator',
      microSpark,
    })
    this.#leg(account, id, settlement, {
      wallet: ISSUER_WALLET,
      counter: operatorId,
      leg: 'issuer',
      microSpark: -microSpark,
    })
    this.settlements++
    this.microSpark += microSpark
  }

  #leg(
    account: Account,
    referenceId: Buffer,
    settlement: Settlement,
    entry: { wallet: string; counter: string; leg: 'operator' | 'issuer'; microSpark: bigint },
  ): void {
    const { rows, prefix } = this.#log.blockFor(TABLES.walletLedger, monthOf(settlement.settledAtMs))
    rows.raw(prefix)
    rows.string(entry.wallet)
    rows.uuid(entryId(referenceId, entry.leg))
    rows.string(entry.counter)
    rows.string(account.node_id)
    rows.string(LEDGER_KIND.costRecovery)
    rows.uuid(referenceId)
    rows.i64(entry.microSpark)
    rows.u64(settlement.settledAtMs)
  }
}
