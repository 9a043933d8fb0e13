import type { ClickhouseClient, QueryParams } from '../../pipelines/clickhouse/client.ts'
import { ROW_TABLES } from '../../schemas/tables.ts'
import type { VersionSpan } from './model-tables.ts'
import { identityName, identityOfRow } from './usage-identity.ts'
import { SUM_COLUMNS, columnOfSum } from './usage-sums.ts'
import type { WindowTable } from './usage-sums.ts'

/** Rows that one query brings; more come page by page. */
const PAGE_ROWS = 50_000

/** Whose rows: the blocks of one partition of a topic. */
export interface Blocks {
  readonly topic: string
  readonly partition: number
}

/** Blocks below a number. */
export interface BlocksBelow extends Blocks {
  readonly seqBelow: number
}

const OF_BLOCKS = 't.src_topic = {topic:String} AND t.src_partition = {partition:UInt16}'
const BELOW = `${OF_BLOCKS} AND t.src_seq < {seqBelow:UInt64}`

/** A time column as epoch milliseconds under its own name. */
const ms = (column: string): string => `toUnixTimestamp64Milli(t.${column}) AS ${column}`
const uuid = (column: string): string => `toString(t.${column}) AS ${column}`

export type TextRow = Record<string, string | number | null | (string | number)[]>

/** A window as ClickHouse has it; `last_seq` is the newest block in it. */
export interface FoundWindow extends TextRow {
  readonly node_id: string
  readonly start_ms: string
  readonly model_id: string
  readonly task_source: string
  readonly last_seq: string
}

/** Reads ClickHouse for the comparison, and writes nothing. */
export class Tables {
  readonly #client: ClickhouseClient

  constructor(client: ClickhouseClient) {
    this.#client = client
  }

  /** How far the loader has come; the rows up to there are there to be read, also on a replica. */
  async loaded(blocks: Blocks): Promise<{ lastSeq: number; watermarkMs: number }> {
    const [row] = await this.#rows<{ last_seq: string; watermark_ms: string }>(
      `SELECT max(t.src_seq) AS last_seq, toUnixTimestamp64Milli(max(t.watermark)) AS watermark_ms
       FROM watermarks AS t WHERE ${OF_BLOCKS}`,
      { ...blocks },
    )
    await this.#client.sync(ROW_TABLES)
    return { lastSeq: Number(row?.last_seq ?? 0), watermarkMs: Number(row?.watermark_ms ?? 0) }
  }

  /** Raw events of records in `[from, to)` that occurred at `oldestMs` or later. */
  async events(blocks: BlocksBelow, from: bigint, to: bigint, oldestMs: number): Promise<TextRow[]> {
    return await this.#rows(
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
    const rows = await this.#rows<{ version: number; first: string; last: string }>(
      `SELECT t.models_version AS version, min(t.record_offset) AS first, max(t.record_offset) AS last
       FROM usage_events AS t WHERE ${BELOW} AND t.record_offset >= {from:UInt64} GROUP BY t.models_version`,
      { ...blocks, from },
    )
    return rows.map(({ version, first, last }) => ({ version, first: BigInt(first), last: BigInt(last) }))
  }

  /** Of these event ids, the ones that were counted from records before `before`, as `identityName`. */
  async countedBefore(
    blocks: BlocksBelow,
    before: bigint,
    eventIds: readonly string[],
  ): Promise<Set<string>> {
    const rows = await this.#rows<IdRow>(
      `SELECT t.node_id, ${uuid('event_id')}, t.id_kind FROM usage_events AS t
       WHERE ${BELOW} AND t.record_offset < {before:UInt64} AND t.event_id IN {eventIds:Array(UUID)}`,
      { ...blocks, before, eventIds },
    )
    return namesOf(rows)
  }

  /** Of these event ids, the ones that have rows of blocks of these topics, as `identityName`. */
  async countedIn(topics: readonly string[], eventIds: readonly string[]): Promise<Set<string>> {
    const rows = await this.#rows<IdRow>(
      `SELECT t.node_id, ${uuid('event_id')}, t.id_kind FROM usage_events AS t
       WHERE t.src_topic IN {topics:Array(String)} AND t.event_id IN {eventIds:Array(UUID)}`,
      { topics, eventIds },
    )
    return namesOf(rows)
  }

  async deadLetters(blocks: BlocksBelow, source: string, from: bigint, to: bigint): Promise<TextRow[]> {
    return await this.#rows(
      `SELECT t.record_offset, ${ms('received_at')}, hex(t.key) AS key, hex(t.value) AS value, t.header_names,
              arrayMap(value -> hex(value), t.header_values) AS header_values, t.reasons, t.indexes
       FROM dead_letters AS t
       WHERE ${BELOW} AND t.topic = {source:String} AND t.record_offset >= {from:UInt64} AND t.record_offset < {to:UInt64}`,
      { ...blocks, source, from, to },
    )
  }

  /** Events that were set aside for their nodes, of records in `[from, to)`. */
  async setAside(blocks: BlocksBelow, from: bigint, to: bigint): Promise<TextRow[]> {
    return await this.#rows(
      `SELECT t.record_offset, t.record_index, t.node_id, t.event_id, t.reason,
              ${ms('received_at')}, t.event
       FROM set_aside AS t
       WHERE ${BELOW} AND t.record_offset >= {from:UInt64} AND t.record_offset < {to:UInt64}`,
      { ...blocks, from, to },
    )
  }

  /** Letters with this reason among others, of all offsets. */
  async lettersOf(blocks: BlocksBelow, source: string, reason: string): Promise<TextRow[]> {
    return await this.#rows(
      `SELECT t.record_offset, t.reasons, t.indexes FROM dead_letters AS t
       WHERE ${BELOW} AND t.topic = {source:String} AND has(t.reasons, {reason:String})`,
      { ...blocks, source, reason },
    )
  }

  /** First and last window of a table, or null where it has none from `fromMs` on. */
  async windowBounds(
    table: WindowTable,
    blocks: Blocks,
    fromMs: number,
  ): Promise<{ firstMs: number; lastMs: number } | null> {
    const [row] = await this.#rows<{ first: number; last: number; rows: string }>(
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
    return await this.#rows(
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

  decisions(blocks: BlocksBelow): AsyncGenerator<TextRow> {
    return this.#pages(
      `SELECT t.node_id, t.cost_seq, ${uuid('event_id')}, t.id_kind, t.operator_id, t.task_source, ${ms('occurred_at')},
              ${ms('decided_at')}, t.decision, t.cost_nano_usd, t.spark, t.spark_per_usd, t.rules_version,
              t.reservation_id, t.micro_spark, toUInt16(t.budget_day) AS budget_day, t.day_spent_nano_usd,
              t.day_limit_nano_usd, t.day_spent_before_nano_usd
       FROM cost_decisions AS t WHERE ${BELOW} ORDER BY t.node_id, t.cost_seq, t.src_seq`,
      blocks,
    )
  }

  settlements(blocks: BlocksBelow): AsyncGenerator<TextRow> {
    return this.#pages(
      `SELECT t.node_id, ${uuid('settlement_id')}, t.operator_id, t.from_seq, t.to_seq, t.costs, t.cost_nano_usd,
              t.spark, ${ms('settled_at')}, t.reason, t.micro_spark, t.paid_micro_spark
       FROM settlements AS t WHERE ${BELOW} ORDER BY t.node_id, t.to_seq, t.src_seq, t.settlement_id`,
      blocks,
    )
  }

  ledger(blocks: BlocksBelow): AsyncGenerator<TextRow> {
    return this.#pages(
      `SELECT t.wallet_id, ${uuid('entry_id')}, t.counter_wallet_id, t.node_id, t.kind, ${uuid('reference_id')},
              t.micro_spark, t.amount_micro_spark, ${ms('booked_at')}, t.detail
       FROM wallet_ledger AS t WHERE ${BELOW} ORDER BY t.wallet_id, t.booked_at, t.src_seq, t.entry_id`,
      blocks,
    )
  }

  audit(blocks: BlocksBelow): AsyncGenerator<TextRow> {
    return this.#pages(
      `SELECT t.node_id, ${uuid('command_id')}, t.caller, t.kind, t.status, t.code, t.asked, t.changes, t.result,
              ${ms('decided_at')}
       FROM audit_log AS t WHERE ${BELOW} ORDER BY t.node_id, t.decided_at, t.src_seq, t.command_id`,
      blocks,
    )
  }

  noted(blocks: BlocksBelow): AsyncGenerator<TextRow> {
    return this.#pages(
      `SELECT ${ms('noted_at')}, ${uuid('entry_id')}, t.kind, t.subject, t.node_id, t.address, t.value_before,
              t.value_after, t.times, t.reason
       FROM audit AS t WHERE ${BELOW} ORDER BY t.noted_at, t.src_seq, t.entry_id`,
      blocks,
    )
  }

  /** Rows below a block number never change, so pages by place fit together. */
  async *#pages(sql: string, params: BlocksBelow): AsyncGenerator<TextRow> {
    for (let offset = 0; ; offset += PAGE_ROWS) {
      const page = await this.#rows<TextRow>(`${sql} LIMIT ${PAGE_ROWS} OFFSET ${offset}`, { ...params })
      yield* page
      if (page.length < PAGE_ROWS) return
    }
  }

  async #rows<T>(sql: string, params: QueryParams): Promise<T[]> {
    return await this.#client.rows<T>(sql, params)
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
