import type { ClickhouseClient, QueryParams } from '../client.ts'
import { cutExpression, SUMMED, windowOf } from './usage-windows.ts'
import type { SumsRow, TimeRange, UsageGroup, UsageWindow, WindowCut } from './usage-windows.ts'
import type { BlockSource, Loaded } from './watermarks.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

/** The labels with which an event must have been sent to count. */
export type LabelFilter = Readonly<Record<string, string>>

export interface LabelledQuery {
  readonly nodeId: string
  readonly source: BlockSource
  /** Later blocks may be present in part; null where nothing is loaded yet. */
  readonly loaded: Loaded | null
  readonly range: TimeRange
  /** Null for one window over the whole range. */
  readonly cut: WindowCut | null
  readonly groupBy: readonly UsageGroup[]
  /** The label whose values define the groups. */
  readonly groupLabel: string | null
  readonly labels: LabelFilter
  readonly rowsMax: number
}

/** A window of the events with one value of the label; '' for events without the label. */
export interface LabelledWindow extends UsageWindow {
  readonly label: string
}

/** How a sum of the window tables is computed from events. The estimate for paid calls is kept in windows only. */
const OF_EVENTS: Readonly<Record<(typeof SUMMED)[number], string>> = {
  events: 'count()',
  late_events: 'countIf(late = 1)',
  tokens_in: 'sum(toInt128(wide_tokens_in))',
  tokens_out: 'sum(toInt128(wide_tokens_out))',
  gpu_ms_measured: 'sum(toInt128(ifNull(wide_gpu_ms, 0)))',
  gpu_ms_estimated: 'sum(toInt128(gpu_ms_estimated))',
  energy_mwh_measured: `sum(toInt128(if(energy_source IN ('meter', 'device'), ifNull(energy_mwh, 0), 0)))`,
  energy_mwh_estimated: 'sum(toInt128(energy_mwh_estimated))',
  energy_mwh_compatible: 'sum(toInt128(energy_mwh_compatible))',
  inferences: 'sum(toInt128(inferences))',
  gpu_ms_paid_estimated: '0',
  cost_nano_usd: 'sum(toInt128(cost_nano_usd))',
}
const SUMS = [
  ...SUMMED.map((sum) => `${OF_EVENTS[sum]} AS sum_${sum}`),
  'toUnixTimestamp64Milli(maxIf(received_at, late = 1)) AS late_ms',
].join(', ')

/** Windows of a node's single events, which alone have labels. Sorted by start, groups and the label's value. */
export async function labelledUsage(
  client: ClickhouseClient,
  query: LabelledQuery,
): Promise<LabelledWindow[]> {
  const start = query.cut === null ? null : cutExpression(query.cut, 'occurred_at')
  const keys = [
    ...(start === null ? [] : ['start_s']),
    ...query.groupBy,
    ...(query.groupLabel === null ? [] : ['label']),
  ]
  const columns = [
    ...(start === null ? [] : [`${start.sql} AS start_s`]),
    ...query.groupBy,
    ...(query.groupLabel === null ? [] : ['labels[{group_label:String}] AS label']),
    SUMS,
  ]
  const filter = labelCondition(query.labels)
  const rows = await client.rows<SumsRow & { readonly start_s?: number | string; readonly label?: string }>(
    `SELECT ${columns.join(', ')}
     FROM usage_events
     WHERE node_id = {node_id:String}
       AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64})
       AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64})
       AND NOT (src_topic = {topic:String} AND src_seq > {loaded:UInt64}) ${filter.sql}
     ${keys.length === 0 ? 'HAVING count() > 0' : `GROUP BY ${keys.join(', ')} ORDER BY ${keys.join(', ')}`}
     LIMIT {limit:UInt32}`,
    {
      ...filter.params,
      ...start?.params,
      ...(query.groupLabel !== null && { group_label: query.groupLabel }),
      node_id: query.nodeId,
      from_ms: query.range.fromMs,
      to_ms: query.range.toMs,
      topic: query.source.topic,
      loaded: query.loaded?.seq ?? 0,
      limit: query.rowsMax + 1,
    },
  )
  return rows.map((row) => {
    const startMs = row.start_s === undefined ? query.range.fromMs : Number(row.start_s) * SECOND_MS
    return Object.assign(windowOf(row, startMs), { label: row.label ?? '' })
  })
}

/** The condition of a filter, to be joined to other conditions; '' for none. */
export function labelCondition(labels: LabelFilter): { readonly sql: string; readonly params: QueryParams } {
  const entries = Object.entries(labels)
  return {
    sql: entries.map((_, at) => `AND labels[{label_name${at}:String}] = {label_value${at}:String}`).join(' '),
    params: Object.fromEntries(
      entries.flatMap(([name, value], at) => [
        [`label_name${at}`, name],
        [`label_value${at}`, value],
      ]),
    ),
  }
}
