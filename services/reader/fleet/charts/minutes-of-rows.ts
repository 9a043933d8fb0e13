import type { FleetMinuteRow } from '../../../../pipelines/clickhouse/queries/fleet-minutes.ts'
import type { TemperatureSums } from '../../../../pipelines/clickhouse/queries/fleet-sums.ts'
import type { FleetMinute } from './minute.ts'

/** The minutes of a chart from rows by minute and algorithm, which come sorted by time. */
export function minutesOfRows(rows: readonly FleetMinuteRow[]): FleetMinute[] {
  return [...Map.groupBy(rows, ({ minuteMs }) => minuteMs)].map(([minuteMs, ofMinute]) => ({
    minuteMs,
    expectedS: ofMinute.reduce((sum, { commissionedS }) => sum + commissionedS, 0),
    coveredS: ofMinute.reduce((sum, row) => sum + coveredIn(row), 0),
    // A worker without an algorithm has no rate.
    hashes: new Map(ofMinute.flatMap((row) => (row.algorithm === '' ? [] : [[row.algorithm, row.hashes]]))),
    joules: ofMinute.reduce((sum, { joules }) => sum + joules, 0n),
    temperature: ofMinute.reduce<TemperatureSums | null>(
      (sum, { temperature }) => together(sum, temperature),
      null,
    ),
  }))
}

/** Time of which it is known what the machines did: an answer that could not be read tells no rate and no watts. */
function coveredIn(row: FleetMinuteRow): number {
  return row.hashingS + row.idleS + row.restingS + row.unreachableS + row.unheardS
}

function together(one: TemperatureSums | null, other: TemperatureSums | null): TemperatureSums | null {
  if (one === null || other === null) return one ?? other
  return {
    slots: one.slots + other.slots,
    sumTenths: one.sumTenths + other.sumTenths,
    minTenths: Math.min(one.minTenths, other.minTenths),
    maxTenths: Math.max(one.maxTenths, other.maxTenths),
  }
}
