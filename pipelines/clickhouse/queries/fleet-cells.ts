import { SECOND_MS } from '../../../schemas/units.ts'
import type { ClickhouseClient } from '../client.ts'
import type { TemperatureKind } from './fleet-minutes.ts'
import type { TimeSpan } from './fleet-status.ts'
import type { TimeRange } from './usage-windows.ts'
import type { BlockSource, Loaded } from './watermarks.ts'

/** What a worker did in five minutes: the sum of its rows, which are deltas. Sums are whole numbers as text. */
export interface FleetCellRow {
  readonly cell_s: number
  readonly commissioned: string
  readonly hashing: string
  readonly idle: string
  readonly resting: string
  readonly unreachable: string
  readonly unheard: string
  readonly unreadable: string
  readonly all_hashes: string
  readonly joules: string
  readonly joules_s: string
  readonly slots: string
  readonly sum_dc: string
  readonly min_dc: number | null
  readonly max_dc: number | null
  readonly accepted: string
  readonly refused: string
}

export interface FleetCellsQuery {
  readonly providerId: string
  readonly workerId: string
  readonly source: BlockSource
  readonly loaded: Loaded
  /** On edges of five minutes. */
  readonly range: TimeRange
  /** Only cells that begin within these; null: all. */
  readonly within: readonly TimeSpan[] | null
  readonly temperature: TemperatureKind
}

const SECONDS = [
  'commissioned',
  'hashing',
  'idle',
  'resting',
  'unreachable',
  'unheard',
  'unreadable',
] as const
const SOURCES = ['miner_psu', 'miner', 'miner_estimate', 'gpu_sum', 'nameplate'] as const

/** The cells of a worker that hold anything, the oldest first. */
export async function fleetCells(client: ClickhouseClient, query: FleetCellsQuery): Promise<FleetCellRow[]> {
  const { providerId, workerId, source, loaded, range, within, temperature } = query
  const sumOf = (columns: readonly string[]): string =>
    columns.map((column) => `sum(toInt128(${column}))`).join(' + ')
  const spans =
    within === null
      ? ''
      : 'AND arrayExists((f, t) -> f <= toUnixTimestamp(cell) AND toUnixTimestamp(cell) < t, {froms:Array(Int64)}, {tos:Array(Int64)})'
  return await client.rows<FleetCellRow>(
    `SELECT toUnixTimestamp(cell) AS cell_s,
            ${SECONDS.map((kind) => `toString(sum(toInt128(${kind}_s))) AS ${kind}`).join(', ')},
            toString(sum(toInt128(hashes))) AS all_hashes,
            toString(${sumOf(SOURCES.map((name) => `${name}_j`))}) AS joules,
            toString(${sumOf(SOURCES.map((name) => `${name}_s`))}) AS joules_s,
            toString(sum(toInt128(${temperature}_slots))) AS slots, toString(sum(toInt128(${temperature}_sum_dc))) AS sum_dc,
            min(${temperature}_min_dc) AS min_dc, max(${temperature}_max_dc) AS max_dc,
            toString(sum(toInt128(shares_accepted))) AS accepted,
            toString(sum(toInt128(shares_rejected)) + sum(toInt128(shares_stale))) AS refused
     FROM fleet_5m
     WHERE provider_id = {provider:String} AND worker_id = {worker:String}
       AND cell >= toDateTime({from_s:UInt32}, 'UTC') AND cell < toDateTime({to_s:UInt32}, 'UTC')
       AND NOT (src_topic = {topic:String} AND src_seq > {loaded:UInt64}) ${spans}
     GROUP BY cell_s
     ORDER BY cell_s`,
    {
      provider: providerId,
      worker: workerId,
      from_s: range.fromMs / SECOND_MS,
      to_s: range.toMs / SECOND_MS,
      topic: source.topic,
      loaded: loaded.seq,
      ...(within !== null && {
        froms: within.map(({ fromMs }) => Math.floor(fromMs / SECOND_MS)),
        tos: within.map(({ toMs }) => Math.floor(Math.min(toMs, Number.MAX_SAFE_INTEGER) / SECOND_MS)),
      }),
    },
  )
}
