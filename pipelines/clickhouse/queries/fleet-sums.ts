import { SECOND_MS } from '../../../schemas/units.ts'
import type { QueryParams } from '../client.ts'
import type { TimeRange } from './usage-windows.ts'

/** Kinds of temperatures: of the hottest chip and board, and of the air or water that goes in. */
export type TemperatureKind = 'chip' | 'board' | 'inlet'

/** What workers did in a span of time, seconds. What is commissioned and in no other is time of which nothing is known. */
export interface WorkSeconds {
  readonly commissionedS: number
  readonly hashingS: number
  readonly idleS: number
  readonly restingS: number
  readonly unreachableS: number
  readonly unheardS: number
  readonly unreadableS: number
}

/** Slots of 30 s that have a temperature, of one kind; tenths of a degree Celsius. */
export interface TemperatureSums {
  readonly slots: number
  readonly sumTenths: number
  readonly minTenths: number
  readonly maxTenths: number
}

/** The sums that rows of `fleet_1m` and of `fleet_5m` have alike. */
export interface WorkSums extends WorkSeconds {
  readonly hashes: bigint
  /** By readings of all sources, and the seconds of which any tells watts. */
  readonly joules: bigint
  readonly joulesS: number
  /** Null where no slot has any. */
  readonly temperature: TemperatureSums | null
}

/** The sums as `sumsSql` names them: whole numbers as text. */
export interface SumsRow {
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
/** Energy of a reading has one source. */
const SOURCES = ['miner_psu', 'miner', 'miner_estimate', 'gpu_sum', 'nameplate'] as const

/** The columns of a SELECT that sum rows of either table up. */
export function sumsSql(temperature: TemperatureKind): string {
  const added = (columns: readonly string[]): string =>
    columns.map((column) => `sum(toInt128(${column}))`).join(' + ')
  const of = (column: string, name: string): string => `toString(sum(toInt128(${column}))) AS ${name}`
  return `${SECONDS.map((kind) => of(`${kind}_s`, kind)).join(', ')},
          ${of('hashes', 'all_hashes')},
          toString(${added(SOURCES.map((name) => `${name}_j`))}) AS joules,
          toString(${added(SOURCES.map((name) => `${name}_s`))}) AS joules_s,
          ${of(`${temperature}_slots`, 'slots')}, ${of(`${temperature}_sum_dc`, 'sum_dc')},
          min(${temperature}_min_dc) AS min_dc, max(${temperature}_max_dc) AS max_dc`
}

/** The sums of a row. */
export function sumsOf(row: SumsRow): WorkSums {
  const { min_dc, max_dc } = row
  return {
    commissionedS: Number(row.commissioned),
    hashingS: Number(row.hashing),
    idleS: Number(row.idle),
    restingS: Number(row.resting),
    unreachableS: Number(row.unreachable),
    unheardS: Number(row.unheard),
    unreadableS: Number(row.unreadable),
    hashes: BigInt(row.all_hashes),
    joules: BigInt(row.joules),
    joulesS: Number(row.joules_s),
    temperature:
      min_dc === null || max_dc === null
        ? null
        : { slots: Number(row.slots), sumTenths: Number(row.sum_dc), minTenths: min_dc, maxTenths: max_dc },
  }
}

/** A condition on `timeMs`, an expression in UTC milliseconds: within one of these; null: always. */
export function withinSql(
  timeMs: string,
  within: readonly TimeRange[] | null,
): { readonly sql: string; readonly params: QueryParams } {
  if (within === null) return { sql: '', params: {} }
  return {
    sql: `AND arrayExists((f, t) -> f <= ${timeMs} AND ${timeMs} < t, {froms:Array(Int64)}, {tos:Array(Int64)})`,
    params: {
      froms: within.map(({ fromMs }) => fromMs),
      tos: within.map(({ toMs }) => Math.min(toMs, Number.MAX_SAFE_INTEGER)),
    },
  }
}

/** A condition on a column of seconds, and its parameters. */
export function rangeSql(
  column: string,
  { fromMs, toMs }: TimeRange,
): { readonly sql: string; readonly params: QueryParams } {
  return {
    sql: `${column} >= toDateTime({from_s:UInt32}, 'UTC') AND ${column} < toDateTime({to_s:UInt32}, 'UTC')`,
    params: { from_s: fromMs / SECOND_MS, to_s: toMs / SECOND_MS },
  }
}
