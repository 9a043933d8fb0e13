import type { VerifyRun } from '../../check.ts'
import type { BlocksBelow, TextRow } from '../../tables.ts'
import { BELOW } from '../../tables.ts'
import { cellName } from './expected.ts'
import type { ExpectedRows } from './expected.ts'
import { ADDED, SENSORS } from './sums.ts'
import { minuteName } from './workers-model.ts'

/** How many rows of workers were compared. */
export interface WorkersCompared {
  readonly cells: number
  readonly minutes: number
  /** Rows of which nothing can be said. */
  readonly leftOut: number
}

const SUMS = [
  ...ADDED.map((column) => `toString(sum(toInt128(t.${column}))) AS ${column}`),
  ...SENSORS.flatMap((sensor) => [
    `toString(min(t.${sensor}_min_dc)) AS ${sensor}_min_dc`,
    `toString(max(t.${sensor}_max_dc)) AS ${sensor}_max_dc`,
  ]),
].join(', ')
const STAND = 't.provider_id, t.algorithm, t.location_id, t.container_id'

/** Compares the rows of five minutes and of minutes of a partition's workers with what its records give. */
export async function compareWorkers(
  { tables, differences }: Pick<VerifyRun, 'tables' | 'differences'>,
  blocks: BlocksBelow,
  rows: ExpectedRows,
): Promise<WorkersCompared> {
  const expected = rows.finish()
  const params = { ...blocks, from: expected.fromS, to: expected.toS }
  let leftOut = 0
  const cells = await tables.rows<TextRow>(
    `SELECT ${STAND}, t.worker_id, toUnixTimestamp(t.cell) AS cell_s, countIf(t.late = 0) AS on_time_rows,
            countIf(t.late = 1) AS late_rows, ${SUMS}
     FROM fleet_5m AS t WHERE ${BELOW} AND t.cell >= toDateTime({from:UInt32}, 'UTC')
     GROUP BY ${STAND}, t.worker_id, cell_s`,
    params,
  )
  const comparedCells = cells.filter((row) => {
    const [provider, worker] = [textOf(row, 'provider_id'), textOf(row, 'worker_id')]
    return expected.isCompared(provider, worker, Number(row['cell_s']), Number(row['late_rows']))
  })
  leftOut += cells.length - comparedCells.length
  await differences.compareRows(
    'fleet_5m',
    expected.cells,
    comparedCells.map((row) => [
      cellName({ ...standOf(row), worker: textOf(row, 'worker_id'), cell: Number(row['cell_s']) }),
      row,
    ]),
  )
  const minutes = await tables.rows<TextRow>(
    `SELECT ${STAND}, toUnixTimestamp(t.minute) AS minute_s, ${SUMS}
     FROM fleet_1m AS t WHERE ${BELOW} AND t.minute >= toDateTime({from:UInt32}, 'UTC')
       AND t.minute < toDateTime({to:UInt32}, 'UTC')
     GROUP BY ${STAND}, minute_s`,
    params,
  )
  const comparedMinutes = minutes.filter((row) => expected.isMinuteCompared(Number(row['minute_s'])))
  leftOut += minutes.length - comparedMinutes.length
  const expectedMinutes = expected.minutes()
  await differences.compareRows(
    'fleet_1m',
    expectedMinutes,
    comparedMinutes.map((row) => [minuteName({ ...standOf(row), minute: Number(row['minute_s']) }), row]),
  )
  return { cells: expected.cells.size, minutes: expectedMinutes.size, leftOut }
}

function standOf(row: TextRow) {
  return {
    provider: textOf(row, 'provider_id'),
    algorithm: textOf(row, 'algorithm'),
    locationId: textOf(row, 'location_id'),
    containerId: textOf(row, 'container_id'),
  }
}

function textOf(row: TextRow, column: string): string {
  return String(row[column] ?? '')
}
