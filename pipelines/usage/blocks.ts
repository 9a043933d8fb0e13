import {
  putNullableU32,
  putRaw,
  putText,
  putU32,
  putU64,
  putU8,
  putUuid,
  RowWriter,
  viewOf,
} from '../../schemas/rowbinary.ts'
import type { TableSpec } from '../../schemas/tables.ts'
import { monthOf } from '../load/block-log.ts'
import type { BlockLog, OpenBlock } from '../load/block-log.ts'
import type { TextColumn, UsageColumns } from './decode.ts'
import { ENTRY_WORDS } from './id-table.ts'
import { costOf, SUMS } from './rollup.ts'
import type { Deltas } from './rollup.ts'

/**
 * Room for one row: two texts of 128 code points, five ids of 64 bytes, a topic's name of 249, and under 250 bytes of
 * numbers.
 */
const EVENT_ROW_BYTES_MAX = 2 * 515 + 5 * 65 + 251 + 250

/** What is the same in every row of one source record, as RowBinary. */
export function recordColumns(record: {
  readonly receivedAtMs: number
  readonly offset: number
  readonly modelsVersion: number
}): DataView {
  const writer = new RowWriter(32)
  writer.u64(record.receivedAtMs)
  writer.u64(record.offset)
  writer.u32(record.modelsVersion)
  return viewOf(writer.take())
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
  record: DataView,
  columns: UsageColumns,
  index: number,
  values: Float64Array,
  entries: Uint32Array,
): void {
  const { rows, prefix } = block
  const { bytes } = columns
  const operator = columns.operator[index] as number
  const energyMwh = columns.energyMwh[index] as number
  const entry = index * ENTRY_WORDS
  let at = rows.room(EVENT_ROW_BYTES_MAX)
  const to = rows.view
  at = putRaw(to, at, prefix)
  at = putRaw(to, at, record)
  at = putRaw(to, at, columns.nodes.column(columns.node[index] as number))
  at = putUuid(to, at, bytes, columns.idStart[index] as number)
  at = putTextOf(to, at, bytes, columns.eventText, index)
  at = operator < 0 ? putU8(to, at, 0) : putRaw(to, at, columns.operators.column(operator))
  at = putRaw(to, at, columns.models.column(columns.model[index] as number))
  at = putU8(to, at, columns.taskSource[index] as number)
  at = putU64(to, at, columns.occurredAt[index] as number)
  at = putU32(to, at, index)
  at = putU32(to, at, columns.tokensIn[index] as number)
  at = putU32(to, at, columns.tokensOut[index] as number)
  at = putNullableU32(to, at, columns.durationMs[index] as number)
  at = putNullableU32(to, at, columns.gpuMs[index] as number)
  at = putU64(to, at, values[SUMS.gpuMsEstimated] as number)
  at = putU8(to, at, energyMwh < 0 ? 1 : 0)
  if (energyMwh >= 0) at = putU64(to, at, energyMwh)
  at = putU8(to, at, columns.energySource[index] as number)
  at = putU64(to, at, values[SUMS.energyMwhEstimated] as number)
  at = putU64(to, at, values[SUMS.energyMwhCompatible] as number)
  at = putU64(to, at, values[SUMS.costNanoUsd] as number)
  at = putTextOf(to, at, bytes, columns.goal, index)
  at = putTextOf(to, at, bytes, columns.requester, index)
  at = putTextOf(to, at, bytes, columns.reservation, index)
  at = putU8(to, at, values[SUMS.lateEvents] as number)
  at = putU32(to, at, entries[entry + 4] as number)
  at = putU32(to, at, entries[entry + 5] as number)
  rows.advance(at)
}

function putTextOf(to: DataView, at: number, bytes: Buffer, text: TextColumn, index: number): number {
  return putText(to, at, bytes, text.start[index] as number, text.end[index] as number)
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
