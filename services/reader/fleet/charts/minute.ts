import type { TemperatureSums } from '../../../../pipelines/clickhouse/queries/fleet-sums.ts'

/** What the chosen workers did in one minute: the sum of the rows of `fleet_1m`. */
export interface FleetMinute {
  readonly minuteMs: number
  /** Seconds in which the workers were commissioned: what the minute should hold. */
  readonly expectedS: number
  /** Seconds of which a reading or a poll that failed tells what the workers did. */
  readonly coveredS: number
  /** Hashes by algorithm: rates of different algorithms are never added. */
  readonly hashes: ReadonlyMap<string, bigint>
  /** Energy by readings of every source, joules. */
  readonly joules: bigint
  readonly temperature: TemperatureSums | null
}

/** A minute counts in a chart where at least this part of it is covered, in percent: its sum is not scaled up. */
export const MINUTE_COVERAGE_PCT = 90

/** A bucket of which less is covered is null, in percent. */
export const BUCKET_COVERAGE_PCT = 50

/** Whether the sums of a minute are near enough to those of all its workers. A minute without workers says nothing. */
export function counts({ coveredS, expectedS }: Pick<FleetMinute, 'coveredS' | 'expectedS'>): boolean {
  return expectedS > 0 && coveredS * 100 >= expectedS * MINUTE_COVERAGE_PCT
}
