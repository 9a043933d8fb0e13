import { TABLES } from '../../schemas/tables.ts'
import type { TableSpec } from '../../schemas/tables.ts'
import { MINUTE_WINDOW_MS } from '../../schemas/usage.ts'
import { monthOf } from '../blocks/block-log.ts'
import type { BlockLog } from '../blocks/block-log.ts'
import type { UsageColumns } from './decode.ts'
import { DeltaBlock } from './delta-block.ts'
import { EventBlock } from './event-block.ts'
import type { RecordPlace } from './event-block.ts'
import type { Deltas } from '../windows/deltas.ts'

/** Computes months, and remembers that of the last event: most events of a batch share it. */
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

const newEventBlock = (): EventBlock => new EventBlock()
const newDeltaBlock = (): DeltaBlock => new DeltaBlock()

/** Writes events into the block of their month. */
export class EventRows {
  readonly #months = new Months()

  /** Writes event `index` of a record; `values` and `entries` are those that `EventBlock` takes. */
  write(
    log: BlockLog,
    columns: UsageColumns,
    index: number,
    record: RecordPlace,
    values: Float64Array,
    entries: Int32Array,
  ): void {
    const month = this.#months.of(columns.occurredAt[index] as number)
    log.bodyFor(TABLES.usageEvents, month, newEventBlock).add(columns, index, record, values, entries)
  }
}

/** Number of an event's kind of work: `model * 4 + task source`. */
export function workOf(columns: UsageColumns, index: number): number {
  return (columns.model[index] as number) * 4 + (columns.taskSource[index] as number)
}

/** Writes the deltas as rows of `usage_1m` or `usage_15m`. */
export function writeDeltas(log: BlockLog, table: TableSpec, deltas: Deltas, columns: UsageColumns): void {
  const months = new Months()
  for (let delta = 0; delta < deltas.count; delta++) {
    const windowStartMs = (deltas.minute[delta] as number) * MINUTE_WINDOW_MS
    log.bodyFor(table, months.of(windowStartMs), newDeltaBlock).add(columns, deltas, delta, windowStartMs)
  }
}
