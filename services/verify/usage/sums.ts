import { MINUTE_WINDOW_MS, QUARTER_HOUR_WINDOW_MS, windowStart } from '../../../schemas/usage.ts'
import type { NodeTotalSums } from '../node-totals.ts'
import type { CountedEvent } from './model.ts'

export const SUM_COLUMNS = [
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
export type SumName = (typeof SUM_COLUMNS)[number]
export type Sums = Record<SumName, bigint>

/**
 * Sums without a second column: numbers of events do not pass 64 bits in a hundred years, and the others had 128 bits
 * from the first.
 */
const WHOLE_AT_ONCE: ReadonlySet<SumName> = new Set([
  'events',
  'late_events',
  'inferences',
  'gpu_ms_paid_estimated',
  'cost_nano_usd',
])

/** The column of a table of windows that has the whole sum, and that everybody therefore reads. */
export function columnOfSum(sum: SumName): string {
  return WHOLE_AT_ONCE.has(sum) ? sum : `wide_${sum}`
}

/** The two tables of windows. */
export const WINDOW_TABLES = [
  { name: 'usage_1m', sizeMs: MINUTE_WINDOW_MS },
  { name: 'usage_15m', sizeMs: QUARTER_HOUR_WINDOW_MS },
] as const
export type WindowTable = (typeof WINDOW_TABLES)[number]

/** One row of a table of windows. */
export interface WindowRow {
  readonly nodeId: string
  readonly startMs: number
  readonly modelId: string
  readonly taskSource: string
  readonly sums: Sums
  /** Receipt of the newest late event, UTC milliseconds; 0 for none. */
  lateAtMs: number
}

function zeroSums(): Sums {
  return Object.fromEntries(SUM_COLUMNS.map((column) => [column, 0n])) as Sums
}

/** The name of a window's row for a person; no part of it can hold a space except the model, which comes last. */
export function windowKey(nodeId: string, startMs: number, taskSource: string, modelId: string): string {
  return `${nodeId} ${new Date(startMs).toISOString()} ${taskSource} ${modelId}`
}

/** Adds counted events up per window. */
export class WindowSums {
  readonly rows = new Map<string, WindowRow>()
  readonly #sizeMs: number

  constructor(sizeMs: number) {
    this.#sizeMs = sizeMs
  }

  add(counted: CountedEvent): void {
    const { event } = counted
    const startMs = windowStart(event.occurred_at, this.#sizeMs)
    const key = windowKey(event.node_id, startMs, event.task_source, event.model_id)
    let row = this.rows.get(key)
    if (row === undefined) {
      row = {
        nodeId: event.node_id,
        startMs,
        modelId: event.model_id,
        taskSource: event.task_source,
        sums: zeroSums(),
        lateAtMs: 0,
      }
      this.rows.set(key, row)
    }
    row.lateAtMs = Math.max(row.lateAtMs, counted.lateAtMs ?? 0)
    const { sums } = row
    sums.events += 1n
    sums.late_events += counted.late ? 1n : 0n
    sums.tokens_in += BigInt(event.tokens_in)
    sums.tokens_out += BigInt(event.tokens_out)
    sums.duration_ms += BigInt(event.duration_ms ?? 0)
    sums.gpu_ms_measured += BigInt(counted.gpu_ms_measured)
    sums.gpu_ms_estimated += BigInt(counted.gpu_ms_estimated)
    sums.energy_mwh_measured += BigInt(counted.energy_mwh_measured)
    sums.energy_mwh_estimated += BigInt(counted.energy_mwh_estimated)
    sums.energy_mwh_compatible += BigInt(counted.energy_mwh_compatible)
    sums.inferences += BigInt(event.more?.inferences ?? 1)
    sums.gpu_ms_paid_estimated += BigInt(counted.gpu_ms_paid_estimated)
    sums.cost_nano_usd += BigInt(event.cost_nano_usd)
  }
}

/** Adds what an event contributes to the account of its node. */
export function addEvent(sums: NodeTotalSums, counted: CountedEvent): void {
  const { event } = counted
  const totals = sums.of(event.node_id)
  totals.events += 1n
  if (event.task_source === 'own') return
  totals.inferences += BigInt(event.more?.inferences ?? 1)
  totals.gpu_ms_paid_estimated += BigInt(counted.gpu_ms_paid_estimated)
  totals.tokens_in += BigInt(event.tokens_in)
  totals.tokens_out += BigInt(event.tokens_out)
  totals.gpu_ms_measured += BigInt(counted.gpu_ms_measured)
  totals.gpu_ms_estimated += BigInt(counted.gpu_ms_estimated)
  totals.energy_mwh_measured += BigInt(counted.energy_mwh_measured)
  totals.energy_mwh_estimated += BigInt(counted.energy_mwh_estimated)
  totals.energy_mwh_compatible += BigInt(counted.energy_mwh_compatible)
  totals.cost_nano_usd += BigInt(event.cost_nano_usd)
}
