import { sumColumn } from '../../../schemas/tables.ts'
import { QUARTER_HOUR_WINDOW_MS } from '../../../schemas/usage.ts'
import type { TaskSource } from '../../../schemas/usage.ts'
import { mapInTurns, othersTurn } from '../../in-turns.ts'
import type { ClickhouseClient, QueryParams } from '../client.ts'
import type { BlockSource } from './watermarks.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

/** Rows that are read before other work gets a turn. */
const ROWS_PER_TURN = 1_000

/** The sums of one window. */
export interface UsageSums {
  readonly events: bigint
  readonly lateEvents: bigint
  readonly tokensIn: bigint
  readonly tokensOut: bigint
  readonly gpuMsMeasured: bigint
  readonly gpuMsEstimated: bigint
  readonly energyMwhMeasured: bigint
  readonly energyMwhEstimated: bigint
  readonly energyMwhCompatible: bigint
  /** The number of calls that the events represent. */
  readonly inferences: bigint
  /** The part of the estimate for paid calls. */
  readonly gpuMsPaidEstimated: bigint
  readonly costNanoUsd: bigint
}

export type UsageGroup = 'model_id' | 'task_source'

/** Sums of one window and group; the group's fields are null where the query does not group by them. */
export interface UsageWindow {
  readonly startMs: number
  readonly modelId: string | null
  readonly taskSource: TaskSource | null
  readonly sums: UsageSums
  /** Receipt of the newest event that came late; null where none did. */
  readonly lateAtMs: number | null
}

/** Half-open, on borders of the windows that are read. */
export interface TimeRange {
  readonly fromMs: number
  readonly toMs: number
}

interface UsageQuery {
  readonly nodeId: string
  /** The node's partition of usage.blocks, which comes first in the sort key. */
  readonly source: BlockSource
  /** The node's partitions in versions of the topics that ended: windows there count too. */
  readonly older?: readonly BlockSource[]
  readonly groupBy: readonly UsageGroup[]
  /** One more row is read where there are more, so that the caller notices it. */
  readonly rowsMax: number
  /** Called where many rows are read, so that other work gets its turns. */
  readonly pause?: () => Promise<void>
}

/**
 * How stored windows become the requested ones: windows of one length since the epoch, or windows that begin at these
 * times.
 */
export type WindowCut = { readonly lengthMs: number } | { readonly startsMs: readonly number[] }

export interface WindowsQuery extends UsageQuery {
  readonly table: 'usage_1m' | 'usage_15m'
  readonly range: TimeRange
  readonly cut: WindowCut
}

/** Windows that contain anything, sorted by start, model and source. */
export async function usageWindows(client: ClickhouseClient, query: WindowsQuery): Promise<UsageWindow[]> {
  const start = cutExpression(query.cut)
  const rows = await client.rows<SumsRow & { start_s: number | string }>(
    `SELECT ${start.sql} AS start_s, ${groupColumns(query.groupBy)} ${SUMS}
     FROM ${query.table}
     WHERE ${ofNode(query)} AND ${within('from_s', 'to_s')}
     GROUP BY ${['start_s', ...query.groupBy].join(', ')}
     ORDER BY ${['start_s', ...query.groupBy].join(', ')}
     LIMIT {limit:UInt32}`,
    { ...nodeParams(query), ...rangeParams('', query.range), ...start.params },
  )
  return await mapInTurns(rows, { itemsPerTurn: ROWS_PER_TURN, pause: query.pause ?? othersTurn }, (row) =>
    windowOf(row, Number(row.start_s) * SECOND_MS),
  )
}

export interface TotalQuery extends UsageQuery {
  /** On whole minutes, or on whole quarter hours where minutes are no longer kept. */
  readonly range: TimeRange
  /** Only work for others. */
  readonly sharedOnly?: boolean
}

/** One sum for each group over the whole range: quarter hours, and minutes where the range begins or ends between them. */
export async function usageTotal(client: ClickhouseClient, query: TotalQuery): Promise<UsageWindow[]> {
  const { head, quarters, tail } = splitRange(query.range)
  const shared = query.sharedOnly === true ? `AND task_source IN ('hive', 'idle')` : ''
  const select = (table: string, times: string): string =>
    `SELECT model_id, task_source, ${SUMMED.map(sumColumn).join(', ')}, late_at FROM ${table} WHERE ${ofNode(query)} AND (${times}) ${shared}`
  const groups = query.groupBy.join(', ')
  const rows = await client.rows<SumsRow>(
    `SELECT ${groupColumns(query.groupBy)} ${SUMS}
     FROM (
       ${select('usage_15m', within('from_s', 'to_s'))}
       UNION ALL
       ${select('usage_1m', `${within('head_from_s', 'head_to_s')} OR ${within('tail_from_s', 'tail_to_s')}`)}
     )
     ${groups === '' ? 'HAVING count() > 0' : `GROUP BY ${groups} ORDER BY ${groups}`}
     LIMIT {limit:UInt32}`,
    {
      ...nodeParams(query),
      ...rangeParams('', quarters),
      ...rangeParams('head_', head),
      ...rangeParams('tail_', tail),
    },
  )
  return rows.map((row) => windowOf(row, query.range.fromMs))
}

/** Splits a range into whole quarter hours and the parts before and after them; each may be empty. */
export function splitRange(range: TimeRange): Record<'head' | 'quarters' | 'tail', TimeRange> {
  const { fromMs, toMs } = range
  const firstMs = Math.ceil(fromMs / QUARTER_HOUR_WINDOW_MS) * QUARTER_HOUR_WINDOW_MS
  const lastMs = Math.floor(toMs / QUARTER_HOUR_WINDOW_MS) * QUARTER_HOUR_WINDOW_MS
  const none = { fromMs: toMs, toMs }
  if (firstMs >= lastMs) return { head: range, quarters: none, tail: none }
  return {
    head: { fromMs, toMs: firstMs },
    quarters: { fromMs: firstMs, toMs: lastMs },
    tail: { fromMs: lastMs, toMs },
  }
}

export const SUMMED = [
  'events',
  'late_events',
  'tokens_in',
  'tokens_out',
  'gpu_ms_measured',
  'gpu_ms_estimated',
  'energy_mwh_measured',
  'energy_mwh_estimated',
  'energy_mwh_compatible',
  'inferences',
  'gpu_ms_paid_estimated',
  'cost_nano_usd',
] as const

export type SumsRow = Record<`sum_${(typeof SUMMED)[number]}`, string> & {
  /** 0 for never. */
  readonly late_ms: string
  readonly model_id?: string
  readonly task_source?: TaskSource
}

// Rows of one window are in several parts until these are merged: only their sum counts, never a single row. Years of
// windows exceed 64 bits, and ClickHouse would silently wrap around to 0.
const SUMS = [
  ...SUMMED.map((sum) => `sum(toInt128(${sumColumn(sum)})) AS sum_${sum}`),
  'toUnixTimestamp64Milli(max(late_at)) AS late_ms',
].join(', ')

/** Topic and partition come first in the sort key, so each of these is a range of it. */
function ofNode({ older = [] }: UsageQuery): string {
  const places = ['', ...older.keys()].map(
    (at) => `(src_topic = {topic${at}:String} AND src_partition = {partition${at}:UInt16})`,
  )
  return `(${places.join(' OR ')}) AND node_id = {node_id:String}`
}

function within(from: string, to: string): string {
  return `(window_start >= toDateTime({${from}:UInt32}, 'UTC') AND window_start < toDateTime({${to}:UInt32}, 'UTC'))`
}

function groupColumns(groupBy: readonly UsageGroup[]): string {
  return groupBy.map((column) => `${column},`).join(' ')
}

function nodeParams(query: UsageQuery): QueryParams {
  const { topic, partition } = query.source
  const older = (query.older ?? []).flatMap((source, at) => [
    [`topic${at}`, source.topic],
    [`partition${at}`, source.partition],
  ])
  return { ...Object.fromEntries(older), topic, partition, node_id: query.nodeId, limit: query.rowsMax + 1 }
}

function rangeParams(prefix: string, range: TimeRange): QueryParams {
  return { [`${prefix}from_s`]: range.fromMs / SECOND_MS, [`${prefix}to_s`]: range.toMs / SECOND_MS }
}

/** The start, in seconds, of the requested window to which a time belongs. */
export function cutExpression(
  cut: WindowCut,
  time = 'window_start',
): { readonly sql: string; readonly params: QueryParams } {
  if ('lengthMs' in cut) {
    return {
      sql: `intDiv(toUnixTimestamp(${time}), {length_s:UInt32}) * {length_s:UInt32}`,
      params: { length_s: cut.lengthMs / SECOND_MS },
    }
  }
  return {
    sql: `roundDown(toUnixTimestamp(${time}), {starts_s:Array(UInt32)})`,
    params: { starts_s: cut.startsMs.map((startMs) => startMs / SECOND_MS) },
  }
}

/** A row as a window that begins at a time. */
export function windowOf(row: SumsRow, startMs: number): UsageWindow {
  return {
    startMs,
    modelId: row.model_id ?? null,
    taskSource: row.task_source ?? null,
    lateAtMs: row.late_ms === '0' ? null : Number(row.late_ms),
    sums: {
      events: BigInt(row.sum_events),
      lateEvents: BigInt(row.sum_late_events),
      tokensIn: BigInt(row.sum_tokens_in),
      tokensOut: BigInt(row.sum_tokens_out),
      gpuMsMeasured: BigInt(row.sum_gpu_ms_measured),
      gpuMsEstimated: BigInt(row.sum_gpu_ms_estimated),
      energyMwhMeasured: BigInt(row.sum_energy_mwh_measured),
      energyMwhEstimated: BigInt(row.sum_energy_mwh_estimated),
      energyMwhCompatible: BigInt(row.sum_energy_mwh_compatible),
      inferences: BigInt(row.sum_inferences),
      gpuMsPaidEstimated: BigInt(row.sum_gpu_ms_paid_estimated),
      costNanoUsd: BigInt(row.sum_cost_nano_usd),
    },
  }
}
