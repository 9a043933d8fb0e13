import { measuresOfCounted } from '../tables/node-totals.ts'
import type { Counted } from '../tables/raw-rows.ts'

/** Sums of an answered window, in this order. */
export const USAGE_SUMS = [
  'inferences',
  'tokens_in',
  'tokens_out',
  'gpu_ms',
  'energy_mwh',
  'nano_usd',
] as const

/** A window by its time, half-open. The windows of one query do not overlap. */
export interface QueriedWindow {
  readonly startMs: number
  readonly endMs: number
  readonly isFinal: boolean
}

/** The least and the most that may be in a window, in the order of `USAGE_SUMS`. */
export interface WindowBounds {
  readonly least: readonly bigint[]
  readonly most: readonly bigint[]
}

/** Columns of sums: money in two parts, so that a double holds the sum of each exactly. */
const COLUMNS = USAGE_SUMS.length + 1
const COST = USAGE_SUMS.length - 1
const COST_UNIT = 2 ** 20

/** The events of one node as columns: thousands of answers are compared with them. */
export class NodeUsage {
  readonly #occurredMs: Float64Array
  readonly #receivedMs: Float64Array
  readonly #late: Uint8Array
  readonly #values: Float64Array

  constructor(events: readonly Counted[]) {
    this.#occurredMs = Float64Array.from(events, ({ work }) => work.occurredAtMs)
    this.#receivedMs = Float64Array.from(events, ({ receivedAtMs }) => receivedAtMs)
    this.#late = Uint8Array.from(events, ({ late }) => (late ? 1 : 0))
    this.#values = new Float64Array(events.length * COLUMNS)
    for (const [index, event] of events.entries()) this.#values.set(valuesOf(event), index * COLUMNS)
  }

  /**
   * Bounds of each window; windows come in the order of their starts. An event is in it for certain if it was received
   * before `takenInMs`, or if the window is final and the event is not late; it cannot be in it if it was received at
   * `arrivedMs` or later.
   */
  bounds(windows: readonly QueriedWindow[], takenInMs: number, arrivedMs: number): WindowBounds[] {
    const starts = windows.map(({ startMs }) => startMs)
    const least = new Float64Array(windows.length * COLUMNS)
    const most = new Float64Array(windows.length * COLUMNS)
    for (let event = 0; event < this.#occurredMs.length; event++) {
      const occurredMs = this.#occurredMs[event] as number
      const place = lastAtOrBefore(starts, occurredMs)
      const window = windows[place]
      if (window === undefined || occurredMs >= window.endMs) continue
      const receivedMs = this.#receivedMs[event] as number
      const isSure = receivedMs < takenInMs || (window.isFinal && this.#late[event] === 0)
      if (isSure) this.#addTo(least, place, event)
      if (receivedMs < arrivedMs) this.#addTo(most, place, event)
    }
    return windows.map((_, place) => ({ least: sumsAt(least, place), most: sumsAt(most, place) }))
  }

  #addTo(sums: Float64Array, place: number, event: number): void {
    const [to, from] = [place * COLUMNS, event * COLUMNS]
    for (let column = 0; column < COLUMNS; column++) {
      sums[to + column] = (sums[to + column] as number) + (this.#values[from + column] as number)
    }
  }
}

function valuesOf(event: Counted): number[] {
  const { tokensIn, tokensOut, costNanoUsd } = event.work
  const measures = measuresOfCounted(event)
  const gpuMs = measures.gpuMsMeasured + measures.gpuMsEstimated
  const energyMwh = measures.energyMwhMeasured + measures.energyMwhEstimated
  return [
    1,
    tokensIn,
    tokensOut,
    gpuMs,
    energyMwh,
    Math.floor(costNanoUsd / COST_UNIT),
    costNanoUsd % COST_UNIT,
  ]
}

function sumsAt(sums: Float64Array, place: number): bigint[] {
  const parts = [...sums.subarray(place * COLUMNS, (place + 1) * COLUMNS)].map(BigInt)
  const [units = 0n, rest = 0n] = parts.slice(COST)
  return [...parts.slice(0, COST), units * BigInt(COST_UNIT) + rest]
}

/** The index of the last start at or before a time; -1 where there is none. */
function lastAtOrBefore(starts: readonly number[], atMs: number): number {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] as number) <= atMs) low = middle + 1
    else high = middle
  }
  return low - 1
}
