import type { EnergySource, TaskSource } from '../../../../schemas/usage.ts'
import { bigintCell, nullableCell, numberCell, queryRows, textCell } from './clickhouse.ts'
import type { ClickhouseTarget, TextRow } from './clickhouse.ts'
import type { TablesSource } from './check-tables.ts'
import type { AuditRow } from './commands.ts'
import type { DecisionRow } from './decisions.ts'
import type { LedgerRow } from './ledger.ts'
import type { RawRow } from './raw-rows.ts'
import type { SettlementRow } from './settlements.ts'
import { storedSum, WINDOW_COLUMNS } from './windows.ts'
import { EXECUTIONS, idName } from '../work.ts'
import type { WindowRow, WindowTable } from './windows.ts'

/** The rows that are read: those of one installation's topics. */
export interface TablesTarget extends ClickhouseTarget {
  readonly usageBlocks: string
  readonly settlementBlocks: string
}

/** The number of pieces in which a partition's raw rows are read: an answer stays small enough for any server. */
const RAW_PIECES = 4

const ms = (column: string): string => `toUnixTimestamp64Milli(${column}) AS ${column}_ms`
const hexId = (column: string): string => `replaceAll(toString(${column}), '-', '') AS ${column}_hex`

/** Reads the tables, and writes nothing. */
export class Tables implements TablesSource {
  readonly #target: TablesTarget

  constructor(target: TablesTarget) {
    this.#target = target
  }

  async beyond(table: string, partitions: number): Promise<number> {
    const topics = `${quoted(this.#target.usageBlocks)}, ${quoted(this.#target.settlementBlocks)}`
    const sql = `SELECT count() AS rows FROM ${table} WHERE src_topic IN (${topics}) AND src_partition >= ${partitions}`
    for await (const row of queryRows(this.#target, sql)) return numberCell(row, 'rows')
    return 0
  }

  async *rawRows(partition: number): AsyncGenerator<RawRow> {
    for (let piece = 0; piece < RAW_PIECES; piece++) {
      const rows = queryRows(
        this.#target,
        `SELECT node_id, ${hexId('event_id')}, id_kind, operator_id, model_id, task_source, ${ms('occurred_at')},
                ${ms('received_at')}, wide_tokens_in, wide_tokens_out, duration_ms, wide_gpu_ms, gpu_ms_estimated, energy_mwh,
                energy_source, energy_mwh_estimated, energy_mwh_compatible, cost_nano_usd, inferences, execution, late, models_version
         FROM usage_events
         WHERE ${this.#ofUsage(partition)} AND cityHash64(node_id) % ${RAW_PIECES} = ${piece}`,
      )
      for await (const row of rows) yield rawRow(row, partition)
    }
  }

  async *windows({ name }: WindowTable, partition: number): AsyncGenerator<WindowRow> {
    const sums = WINDOW_COLUMNS.map(
      (column) => `toString(sum(toInt128(${storedSum(column)}))) AS sum_${column}`,
    ).join(', ')
    const rows = queryRows(
      this.#target,
      `SELECT node_id, toUnixTimestamp(window_start) AS start_s, model_id, task_source, ${sums}
       FROM ${name} WHERE ${this.#ofUsage(partition)}
       GROUP BY node_id, window_start, model_id, task_source`,
    )
    for await (const row of rows) {
      yield {
        nodeId: textCell(row, 'node_id'),
        startMs: numberCell(row, 'start_s') * 1_000,
        modelId: textCell(row, 'model_id'),
        taskSource: textCell(row, 'task_source'),
        sums: WINDOW_COLUMNS.map((column) => bigintCell(row, `sum_${column}`)),
      }
    }
  }

  async *decisions(): AsyncGenerator<DecisionRow> {
    const rows = queryRows(
      this.#target,
      `SELECT node_id, cost_seq, ${hexId('event_id')}, id_kind, operator_id, task_source, ${ms('occurred_at')},
              ${ms('decided_at')}, decision, cost_nano_usd, spark, spark_per_usd, rules_version, reservation_id,
              micro_spark, toUInt16(budget_day) AS day, day_spent_before_nano_usd, day_limit_nano_usd
       FROM cost_decisions WHERE ${this.#ofMoney} ORDER BY node_id, cost_seq, src_seq`,
    )
    for await (const row of rows) {
      yield {
        nodeId: textCell(row, 'node_id'),
        costSeq: numberCell(row, 'cost_seq'),
        id: idName(textCell(row, 'id_kind'), textCell(row, 'event_id_hex')),
        operatorId: textCell(row, 'operator_id'),
        taskSource: textCell(row, 'task_source'),
        occurredAtMs: numberCell(row, 'occurred_at_ms'),
        decidedAtMs: numberCell(row, 'decided_at_ms'),
        decision: textCell(row, 'decision'),
        costNanoUsd: bigintCell(row, 'cost_nano_usd'),
        spark: bigintCell(row, 'spark'),
        sparkPerUsd: bigintCell(row, 'spark_per_usd'),
        rulesVersion: numberCell(row, 'rules_version'),
        reservationId: textCell(row, 'reservation_id'),
        microSpark: bigintCell(row, 'micro_spark'),
        day: numberCell(row, 'day'),
        daySpent: bigintCell(row, 'day_spent_before_nano_usd'),
        dayLimit: bigintCell(row, 'day_limit_nano_usd'),
      }
    }
  }

  async *settlements(): AsyncGenerator<SettlementRow> {
    const rows = queryRows(
      this.#target,
      `SELECT node_id, ${hexId('settlement_id')}, operator_id, from_seq, to_seq, costs,
              toString(cost_nano_usd) AS paid_nano_usd, spark, paid_micro_spark, ${ms('settled_at')},
              reason
       FROM settlements WHERE ${this.#ofMoney} ORDER BY node_id, to_seq, from_seq, src_seq`,
    )
    for await (const row of rows) {
      yield {
        nodeId: textCell(row, 'node_id'),
        id: textCell(row, 'settlement_id_hex'),
        operatorId: textCell(row, 'operator_id'),
        fromSeq: numberCell(row, 'from_seq'),
        toSeq: numberCell(row, 'to_seq'),
        costs: numberCell(row, 'costs'),
        costNanoUsd: bigintCell(row, 'paid_nano_usd'),
        spark: bigintCell(row, 'spark'),
        microSpark: bigintCell(row, 'paid_micro_spark'),
        settledAtMs: numberCell(row, 'settled_at_ms'),
        reason: textCell(row, 'reason'),
      }
    }
  }

  async *ledger(): AsyncGenerator<LedgerRow> {
    const rows = queryRows(
      this.#target,
      `SELECT wallet_id, ${hexId('entry_id')}, counter_wallet_id, node_id, kind, ${hexId('reference_id')}, amount_micro_spark,
              ${ms('booked_at')}
       FROM wallet_ledger WHERE ${this.#ofMoney}`,
    )
    for await (const row of rows) {
      yield {
        walletId: textCell(row, 'wallet_id'),
        entryId: textCell(row, 'entry_id_hex'),
        counterWalletId: textCell(row, 'counter_wallet_id'),
        nodeId: textCell(row, 'node_id'),
        kind: textCell(row, 'kind'),
        referenceId: textCell(row, 'reference_id_hex'),
        microSpark: bigintCell(row, 'amount_micro_spark'),
        bookedAtMs: numberCell(row, 'booked_at_ms'),
      }
    }
  }

  async *audit(): AsyncGenerator<AuditRow> {
    const sql = `SELECT node_id, ${hexId('command_id')}, kind, status FROM audit_log WHERE ${this.#ofMoney}`
    for await (const row of queryRows(this.#target, sql)) {
      yield {
        nodeId: textCell(row, 'node_id'),
        id: textCell(row, 'command_id_hex'),
        kind: textCell(row, 'kind'),
        status: numberCell(row, 'status'),
      }
    }
  }

  #ofUsage(partition: number): string {
    return `src_topic = ${quoted(this.#target.usageBlocks)} AND src_partition = ${partition}`
  }

  get #ofMoney(): string {
    return `src_topic = ${quoted(this.#target.settlementBlocks)}`
  }
}

function rawRow(row: TextRow, partition: number): RawRow {
  return {
    partition,
    nodeId: textCell(row, 'node_id'),
    id: idName(textCell(row, 'id_kind'), textCell(row, 'event_id_hex')),
    work: {
      operatorId: textCell(row, 'operator_id') || null,
      modelId: textCell(row, 'model_id'),
      taskSource: textCell(row, 'task_source') as TaskSource,
      occurredAtMs: numberCell(row, 'occurred_at_ms'),
      tokensIn: numberCell(row, 'wide_tokens_in'),
      tokensOut: numberCell(row, 'wide_tokens_out'),
      durationMs: nullableCell(row, 'duration_ms'),
      gpuMs: nullableCell(row, 'wide_gpu_ms'),
      energyMwh: nullableCell(row, 'energy_mwh'),
      energySource: textCell(row, 'energy_source') as EnergySource,
      costNanoUsd: numberCell(row, 'cost_nano_usd'),
      inferences: numberCell(row, 'inferences'),
      execution: EXECUTIONS.find((one) => one === textCell(row, 'execution')) ?? null,
    },
    receivedAtMs: numberCell(row, 'received_at_ms'),
    late: numberCell(row, 'late') === 1,
    modelsVersion: numberCell(row, 'models_version'),
    gpuMsEstimated: numberCell(row, 'gpu_ms_estimated'),
    energyMwhEstimated: numberCell(row, 'energy_mwh_estimated'),
    energyMwhCompatible: numberCell(row, 'energy_mwh_compatible'),
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`
}
