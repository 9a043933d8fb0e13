import type { Row } from '../../oracles/row-reader.ts'
import { fakeClickhouse } from '../../servers/clickhouse.ts'
import { SECOND_MS } from '../../../../schemas/units.ts'
import { ADDED, SENSORS } from '../../../../services/verify/fleet/workers/sums.ts'
import { Tables } from '../../../../services/verify/tables.ts'

/** Sums of rows as the queries of `compareWorkers` give them. */
function summed(
  rows: readonly Row[],
  time: 'cell' | 'minute',
  keys: readonly string[],
): Record<string, unknown>[] {
  const groups = Map.groupBy(rows, (row) => JSON.stringify([...keys, time].map((key) => String(row[key]))))
  return [...groups.values()].map((those) => {
    const [first = {}] = those
    const ends = (column: string, pick: (...values: number[]) => number): string | null => {
      const values = those.flatMap((row) => (row[column] === null ? [] : [Number(row[column])]))
      return values.length === 0 ? null : String(pick(...values))
    }
    const sums = ADDED.map((column): [string, unknown] => [
      column,
      String(those.reduce((sum, row) => sum + BigInt(String(row[column])), 0n)),
    ])
    const edges = SENSORS.flatMap((sensor): [string, unknown][] => [
      [`${sensor}_min_dc`, ends(`${sensor}_min_dc`, Math.min)],
      [`${sensor}_max_dc`, ends(`${sensor}_max_dc`, Math.max)],
    ])
    const named = keys.map((key): [string, unknown] => [key, first[key]])
    return Object.fromEntries([
      ...named,
      [`${time}_s`, Number(first[time]) / SECOND_MS],
      ['on_time_rows', those.filter(({ late }) => late === 0).length],
      ['late_rows', those.filter(({ late }) => late === 1).length],
      ...sums,
      ...edges,
    ])
  })
}

const STAND = ['provider_id', 'algorithm', 'location_id', 'container_id']

/** Tables with these rows of workers, as far as `compareWorkers` asks for them. */
export function workersTables(rowsIn: (table: string) => readonly Row[]): Tables {
  const rowsOf = (table: string, time: string, params: { from: number; to: number }): Row[] =>
    rowsIn(table).filter((row) => {
      const atS = Number(row[time]) / SECOND_MS
      return atS >= params.from && (time === 'cell' || atS < params.to)
    })
  const rows = (sql: string, params: never): Promise<unknown[]> =>
    Promise.resolve(
      sql.includes('FROM fleet_5m')
        ? summed(rowsOf('fleet_5m', 'cell', params), 'cell', [...STAND, 'worker_id'])
        : summed(rowsOf('fleet_1m', 'minute', params), 'minute', STAND),
    )
  return new Tables(fakeClickhouse({ rows }))
}
