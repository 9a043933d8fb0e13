import { MINUTE_WINDOW_MS, QUARTER_HOUR_WINDOW_MS, windowStart } from '../../../../schemas/usage.ts'
import type { Measures } from '../measures.ts'
import type { Problems } from '../problems.ts'
import type { RawRow } from './raw-rows.ts'

/** The two tables of windows. */
export const WINDOW_TABLES = [
  { name: 'usage_1m', sizeMs: MINUTE_WINDOW_MS },
  { name: 'usage_15m', sizeMs: QUARTER_HOUR_WINDOW_MS },
] as const
export type WindowTable = (typeof WINDOW_TABLES)[number]

export const WINDOW_COLUMNS = [
  'events',
  'late_events',
  'tokens_in',
  'tokens_out',
  'duration_ms',
  'gpu_ms_measured',
  'gpu_ms_estimated',
  'energy_mwh_measured',
  'energy_mwh_estimated',
  'energy_mwh_compatible',
  'inferences',
  'gpu_ms_paid_estimated',
  'cost_nano_usd',
] as const
const COST = WINDOW_COLUMNS.length - 1

const WHOLE: ReadonlySet<string> = new Set([
  'events',
  'late_events',
  'inferences',
  'gpu_ms_paid_estimated',
  'cost_nano_usd',
])

/** The column of a table of windows that has the sum in as many bits as it may need. */
export function storedSum(column: (typeof WINDOW_COLUMNS)[number]): string {
  return WHOLE.has(column) ? column : `wide_${column}`
}

/** A window of a table, its deltas added up. */
export interface WindowRow {
  readonly nodeId: string
  readonly startMs: number
  readonly modelId: string
  readonly taskSource: string
  /** In the order of `WINDOW_COLUMNS`. */
  readonly sums: readonly bigint[]
}

/** All sums except the cost: below 2^53 for two million events of the largest kind. */
interface Sums {
  readonly counts: number[]
  costNanoUsd: bigint
}

/** The sums of raw rows per window of one size, to be compared with a table of windows. */
export class Windows {
  compared = 0
  readonly #table: WindowTable
  readonly #expected = new Map<string, Sums>()

  constructor(table: WindowTable) {
    this.#table = table
  }

  addRow({ nodeId, work, late }: RawRow, measures: Measures): void {
    const startMs = windowStart(work.occurredAtMs, this.#table.sizeMs)
    const key = windowKey(nodeId, startMs, work.taskSource, work.modelId)
    let sums = this.#expected.get(key)
    if (sums === undefined) {
      sums = { counts: Array.from({ length: COST }, () => 0), costNanoUsd: 0n }
      this.#expected.set(key, sums)
    }
    const values = [
      1,
      late ? 1 : 0,
      work.tokensIn,
      work.tokensOut,
      work.durationMs ?? 0,
      measures.gpuMsMeasured,
      measures.gpuMsEstimated,
      measures.energyMwhMeasured,
      measures.energyMwhEstimated,
      measures.energyMwhCompatible,
      work.inferences,
      measures.gpuMsPaidEstimated,
    ]
    const { counts } = sums
    for (let column = 0; column < COST; column++) {
      counts[column] = (counts[column] as number) + (values[column] as number)
    }
    sums.costNanoUsd += BigInt(work.costNanoUsd)
  }

  /** Compares them with the windows found, each key once; a window that is not among them is missing. */
  compare(found: Iterable<WindowRow>, problems: Problems): void {
    const { name } = this.#table
    for (const row of found) {
      this.compared += 1
      const key = windowKey(row.nodeId, row.startMs, row.taskSource, row.modelId)
      const expected = this.#expected.get(key)
      this.#expected.delete(key)
      if (expected === undefined) problems.add('window', `${name} ${key} has no event in usage_events`)
      else this.#compareSums(key, expected, row.sums, problems)
    }
    for (const key of this.#expected.keys()) problems.add('window', `${name} ${key} is missing`)
    this.#expected.clear()
  }

  #compareSums(key: string, expected: Sums, found: readonly bigint[], problems: Problems): void {
    for (const [column, name] of WINDOW_COLUMNS.entries()) {
      const wanted = column === COST ? expected.costNanoUsd : (expected.counts[column] as number)
      problems.compare('window', `${this.#table.name} ${key}: ${name}`, wanted, found[column] ?? null)
    }
    const [events = 0n, late = 0n] = found
    if (late > events) problems.add('window', `${this.#table.name} ${key}: more late events than events`)
  }
}

/** Only the model can contain a space, and it comes last. */
function windowKey(nodeId: string, startMs: number, taskSource: string, modelId: string): string {
  return `${nodeId} ${new Date(startMs).toISOString()} ${taskSource} ${modelId}`
}
