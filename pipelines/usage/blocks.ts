import { RowWriter } from '../../schemas/rowbinary.ts'
import type { TableSpec } from '../../schemas/tables.ts'
import { monthOf } from '../load/block-log.ts'
import type { BlockLog, OpenBlock } from '../load/block-log.ts'
import type { UsageColumns } from './decode.ts'
import { ENTRY_WORDS } from './id-table.ts'
import { costOf, SUMS } from './rollup.ts'
import type { Deltas } from './rollup.ts'

/** What is the same in every row of one source record, as RowBinary. */
export function recordColumns(record: {
  readonly receivedAtMs: number
  readonly offset: number
  readonly modelsVersion: number
}): Buffer {
  const writer = new RowWriter(32)
  writer.u64(record.receivedAtMs)
  writer.u64(record.offset)
  writer.u32(record.modelsVersion)
  return writer.take()
}

/** Remembers the month of the last event: most events of a batch share it. */
export class Months {
  #startMs = 0
  #endMs = 0
  #month = ''

  of(atMs: number): string {
    if (atMs < this.#startMs || atMs >= this.#endMs) {
      const at = new Date(atMs)
      this.#startMs = Date.UTC(at.getUTCFullYear(), at.getUTCMonth())
      this.#endMs = Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1)
      this.#month = monthOf(atMs)
    }
    return this.#month
  }
}

/**
 * Writes one row of `usage_events` from column `index`, columns as in `TABLES`. `values` are the event's numbers in
 * the order of `SUMS`; the content's hash stands in words 4 and 5 of its entry in `entries`.
 */
export function writeEvent(
  block: OpenBlock,
  record: Buffer,
  columns: UsageColumns,
  index: number,
  values: Float64Array,
  entries: Uint32Array,
): void {
  const { rows, prefix } = block
  const { bytes } = columns
  const operator = columns.operator[index] as number
  const energyMwh = columns.energyMwh[index] as number
  rows.raw(prefix)
  rows.raw(record)
  rows.raw(columns.nodes.column(columns.node[index] as number))
  rows.uuid(bytes, columns.idStart[index])
  rows.stringBytes(bytes, columns.eventText.start[index] as number, columns.eventText.end[index] as number)
  if (operator < 0) rows.u8(0)
  else rows.raw(columns.operators.column(operator))
  rows.raw(columns.models.column(columns.model[index] as number))
  rows.u8(columns.taskSource[index] as number)
  rows.u64(columns.occurredAt[index] as number)
  rows.u32(index)
  rows.u32(columns.tokensIn[index] as number)
  rows.u32(columns.tokensOut[index] as number)
  rows.nullableU32(columns.durationMs[index] as number)
  rows.nullableU32(columns.gpuMs[index] as number)
  rows.u64(values[SUMS.gpuMsEstimated] as number)
  rows.u8(energyMwh < 0 ? 1 : 0)
  if (energyMwh >= 0) rows.u64(energyMwh)
  rows.u8(columns.energySource[index] as number)
  rows.u64(values[SUMS.energyMwhEstimated] as number)
  rows.u64(values[SUMS.energyMwhCompatible] as number)
  rows.u64(values[SUMS.costNanoUsd] as number)
  rows.stringBytes(bytes, columns.goal.start[index] as number, columns.goal.end[index] as number)
  rows.stringBytes(bytes, columns.requester.start[index] as number, columns.requester.end[index] as number)
  rows.stringBytes(
    bytes,
    columns.reservation.start[index] as number,
    columns.reservation.end[index] as number,
  )
  rows.u8(values[SUMS.lateEvents] as number)
  const entry = index * ENTRY_WORDS
  rows.u64Halves(entries[entry + 4] as number, entries[entry + 5] as number)
}

/** Writes the deltas as rows of `usage_1m` or `usage_15m`. */
export function writeDeltas(log: BlockLog, table: TableSpec, deltas: Deltas, columns: UsageColumns): void {
  const months = new Months()
  for (const { node, model, taskSource, windowStartMs, at } of deltas.deltas) {
    const { rows, prefix } = log.blockFor(table, months.of(windowStartMs))
    rows.raw(prefix)
    rows.raw(columns.nodes.column(node))
    rows.u32(windowStartMs / 1_000)
    rows.raw(columns.models.column(model))
    rows.u8(taskSource)
    for (let column = SUMS.events; column < SUMS.costNanoUsd; column++) {
      rows.u64(deltas.sums[at + column] as number)
    }
    rows.i128(costOf(deltas.sums, at))
  }
}
