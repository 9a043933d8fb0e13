import { TABLES } from '../../schemas/tables.ts'
import type { TableSpec } from '../../schemas/tables.ts'
import { monthOf } from '../load/block-log.ts'
import type { BlockLog } from '../load/block-log.ts'
import type { UsageColumns } from './decode.ts'
import { costOf, SUMS } from './rollup.ts'
import type { Deltas } from './rollup.ts'

/** What the task adds to an event: where it stood, and what its numbers mean. */
export interface EventContext {
  readonly receivedAtMs: number
  readonly recordOffset: number
  readonly modelsVersion: number
}

/** Estimates of one event, beside what the client measured. */
export interface Estimates {
  gpuMs: number
  energyMwh: number
  energyCompatibleMwh: number
  late: boolean
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

/** Writes one row of `usage_events` from column `index`; returns the number of its block. Columns as in `TABLES`. */
export function writeEvent(
  log: BlockLog,
  month: string,
  columns: UsageColumns,
  index: number,
  context: EventContext,
  estimates: Estimates,
  content: Uint32Array,
): number {
  const { seq, rows, prefix } = log.blockFor(TABLES.usageEvents, month)
  const { bytes } = columns
  const node = columns.nodes.bytes(columns.node[index] as number)
  const model = columns.models.bytes(columns.model[index] as number)
  rows.raw(prefix)
  rows.stringBytes(node, 0, node.length)
  rows.uuid(bytes, columns.idStart[index])
  rows.stringBytes(bytes, columns.eventText.start[index] as number, columns.eventText.end[index] as number)
  rows.stringBytes(
    bytes,
    columns.operatorText.start[index] as number,
    columns.operatorText.end[index] as number,
  )
  rows.stringBytes(model, 0, model.length)
  rows.u8(columns.taskSource[index] as number)
  rows.u64(columns.occurredAt[index] as number)
  rows.u64(context.receivedAtMs)
  rows.u64(context.recordOffset)
  rows.u32(index)
  rows.u32(columns.tokensIn[index] as number)
  rows.u32(columns.tokensOut[index] as number)
  rows.nullableU32(columns.durationMs[index] as number)
  rows.nullableU32(columns.gpuMs[index] as number)
  rows.u64(estimates.gpuMs)
  const energyMwh = columns.energyMwh[index] as number
  rows.u8(energyMwh < 0 ? 1 : 0)
  if (energyMwh >= 0) rows.u64(energyMwh)
  rows.u8(columns.energySource[index] as number)
  rows.u64(estimates.energyMwh)
  rows.u64(estimates.energyCompatibleMwh)
  rows.u64(columns.costNanoUsd[index] as number)
  rows.stringBytes(bytes, columns.goal.start[index] as number, columns.goal.end[index] as number)
  rows.stringBytes(bytes, columns.requester.start[index] as number, columns.requester.end[index] as number)
  rows.stringBytes(
    bytes,
    columns.reservation.start[index] as number,
    columns.reservation.end[index] as number,
  )
  rows.u8(estimates.late ? 1 : 0)
  rows.u32(context.modelsVersion)
  rows.u64Halves(content[4] as number, content[5] as number)
  return seq
}

/** Writes the deltas as rows of `usage_1m` or `usage_15m`. */
export function writeDeltas(log: BlockLog, table: TableSpec, deltas: Deltas, columns: UsageColumns): void {
  const months = new Months()
  for (const { node, model, taskSource, windowStartMs, at } of deltas.deltas) {
    const { rows, prefix } = log.blockFor(table, months.of(windowStartMs))
    const nodeBytes = columns.nodes.bytes(node)
    const modelBytes = columns.models.bytes(model)
    rows.raw(prefix)
    rows.stringBytes(nodeBytes, 0, nodeBytes.length)
    rows.u32(windowStartMs / 1_000)
    rows.stringBytes(modelBytes, 0, modelBytes.length)
    rows.u8(taskSource)
    for (let column = SUMS.events; column < SUMS.costNanoUsd; column++) {
      rows.u64(deltas.sums[at + column] as number)
    }
    rows.i128(costOf(deltas.sums, at))
  }
}
