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
  /** Open addressing over the numbers of `deltas`, -1 for free: maps of maps were a quarter of the garbage. */
  #slots = new Int32Array(2_048).fill(-1)
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
    const mask = this.#slots.length - 1
    let slot = hashOf(node, model, taskSource, windowStartMs) & mask
    for (;;) {
      const delta = this.deltas[this.#slots[slot] as number]
      if (delta === undefined) break
      if (
        delta.node === node &&
        delta.windowStartMs === windowStartMs &&
        delta.model === model &&
        delta.taskSource === taskSource
      ) {
        this.#lastOfNode[node] = delta
        return delta.at
      }
      slot = (slot + 1) & mask
    }
    const number = this.deltas.length
    const delta = { node, model, taskSource, windowStartMs, at: number * SUM_COLUMNS }
    this.deltas.push(delta)
    this.#lastOfNode[node] = delta
    this.#slots[slot] = number
    if (this.deltas.length * 2 > this.#slots.length) this.#growSlots()
    if (this.deltas.length * SUM_COLUMNS > this.sums.length) {
      const grown = new Float64Array(this.sums.length * 2)
      grown.set(this.sums)
      this.sums = grown
    }
    return delta.at
  }

  clear(): void {
    this.sums.fill(0, 0, this.deltas.length * SUM_COLUMNS)
    this.deltas = []
    this.#slots.fill(-1)
    this.#lastOfNode.length = 0
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    const mask = slots.length - 1
    for (const [number, { node, model, taskSource, windowStartMs }] of this.deltas.entries()) {
      let slot = hashOf(node, model, taskSource, windowStartMs) & mask
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask
      slots[slot] = number
    }
    this.#slots = slots
  }
}

function hashOf(node: number, model: number, taskSource: number, windowStartMs: number): number {
  let hash = Math.imul(node, 0x9e3779b1) ^ Math.imul(model * 4 + taskSource, 0x85ebca6b)
  hash ^= Math.imul(windowStartMs / MINUTE_WINDOW_MS, 0xc2b2ae35)
  return hash ^ (hash >>> 15)
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
