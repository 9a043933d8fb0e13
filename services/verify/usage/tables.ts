import { BELOW, OF_BLOCKS, ms, uuid } from '../tables.ts'
import type { Blocks, BlocksBelow, Tables, TextRow } from '../tables.ts'
import { identityName, identityOfRow } from './identity.ts'
import type { VersionSpan } from './model-tables.ts'
import { SUM_COLUMNS, columnOfSum } from './sums.ts'
import type { WindowTable } from './sums.ts'

/** A window as ClickHouse has it; `last_seq` is the newest block in it. */
export interface FoundWindow extends TextRow {
  readonly node_id: string
  readonly start_ms: string
  readonly model_id: string
  readonly task_source: string
  readonly last_seq: string
}

/** Reads the tables of usage, and writes nothing. */
export class UsageTables {
  readonly #tables: Tables

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** Raw events of records in `[from, to)` that occurred at `oldestMs` or later. */
  async events(blocks: BlocksBelow, from: bigint, to: bigint, oldestMs: number): Promise<TextRow[]> {
    return await this.#tables.rows(
      `SELECT t.node_id, ${uuid('event_id')}, t.id_kind, t.event_text, t.operator_id, t.model_id, t.task_source,
              ${ms('occurred_at')}, ${ms('received_at')}, t.record_offset, t.record_index, t.tokens_in, t.tokens_out,
              t.wide_tokens_in, t.wide_tokens_out, t.wide_gpu_ms, t.gpus, t.inferences, t.tokens_cached, t.tokens_reasoning,
              t.execution, arraySort(arrayMap((name, value) -> concat(name, '=', value), mapKeys(t.labels), mapValues(t.labels))) AS labels,
              t.duration_ms, t.gpu_ms, t.gpu_ms_estimated, t.energy_mwh, t.energy_source, t.energy_mwh_estimated,
              t.energy_mwh_compatible, t.cost_nano_usd, t.goal_id, t.requester_node_id, t.reservation_id, t.late,
              t.models_version
       FROM usage_events AS t
       WHERE ${BELOW} AND t.record_offset >= {from:UInt64} AND t.record_offset < {to:UInt64}
         AND t.occurred_at >= fromUnixTimestamp64Milli({oldestMs:Int64})`,
      { ...blocks, from, to, oldestMs },
    )
  }

  /** Which version of the table of models the rows of records from `from` on name, and at which offsets. */
  async modelVersions(blocks: BlocksBelow, from: bigint): Promise<VersionSpan[]> {
    const rows = await this.#tables.rows<{ version: number; first: string; last: string }>(
      `SELECT t.models_version AS version, min(t.record_offset) AS first, max(t.record_offset) AS last
       FROM usage_events AS t WHERE ${BELOW} AND t.record_offset >= {from:UInt64} GROUP BY t.models_version`,
      { ...blocks, from },
    )
    return rows.map(({ version, first, last }) => ({ version, first: BigInt(first), last: BigInt(last) }))
  }

  /** Those of these event ids that were counted from records before `before`, as `identityName`. */
  async countedBefore(
    blocks: BlocksBelow,
    before: bigint,
    eventIds: readonly string[],
  ): Promise<Set<string>> {
    const rows = await this.#tables.rows<IdRow>(
      `SELECT t.node_id, ${uuid('event_id')}, t.id_kind FROM usage_events AS t
       WHERE ${BELOW} AND t.record_offset < {before:UInt64} AND t.event_id IN {eventIds:Array(UUID)}`,
      { ...blocks, before, eventIds },
    )
    return namesOf(rows)
  }

  /** Those of these event ids that have rows of blocks of these topics, as `identityName`. */
  async countedIn(topics: readonly string[], eventIds: readonly string[]): Promise<Set<string>> {
    const rows = await this.#tables.rows<IdRow>(
      `SELECT t.node_id, ${uuid('event_id')}, t.id_kind FROM usage_events AS t
       WHERE t.src_topic IN {topics:Array(String)} AND t.event_id IN {eventIds:Array(UUID)}`,
      { topics, eventIds },
    )
    return namesOf(rows)
  }

  /** Events that were set aside for their nodes, from records in `[from, to)`. */
  async setAside(blocks: BlocksBelow, from: bigint, to: bigint): Promise<TextRow[]> {
    return await this.#tables.rows(
      `SELECT t.record_offset, t.record_index, t.node_id, t.event_id, t.reason,
              ${ms('received_at')}, t.event
       FROM set_aside AS t
       WHERE ${BELOW} AND t.record_offset >= {from:UInt64} AND t.record_offset < {to:UInt64}`,
      { ...blocks, from, to },
    )
  }

  /** First and last window of a table; null where it has none from `fromMs` on. */
  async windowBounds(
    table: WindowTable,
    blocks: Blocks,
    fromMs: number,
  ): Promise<{ firstMs: number; lastMs: number } | null> {
    const [row] = await this.#tables.rows<{ first: number; last: number; rows: string }>(
      `SELECT toUnixTimestamp(min(t.window_start)) AS first, toUnixTimestamp(max(t.window_start)) AS last, count() AS rows
       FROM ${table.name} AS t WHERE ${OF_BLOCKS} AND t.window_start >= fromUnixTimestamp({fromS:Int64})`,
      { ...blocks, fromS: seconds(fromMs) },
    )
    if (row === undefined || Number(row.rows) === 0) return null
    return { firstMs: row.first * 1_000, lastMs: row.last * 1_000 }
  }

  /** Windows that start in `[fromMs, toMs)`, merged. */
  async windows(table: WindowTable, blocks: Blocks, fromMs: number, toMs: number): Promise<FoundWindow[]> {
    const sums = SUM_COLUMNS.map((sum) => `sum(toInt128(t.${columnOfSum(sum)})) AS ${sum}`).join(', ')
    return await this.#tables.rows(
      `SELECT t.node_id AS node_id, toUnixTimestamp(t.window_start) * 1000 AS start_ms, t.model_id AS model_id,
              t.task_source AS task_source, max(t.src_seq) AS last_seq,
              toUnixTimestamp64Milli(max(t.late_at)) AS late_at, ${sums}
       FROM ${table.name} AS t
       WHERE ${OF_BLOCKS} AND t.window_start >= fromUnixTimestamp({fromS:Int64})
         AND t.window_start < fromUnixTimestamp({toS:Int64})
       GROUP BY t.node_id, t.window_start, t.model_id, t.task_source`,
      { ...blocks, fromS: seconds(fromMs), toS: seconds(toMs) },
    )
  }
}

interface IdRow {
  readonly node_id: string
  readonly event_id: string
  readonly id_kind: string
}

function namesOf(rows: readonly IdRow[]): Set<string> {
  return new Set(rows.map((row) => identityName(row.node_id, identityOfRow(row.event_id, row.id_kind))))
}

function seconds(atMs: number): number {
  return Math.floor(atMs / 1_000)
}
