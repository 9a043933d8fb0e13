import { SECOND_MS } from '../../../schemas/units.ts'
import type { ClickhouseClient, QueryParams } from '../client.ts'
import type { TimeRange } from './usage-windows.ts'
import type { BlockSource } from './watermarks.ts'

/** What the workers of one algorithm did in one minute. */
export interface FleetMinuteRow {
  readonly minuteMs: number
  readonly algorithm: string
  readonly commissionedS: number
  readonly hashingS: number
  readonly idleS: number
  readonly restingS: number
  readonly unreachableS: number
  readonly unheardS: number
  readonly unreadableS: number
  readonly hashes: bigint
  /** By readings of all sources. */
  readonly joules: number
  /** Of one kind of temperature, tenths of a degree Celsius; null where no slot of 30 s has any. */
  readonly temperature: {
    readonly slots: number
    readonly sumTenths: number
    readonly minTenths: number
    readonly maxTenths: number
  } | null
}

/** Kinds of temperatures: of the hottest chip and board, and of the air or water that goes in. */
export type TemperatureKind = 'chip' | 'board' | 'inlet'

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

const SECONDS_COLUMNS = [
  'commissioned_s',
  'hashing_s',
  'idle_s',
  'resting_s',
  'unreachable_s',
  'unheard_s',
  'unreadable_s',
] as const

/** Energy of a reading has one source. */
const JOULES = ['miner_psu_j', 'miner_j', 'miner_estimate_j', 'gpu_sum_j', 'nameplate_j'] as const

/** Minutes that hold anything, by time and algorithm. */
export async function fleetMinutes(
  client: ClickhouseClient,
  { providerId, source, range, temperature, algorithm, location, containers }: FleetMinutesQuery,
): Promise<FleetMinuteRow[]> {
  const filters: [string, QueryParams][] = []
  if (algorithm !== null) filters.push(['algorithm = {algorithm:String}', { algorithm }])
  if (location !== null) filters.push(['location_id = {location:String}', { location }])
  if (containers !== null) filters.push(['container_id IN {containers:Array(String)}', { containers }])
  const rows = await client.rows<Row>(
    `SELECT toUnixTimestamp(minute) AS minute_s, algorithm AS algorithm_name,
            ${SECONDS_COLUMNS.map((column) => `sum(toInt128(${column})) AS ${column.replace(/_s$/, '')}`).join(', ')},
            toString(sum(toInt128(hashes))) AS all_hashes,
            ${JOULES.map((column) => `sum(toInt128(${column}))`).join(' + ')} AS joules,
            sum(toInt128(${temperature}_slots)) AS slots, sum(toInt128(${temperature}_sum_dc)) AS sum_dc,
            min(${temperature}_min_dc) AS min_dc, max(${temperature}_max_dc) AS max_dc
     FROM fleet_1m
     WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16} AND provider_id = {provider:String}
       AND minute >= toDateTime({from_s:UInt32}, 'UTC') AND minute < toDateTime({to_s:UInt32}, 'UTC')
       ${filters.map(([sql]) => `AND ${sql}`).join(' ')}
     GROUP BY minute_s, algorithm_name
     ORDER BY minute_s, algorithm_name`,
    {
      topic: source.topic,
      partition: source.partition,
      provider: providerId,
      from_s: range.fromMs / SECOND_MS,
      to_s: range.toMs / SECOND_MS,
      ...Object.assign({}, ...filters.map(([, params]) => params)),
    },
  )
  return rows.map(minuteOf)
}

interface Row {
  readonly minute_s: number
  readonly algorithm_name: string
  readonly commissioned: string
  readonly hashing: string
  readonly idle: string
  readonly resting: string
  readonly unreachable: string
  readonly unheard: string
  readonly unreadable: string
  readonly all_hashes: string
  readonly joules: string
  readonly slots: string
  readonly sum_dc: string
  readonly min_dc: number | null
  readonly max_dc: number | null
}

function minuteOf(row: Row): FleetMinuteRow {
  const { min_dc, max_dc } = row
  return {
    minuteMs: row.minute_s * SECOND_MS,
    algorithm: row.algorithm_name,
    commissionedS: Number(row.commissioned),
    hashingS: Number(row.hashing),
    idleS: Number(row.idle),
    restingS: Number(row.resting),
    unreachableS: Number(row.unreachable),
    unheardS: Number(row.unheard),
    unreadableS: Number(row.unreadable),
    hashes: BigInt(row.all_hashes),
    joules: Number(row.joules),
    temperature:
      min_dc === null || max_dc === null
        ? null
        : { slots: Number(row.slots), sumTenths: Number(row.sum_dc), minTenths: min_dc, maxTenths: max_dc },
  }
}
