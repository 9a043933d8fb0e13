import {
  putNullableU32,
  putRaw,
  putText,
  putU32,
  putU64,
  putU8,
  putUuid,
  rawOf,
  RowWriter,
} from '../../schemas/rowbinary.ts'
import type { Raw } from '../../schemas/rowbinary.ts'
import { TABLES } from '../../schemas/tables.ts'
import type { TableSpec } from '../../schemas/tables.ts'
import { MINUTE_WINDOW_MS } from '../../schemas/usage.ts'
import { monthOf } from '../load/block-log.ts'
import type { BlockLog } from '../load/block-log.ts'
import type { TextColumn, UsageColumns } from './decode.ts'
import { ENTRY_WORDS } from './id-table.ts'
import { costOf, SUM_COLUMNS, SUMS } from './rollup.ts'
import type { Deltas } from './rollup.ts'

/**
 * Room for one row: two texts of 128 code points, five ids of 64 bytes, a topic's name of 249, and under 250 bytes of
 * numbers.
 */
const EVENT_ROW_BYTES_MAX = 2 * 515 + 5 * 65 + 251 + 250

/** Remembers the month of the last event: most events of a batch share it. */
class Months {
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

/** Writes rows of `usage_events`, columns as in `TABLES`. Keeps what is the same in many rows, by the columns' numbers. */
export class EventRows {
  readonly #columns: UsageColumns
  readonly #months = new Months()
  /** node_id and operator_id, by node; made anew where the node's operator is another. */
  readonly #nodes: (Raw | undefined)[] = []
  readonly #operatorOf: number[] = []
  /** model_id and task_source, by work. */
  readonly #works: (Raw | undefined)[] = []

  constructor(columns: UsageColumns) {
    this.#columns = columns
  }

  /** Called when the columns forgot their strings. */
  forget(): void {
    this.#nodes.length = 0
    this.#works.length = 0
  }

  /**
   * Writes event `index`. `values` are its numbers in the order of `SUMS`; the content's hash stands in words 4 and 5 of
   * its entry in `entries`.
   */
  write(
    log: BlockLog,
    index: number,
    record: { readonly receivedAtMs: number; readonly offset: number; readonly modelsVersion: number },
    values: Float64Array,
    entries: Int32Array,
  ): void {
    const columns = this.#columns
    const { bytes } = columns
    const occurredAt = columns.occurredAt[index] as number
    const energyMwh = columns.energyMwh[index] as number
    const entry = index * ENTRY_WORDS
    const { rows, prefix } = log.blockFor(TABLES.usageEvents, this.#months.of(occurredAt))
    let at = rows.room(EVENT_ROW_BYTES_MAX)
    const to = rows.view
    at = putRaw(to, at, prefix)
    at = putU64(to, at, record.receivedAtMs)
    at = putU64(to, at, record.offset)
    at = putU32(to, at, record.modelsVersion)
    at = putRaw(to, at, this.#nodeOf(index))
    at = putRaw(to, at, this.#workOf(index))
    if (columns.hasTexts[index] === 1) {
      at = putTextOf(to, at, bytes, columns.eventText, index)
      at = putTextOf(to, at, bytes, columns.goal, index)
      at = putTextOf(to, at, bytes, columns.requester, index)
      at = putTextOf(to, at, bytes, columns.reservation, index)
    } else {
      // Four empty texts.
      at = putU32(to, at, 0)
    }
    at = putUuid(to, at, columns.view, columns.idStart[index] as number)
    at = putU32(to, at, entries[entry + 4] as number)
    at = putU32(to, at, entries[entry + 5] as number)
    at = putU64(to, at, occurredAt)
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
    at = putU8(to, at, values[SUMS.lateEvents] as number)
    rows.advance(at)
  }

  #nodeOf(index: number): Raw {
    const columns = this.#columns
    const node = columns.node[index] as number
    const operator = columns.operator[index] as number
    const known = this.#nodes[node]
    if (known !== undefined && this.#operatorOf[node] === operator) return known
    const writer = new RowWriter(160)
    writer.raw(columns.nodes.column(node))
    if (operator < 0) writer.string('')
    else writer.raw(columns.operators.column(operator))
    this.#operatorOf[node] = operator
    return (this.#nodes[node] = rawOf(writer.take()))
  }

  #workOf(index: number): Raw {
    const columns = this.#columns
    const work = workOf(columns, index)
    const known = this.#works[work]
    if (known !== undefined) return known
    const writer = new RowWriter(64)
    writer.raw(columns.models.column(columns.model[index] as number))
    writer.u8(columns.taskSource[index] as number)
    return (this.#works[work] = rawOf(writer.take()))
  }
}

/** Number of an event's kind of work: `model * 4 + task source`. */
export function workOf(columns: UsageColumns, index: number): number {
  return (columns.model[index] as number) * 4 + (columns.taskSource[index] as number)
}

function putTextOf(to: DataView, at: number, bytes: Buffer, text: TextColumn, index: number): number {
  return putText(to, at, bytes, text.start[index] as number, text.end[index] as number)
}

/** Writes the deltas as rows of `usage_1m` or `usage_15m`. */
export function writeDeltas(log: BlockLog, table: TableSpec, deltas: Deltas, columns: UsageColumns): void {
  const months = new Months()
  const { count, node, work, minute, sums } = deltas
  for (let delta = 0; delta < count; delta++) {
    const windowStartMs = (minute[delta] as number) * MINUTE_WINDOW_MS
    const modelAndSource = work[delta] as number
    const { rows, prefix } = log.blockFor(table, months.of(windowStartMs))
    rows.raw(prefix)
    rows.raw(columns.nodes.column(node[delta] as number))
    rows.u32(windowStartMs / 1_000)
    rows.raw(columns.models.column(modelAndSource >> 2))
    rows.u8(modelAndSource & 3)
    const at = delta * SUM_COLUMNS
    for (let column = SUMS.events; column < SUMS.costNanoUsd; column++) {
      rows.u64(sums[at + column] as number)
    }
    rows.i128(costOf(sums, at))
  }
}
