import { MINUTE_MS, SECOND_MS } from '../../../../schemas/units.ts'
import { BUCKET_COVERAGE_PCT, counts } from './minute.ts'
import type { FleetMinute } from './minute.ts'

/** A chart has as many buckets: of 5 minutes in a day. */
export const CHART_BUCKETS = 288

const MINUTE_S = MINUTE_MS / SECOND_MS

/** Least, mean and most of a bucket's minutes that count; all of one unit. */
export interface Band<Value> {
  readonly min: Value
  readonly mean: Value
  readonly max: Value
}

/** A part of a chart's time. Everything but its time and its coverage is null where too little of it is known. */
export interface Bucket {
  readonly startMs: number
  readonly expectedS: number
  readonly coveredS: number
  readonly powerW: Band<number> | null
  /** By algorithm, hashes a second, rounded half up. */
  readonly hashrateHs: ReadonlyMap<string, Band<bigint>>
  /** Tenths of a degree Celsius: the least and the most of any slot, and the mean over slots. */
  readonly temperatureTenths: Band<number> | null
}

/**
 * The buckets of a chart, oldest first: half-open, of `lengthMs`, a multiple of a minute. A bucket takes those of its minutes
 * that count; it is null where none does, or where less than half of what it should hold is covered. Nothing is scaled up
 * to workers of which nothing is known, and nothing is added over algorithms.
 */
export function bucketsOf(
  minutes: readonly FleetMinute[],
  { fromMs, toMs, lengthMs }: { readonly fromMs: number; readonly toMs: number; readonly lengthMs: number },
): Bucket[] {
  const byStart = Map.groupBy(
    minutes.filter(({ minuteMs }) => minuteMs >= fromMs && minuteMs < toMs),
    ({ minuteMs }) => fromMs + Math.floor((minuteMs - fromMs) / lengthMs) * lengthMs,
  )
  const buckets: Bucket[] = []
  for (let startMs = fromMs; startMs < toMs; startMs += lengthMs) {
    buckets.push(bucketOf(startMs, byStart.get(startMs) ?? []))
  }
  return buckets
}

function bucketOf(startMs: number, minutes: readonly FleetMinute[]): Bucket {
  const expectedS = minutes.reduce((sum, minute) => sum + minute.expectedS, 0)
  const coveredS = minutes.reduce((sum, minute) => sum + minute.coveredS, 0)
  const isKnown = expectedS > 0 && coveredS * 100 >= expectedS * BUCKET_COVERAGE_PCT
  const counting = isKnown ? minutes.filter(counts) : []
  return {
    startMs,
    expectedS,
    coveredS,
    powerW: powerOf(counting),
    hashrateHs: hashratesOf(counting),
    temperatureTenths: temperatureOf(counting),
  }
}

/** Every minute has the same length, so the mean over time is that of the minutes. */
function powerOf(minutes: readonly FleetMinute[]): Band<number> | null {
  const band = bandOf(minutes.map(({ joules }) => joules))
  if (band === null) return null
  return { min: Number(band.min), mean: Number(band.mean), max: Number(band.max) }
}

function hashratesOf(minutes: readonly FleetMinute[]): ReadonlyMap<string, Band<bigint>> {
  const algorithms = new Set(minutes.flatMap(({ hashes }) => [...hashes.keys()]))
  const bands = new Map<string, Band<bigint>>()
  for (const algorithm of [...algorithms].toSorted()) {
    const band = bandOf(minutes.map(({ hashes }) => hashes.get(algorithm) ?? 0n))
    if (band !== null) bands.set(algorithm, band)
  }
  return bands
}

/** What sums a minute come to a second, rounded half up: the band is exact to one unit. */
function bandOf(sums: readonly bigint[]): Band<bigint> | null {
  const [first] = sums
  if (first === undefined) return null
  let [least, most, all] = [first, first, 0n]
  for (const sum of sums) {
    if (sum < least) least = sum
    if (sum > most) most = sum
    all += sum
  }
  return {
    min: perSecond(least, MINUTE_S),
    mean: perSecond(all, MINUTE_S * sums.length),
    max: perSecond(most, MINUTE_S),
  }
}

/** What a sum comes to a second, rounded half up. */
export function perSecond(sum: bigint, seconds: number): bigint {
  return (2n * sum + BigInt(seconds)) / BigInt(2 * seconds)
}

function temperatureOf(minutes: readonly FleetMinute[]): Band<number> | null {
  const known = minutes.flatMap(({ temperature }) => temperature ?? []).filter(({ slots }) => slots > 0)
  if (known.length === 0) return null
  const slots = known.reduce((sum, of) => sum + of.slots, 0)
  const tenths = known.reduce((sum, of) => sum + of.sumTenths, 0)
  return {
    min: Math.min(...known.map(({ minTenths }) => minTenths)),
    mean: Math.round(tenths / slots),
    max: Math.max(...known.map(({ maxTenths }) => maxTenths)),
  }
}
