import type { RowWriter } from '../../../schemas/rowbinary.ts'
import { TABLES } from '../../../schemas/tables.ts'
import { monthOf } from '../../blocks/block-log.ts'
import type { BlockLog } from '../../blocks/block-log.ts'
import type { Cause, StatusChange, Values } from '../status/decisions.ts'
import type { WorkerAt } from './sink.ts'

/** The numbers of the column `cause`. */
const CAUSES = { sample: 1, poll: 2, timer: 3, command: 4 } as const satisfies Record<Cause['by'], number>

/** Writes a change of a worker's status, with what it was decided by: a row of fleet_status. */
export function writeStatus(
  blocks: BlockLog,
  { providerId, workerId }: WorkerAt,
  change: StatusChange,
): void {
  const { was, evidence } = change
  const { rows, prefix } = blocks.rowsFor(TABLES.fleetStatus, monthOf(change.atMs))
  rows.raw(prefix)
  rows.string(providerId)
  rows.string(workerId)
  rows.u64(change.atMs)
  rows.u32(change.version)
  rows.string(change.status)
  rows.string(change.reason)
  rows.u8(Number(change.isUnknown))
  rows.string(was.status ?? '')
  rows.string(was.reason)
  rows.u8(Number(was.isUnknown))
  rows.u64(change.statusSinceMs)
  rows.u64(change.reasonSinceMs)
  writeCause(rows, evidence.cause)
  writeValues(rows, evidence.values)
  rows.u32(evidence.engine)
  rows.string(JSON.stringify(evidence.versions))
}

function writeCause(rows: RowWriter, cause: Cause): void {
  const isTimer = cause.by === 'timer'
  const origin = 'origin' in cause ? cause.origin : null
  rows.u8(CAUSES[cause.by])
  rows.string(isTimer ? cause.timer : '')
  rows.string(origin?.nodeId ?? '')
  rows.u64(origin?.epoch ?? 0)
  rows.u64(origin?.seq ?? 0)
  rows.nullableU64(isTimer ? null : Number(cause.place.offset))
  rows.u32(isTimer ? 0 : cause.place.index)
  rows.nullableU64('tMs' in cause ? cause.tMs : null)
}

function writeValues(rows: RowWriter, values: Values): void {
  rows.nullableF64(values.r5Hs)
  rows.nullableF64(values.r10Hs)
  rows.nullableF64(values.intendedHs)
  rows.nullableF64(values.deliveredPct)
  rows.u64(values.shares)
  rows.nullableF64(values.powerW)
  rows.string(values.powerSource)
  rows.nullableF64(values.intendedW)
  rows.f64(values.targetPct)
  rows.nullableU64(values.windowFromMs)
  rows.nullableU64(values.sampleMs)
}
