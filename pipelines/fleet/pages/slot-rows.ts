import type { RowWriter } from '../../../schemas/rowbinary.ts'
import { TABLES } from '../../../schemas/tables.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import { monthOf } from '../../blocks/block-log.ts'
import type { BlockLog } from '../../blocks/block-log.ts'
import type { CellDelta, Contributions, MinuteSums, TemperatureSums } from '../slots/contributions.ts'
import { JOULE_SOURCES, SECONDS } from '../slots/reading.ts'
import type { WorkerGroup } from './inventory.ts'
import type { WorkerAt } from './sink.ts'

/** Writes what a cell of a worker came to: a row of fleet_5m. */
export function writeCell(
  blocks: BlockLog,
  { providerId, workerId }: WorkerAt,
  { algorithm, locationId, containerId }: WorkerGroup,
  delta: CellDelta,
): void {
  const { rows, prefix } = blocks.rowsFor(TABLES.fleet5m, monthOf(delta.cellMs))
  rows.raw(prefix)
  rows.string(providerId)
  rows.string(workerId)
  rows.u32(delta.cellMs / SECOND_MS)
  rows.string(locationId)
  rows.string(containerId)
  rows.string(algorithm)
  rows.u8(Number(delta.isLate))
  writeSums(rows, delta, WORKER_WIDTHS)
}

/** Writes what the workers of a group added to a minute: a row of fleet_1m. */
export function writeMinute(
  blocks: BlockLog,
  providerId: string,
  { algorithm, locationId, containerId }: WorkerGroup,
  sums: MinuteSums,
): void {
  const { rows, prefix } = blocks.rowsFor(TABLES.fleet1m, monthOf(sums.minuteMs))
  rows.raw(prefix)
  rows.string(providerId)
  rows.u32(sums.minuteMs / SECOND_MS)
  rows.string(algorithm)
  rows.string(locationId)
  rows.string(containerId)
  writeSums(rows, sums, GROUP_WIDTHS)
}

/** How the columns of a table hold numbers: those of one worker are small. */
interface Widths {
  seconds(rows: RowWriter, value: number): void
  count(rows: RowWriter, value: number): void
  tenths(rows: RowWriter, value: number): void
  difficulty(rows: RowWriter, value: number): void
}

const u64 = (rows: RowWriter, value: number): void => rows.u64(value)

const WORKER_WIDTHS: Widths = {
  seconds: (rows, value) => rows.u16(value),
  count: (rows, value) => rows.u8(value),
  tenths: (rows, value) => rows.u32(value),
  difficulty: u64,
}

const GROUP_WIDTHS: Widths = {
  seconds: u64,
  count: u64,
  tenths: u64,
  difficulty: (rows, value) => rows.i128(BigInt(value)),
}

/** In the order of `SLOT_SUMS` in schemas/fleet/worker-tables. */
function writeSums(rows: RowWriter, of: Contributions, widths: Widths): void {
  for (const kind of SECONDS) widths.seconds(rows, of.seconds[kind])
  widths.seconds(rows, of.bridgedS)
  widths.seconds(rows, of.commissionedS)
  rows.i128(of.hashes)
  for (const source of JOULE_SOURCES) {
    rows.u64(of.joules[source].joules)
    widths.seconds(rows, of.joules[source].seconds)
  }
  rows.u64(of.meter.joules)
  widths.seconds(rows, of.meter.seconds)
  rows.u64(of.billedReadingJ)
  rows.u64(of.billedMeterJ)
  rows.u64(of.estimatedJ)
  for (const kind of ['chip', 'board', 'inlet'] as const)
    writeTemperature(rows, of.temperatures[kind], widths)
  const { shares } = of
  rows.u64(shares.accepted)
  rows.u64(shares.rejected)
  rows.u64(shares.stale)
  widths.difficulty(rows, shares.difficulty)
  rows.u64(shares.acceptedAcrossGap)
  widths.difficulty(rows, shares.difficultyAcrossGap)
  widths.count(rows, of.restarts)
  widths.count(rows, of.unknownCounters)
}

function writeTemperature(rows: RowWriter, sums: TemperatureSums | null, widths: Widths): void {
  widths.count(rows, sums?.slots ?? 0)
  widths.tenths(rows, sums?.sumTenths ?? 0)
  for (const tenths of [sums?.minTenths, sums?.maxTenths]) {
    rows.u8(tenths === undefined ? 1 : 0)
    if (tenths !== undefined) rows.u32(tenths)
  }
}
