import { NativeBlock } from '../../schemas/native/block.ts'
import { I128Column, NumberedColumn, U32Column, U64Column, U8Column } from '../../schemas/native/columns.ts'
import { TABLES } from '../../schemas/tables.ts'
import type { UsageColumns } from './decode.ts'
import { costOf, SUM_COLUMNS } from '../windows/deltas.ts'
import type { Deltas } from '../windows/deltas.ts'
import { SECOND_MS } from '../../schemas/units.ts'

const TEXT = 'LowCardinality(String)'

/** The sums of both tables, in the order of `SUMS`, except for the cost. */
const { columns: COLUMNS } = TABLES.usage1m
const SUM_NAMES = COLUMNS.slice(COLUMNS.indexOf('events'), COLUMNS.indexOf('cost_nano_usd'))

/** Rows of `usage_1m` or `usage_15m`. */
export class DeltaBlock extends NativeBlock {
  readonly #node = this.column('node_id', TEXT, new NumberedColumn(this.texts))
  readonly #windowStart = this.column('window_start', `DateTime('UTC')`, new U32Column())
  readonly #model = this.column('model_id', TEXT, new NumberedColumn(this.texts))
  readonly #taskSource = this.column('task_source', 'Int8', new U8Column())
  readonly #lateAt = this.column('late_at', `DateTime64(3, 'UTC')`, new U64Column())
  readonly #sums = SUM_NAMES.map((name) => this.column(name, 'UInt64', new U64Column()))
  readonly #costNanoUsd = this.column('cost_nano_usd', 'Int128', new I128Column())

  /** Adds delta number `delta`. */
  add(columns: UsageColumns, deltas: Deltas, delta: number, windowStartMs: number): void {
    const row = this.nextRow()
    const modelAndSource = deltas.work[delta] as number
    const at = delta * SUM_COLUMNS
    this.#node.set(row, deltas.node[delta] as number, columns.nodes)
    this.#windowStart.set(row, windowStartMs / SECOND_MS)
    this.#model.set(row, modelAndSource >> 2, columns.models)
    this.#taskSource.set(row, modelAndSource & 3)
    this.#lateAt.set(row, deltas.lateAt.get(delta) ?? 0)
    const large = deltas.large.get(delta)
    for (let column = 0; column < this.#sums.length; column++) {
      const sums = this.#sums[column] as U64Column
      sums.setSum(row, deltas.sums[at + column] as number, large?.[column] ?? 0)
    }
    this.#costNanoUsd.set(row, costOf(deltas.sums, at))
  }
}
