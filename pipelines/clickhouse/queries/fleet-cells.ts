import { SECOND_MS } from '../../../schemas/units.ts'
import type { ClickhouseClient } from '../client.ts'
import { rangeSql, sumsOf, sumsSql, withinSql } from './fleet-sums.ts'
import type { SumsRow, TemperatureKind, WorkSums } from './fleet-sums.ts'
import type { TimeRange } from './usage-windows.ts'
import type { BlockSource, Loaded } from './watermarks.ts'

/** What a worker did in five minutes: the sum of its rows, which are deltas. */
export interface FleetCellRow extends WorkSums {
  readonly cellMs: number
  readonly sharesAccepted: number
  /** Rejected and stale. */
  readonly sharesRefused: number
}

export interface FleetCellsQuery {
  readonly providerId: string
  readonly workerId: string
  readonly source: BlockSource
  readonly loaded: Loaded
  /** On edges of five minutes. */
  readonly range: TimeRange
  /** Only cells that begin within these; null: all. */
  readonly within: readonly TimeRange[] | null
  readonly temperature: TemperatureKind
}

/** The cells of a worker that hold anything, the oldest first. */
export async function fleetCells(client: ClickhouseClient, query: FleetCellsQuery): Promise<FleetCellRow[]> {
  const { providerId, workerId, source, loaded, temperature } = query
  const range = rangeSql('cell', query.range)
  const within = withinSql(`toUnixTimestamp(cell) * ${SECOND_MS}`, query.within)
  const rows = await client.rows<
    SumsRow & { readonly cell_s: number; readonly accepted: string; readonly refused: string }
  >(
    `SELECT toUnixTimestamp(cell) AS cell_s, ${sumsSql(temperature)},
            toString(sum(toInt128(shares_accepted))) AS accepted,
            toString(sum(toInt128(shares_rejected)) + sum(toInt128(shares_stale))) AS refused
     FROM fleet_5m
     WHERE provider_id = {provider:String} AND worker_id = {worker:String} AND ${range.sql}
       AND NOT (src_topic = {topic:String} AND src_seq > {loaded:UInt64}) ${within.sql}
     GROUP BY cell_s
     ORDER BY cell_s`,
    {
      provider: providerId,
      worker: workerId,
      topic: source.topic,
      loaded: loaded.seq,
      ...range.params,
      ...within.params,
    },
  )
  return rows.map((row) => {
    const shares = { sharesAccepted: Number(row.accepted), sharesRefused: Number(row.refused) }
    return Object.assign({ cellMs: row.cell_s * SECOND_MS }, shares, sumsOf(row))
  })
}
