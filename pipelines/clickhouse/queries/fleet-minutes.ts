import { SECOND_MS } from '../../../schemas/units.ts'
import type { ClickhouseClient, QueryParams } from '../client.ts'
import { rangeSql, sumsOf, sumsSql } from './fleet-sums.ts'
import type { SumsRow, TemperatureKind, WorkSums } from './fleet-sums.ts'
import type { TimeRange } from './usage-windows.ts'
import type { BlockSource } from './watermarks.ts'

/** What the workers of one algorithm did in one minute. */
export interface FleetMinuteRow extends WorkSums {
  readonly minuteMs: number
  readonly algorithm: string
}

export interface FleetMinutesQuery {
  readonly providerId: string
  readonly source: BlockSource
  /** On whole minutes. */
  readonly range: TimeRange
  readonly temperature: TemperatureKind
  readonly algorithm: string | null
  readonly location: string | null
  readonly containers: readonly string[] | null
}

/** Minutes that hold anything, by time and algorithm. */
export async function fleetMinutes(
  client: ClickhouseClient,
  { providerId, source, range, temperature, algorithm, location, containers }: FleetMinutesQuery,
): Promise<FleetMinuteRow[]> {
  const filters: [string, QueryParams][] = []
  if (algorithm !== null) filters.push(['algorithm = {algorithm:String}', { algorithm }])
  if (location !== null) filters.push(['location_id = {location:String}', { location }])
  if (containers !== null) filters.push(['container_id IN {containers:Array(String)}', { containers }])
  const within = rangeSql('minute', range)
  const rows = await client.rows<SumsRow & { readonly minute_s: number; readonly algorithm_name: string }>(
    `SELECT toUnixTimestamp(minute) AS minute_s, algorithm AS algorithm_name, ${sumsSql(temperature)}
     FROM fleet_1m
     WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16} AND provider_id = {provider:String}
       AND ${within.sql} ${filters.map(([sql]) => `AND ${sql}`).join(' ')}
     GROUP BY minute_s, algorithm_name
     ORDER BY minute_s, algorithm_name`,
    {
      topic: source.topic,
      partition: source.partition,
      provider: providerId,
      ...within.params,
      ...Object.assign({}, ...filters.map(([, params]) => params)),
    },
  )
  return rows.map((row) => {
    const minute = { minuteMs: row.minute_s * SECOND_MS, algorithm: row.algorithm_name }
    return Object.assign(minute, sumsOf(row))
  })
}
