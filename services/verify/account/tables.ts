import { BELOW, ms, uuid } from '../tables.ts'
import type { BlocksBelow, Tables, TextRow } from '../tables.ts'

/** Reads the tables of accounts, and writes nothing. */
export class AccountTables {
  readonly #tables: Tables

  constructor(tables: Tables) {
    this.#tables = tables
  }

  decisions(blocks: BlocksBelow): AsyncGenerator<TextRow> {
    return this.#tables.pages(
      `SELECT t.node_id, t.cost_seq, ${uuid('event_id')}, t.id_kind, t.operator_id, t.task_source, ${ms('occurred_at')},
              ${ms('decided_at')}, t.decision, t.cost_nano_usd, t.spark, t.spark_per_usd, t.rules_version,
              t.reservation_id, t.micro_spark, toUInt16(t.budget_day) AS budget_day, t.day_spent_nano_usd,
              t.day_limit_nano_usd, t.day_spent_before_nano_usd
       FROM cost_decisions AS t WHERE ${BELOW} ORDER BY t.node_id, t.cost_seq, t.src_seq`,
      blocks,
    )
  }

  settlements(blocks: BlocksBelow): AsyncGenerator<TextRow> {
    return this.#tables.pages(
      `SELECT t.node_id, ${uuid('settlement_id')}, t.operator_id, t.from_seq, t.to_seq, t.costs, t.cost_nano_usd,
              t.spark, ${ms('settled_at')}, t.reason, t.micro_spark, t.paid_micro_spark
       FROM settlements AS t WHERE ${BELOW} ORDER BY t.node_id, t.to_seq, t.src_seq, t.settlement_id`,
      blocks,
    )
  }

  ledger(blocks: BlocksBelow): AsyncGenerator<TextRow> {
    return this.#tables.pages(
      `SELECT t.wallet_id, ${uuid('entry_id')}, t.counter_wallet_id, t.node_id, t.kind, ${uuid('reference_id')},
              t.micro_spark, t.amount_micro_spark, ${ms('booked_at')}, t.detail
       FROM wallet_ledger AS t WHERE ${BELOW} ORDER BY t.wallet_id, t.booked_at, t.src_seq, t.entry_id`,
      blocks,
    )
  }

  audit(blocks: BlocksBelow): AsyncGenerator<TextRow> {
    return this.#tables.pages(
      `SELECT t.node_id, ${uuid('command_id')}, t.caller, t.kind, t.status, t.code, t.asked, t.changes, t.result,
              ${ms('decided_at')}
       FROM audit_log AS t WHERE ${BELOW} ORDER BY t.node_id, t.decided_at, t.src_seq, t.command_id`,
      blocks,
    )
  }

  noted(blocks: BlocksBelow): AsyncGenerator<TextRow> {
    return this.#tables.pages(
      `SELECT ${ms('noted_at')}, ${uuid('entry_id')}, t.kind, t.subject, t.node_id, t.address, t.value_before,
              t.value_after, t.times, t.reason
       FROM audit AS t WHERE ${BELOW} ORDER BY t.noted_at, t.src_seq, t.entry_id`,
      blocks,
    )
  }
}
