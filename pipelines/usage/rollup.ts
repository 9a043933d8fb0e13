import { MINUTE_WINDOW_MS, QUARTER_HOUR_WINDOW_MS, windowStart } from '../../schemas/usage.ts'

/** Columns of a delta, in the order of the accumulators. */
export const SUMS = {
  events: 0,
  lateEvents: 1,
  tokensIn: 2,
  tokensOut: 3,
  durationMs: 4,
  gpuMsMeasured: 5,
  gpuMsEstimated: 6,
  energyMwhMeasured: 7,
  energyMwhEstimated: 8,
  energyMwhCompatible: 9,
  costNanoUsd: 10,
  /** Units of 2^50 nano-USD that were carried out of `costNanoUsd`, so that no sum leaves exact doubles. */
  costCarry: 11,
} as const
export const SUM_COLUMNS = 12

const CARRY_NANO_USD = 2 ** 50

/** Sums of one series (node, model, task source) in one window. */
export interface Delta {
  readonly node: number
  readonly model: number
  readonly taskSource: number
  readonly windowStartMs: number
  /** Where its sums begin in `Deltas.sums`. */
  readonly at: number
}

/** Adds `costNanoUsd` to the sums that begin at `at`, carrying as needed. Each cost is below 2^50. */
export function addCost(sums: Float64Array, at: number, costNanoUsd: number): void {
  const total = (sums[at + SUMS.costNanoUsd] as number) + costNanoUsd
  if (total >= CARRY_NANO_USD) {
    sums[at + SUMS.costNanoUsd] = total - CARRY_NANO_USD
    sums[at + SUMS.costCarry] = (sums[at + SUMS.costCarry] as number) + 1
  } else {
    sums[at + SUMS.costNanoUsd] = total
  }
}

/** The whole cost of the sums that begin at `at`. */
export function costOf(sums: Float64Array, at: number): bigint {
  return (BigInt(sums[at + SUMS.costCarry] as number) << 50n) + BigInt(sums[at + SUMS.costNanoUsd] as number)
}

/**
 * Deltas of one batch: sums per series and window over one growing typed array. Integers only, each far below 2^53
 * (a batch is bounded), so adding is exact and order does not matter.
 */
export class Deltas {
  sums = new Float64Array(1_024 * SUM_COLUMNS)
  deltas: Delta[] = []
  readonly #series = new Map<number, Map<number, number>>()
  /** The last delta of each node: most events go where the node's event before them went. */
  readonly #lastOfNode: (Delta | undefined)[] = []

  /** Adds one event's `values` (in the order of `SUMS`, its cost last) to its series' minute window. */
  add(node: number, model: number, taskSource: number, windowStartMs: number, values: Float64Array): void {
    const last = this.#lastOfNode[node]
    const at =
      last !== undefined &&
      last.windowStartMs === windowStartMs &&
      last.model === model &&
      last.taskSource === taskSource
        ? last.at
        : this.at(node, model, taskSource, windowStartMs)
    const { sums } = this
    for (let column = 0; column < SUMS.costNanoUsd; column++) {
      sums[at + column] = (sums[at + column] as number) + (values[column] as number)
    }
    addCost(sums, at, values[SUMS.costNanoUsd] as number)
  }

  /** Where the sums of a series' minute window begin; made where they are new. */
  at(node: number, model: number, taskSource: number, windowStartMs: number): number {
    // Fits 53 bits: dictionaries hold at most 2^18 nodes and models before they are emptied, plus one batch's.
    const key = (node * 8_388_608 + model) * 4 + taskSource
    let windows = this.#series.get(key)
    if (windows === undefined) this.#series.set(key, (windows = new Map()))
    const known = windows.get(windowStartMs)
    if (known !== undefined) {
      this.#lastOfNode[node] = this.deltas[known / SUM_COLUMNS]
      return known
    }
    const at = this.deltas.length * SUM_COLUMNS
    if (at === this.sums.length) {
      const grown = new Float64Array(this.sums.length * 2)
      grown.set(this.sums)
      this.sums = grown
    }
    windows.set(windowStartMs, at)
    const delta = { node, model, taskSource, windowStartMs, at }
    this.deltas.push(delta)
    this.#lastOfNode[node] = delta
    return at
  }

  clear(): void {
    this.sums.fill(0, 0, this.deltas.length * SUM_COLUMNS)
    this.deltas = []
    this.#series.clear()
    this.#lastOfNode.length = 0
  }
}

/** The deltas of 15-minute windows: sums of those of the minutes. */
export function toQuarterHours(minutes: Deltas): Deltas {
  const quarters = new Deltas()
  for (const { node, model, taskSource, windowStartMs, at } of minutes.deltas) {
    const start = windowStart(windowStartMs, QUARTER_HOUR_WINDOW_MS)
    const to = quarters.at(node, model, taskSource, start)
    const { sums } = quarters
    for (let column = 0; column < SUMS.costNanoUsd; column++) {
      sums[to + column] = (sums[to + column] as number) + (minutes.sums[at + column] as number)
    }
    addCost(sums, to, minutes.sums[at + SUMS.costNanoUsd] as number)
    sums[to + SUMS.costCarry] =
      (sums[to + SUMS.costCarry] as number) + (minutes.sums[at + SUMS.costCarry] as number)
  }
  return quarters
}

/** Start of the minute window of an event. */
export function minuteOf(occurredAtMs: number): number {
  return windowStart(occurredAtMs, MINUTE_WINDOW_MS)
}

/** An event is late when its minute's end is at or before the watermark, its own record included. */
export function isLate(minuteStartMs: number, watermarkMs: number): boolean {
  return minuteStartMs + MINUTE_WINDOW_MS <= watermarkMs
}
