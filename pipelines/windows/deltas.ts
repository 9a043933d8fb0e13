import { MINUTE_WINDOW_MS, QUARTER_HOUR_WINDOW_MS, USAGE_BOUNDS } from '../../schemas/usage.ts'

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
  inferences: 10,
  /** The part of the estimate for calls of paid APIs. */
  gpuMsPaidEstimated: 11,
  costNanoUsd: 12,
  /** Units of 2^50 nano-USD that were carried over from `costNanoUsd`, so that every sum stays an exact double. */
  costCarry: 13,
} as const
export const SUM_COLUMNS = 14

const CARRY_NANO_USD = 2 ** 50

/**
 * Most events of one batch: with no more than these, its sums are exact doubles. Of each number except its cost, an event
 * adds less than 2^32 to a sum and the rest to another sum, so the sum stays below 2^52. A fetch is bounded only by its
 * bytes, and a few bytes may unpack to many more events.
 */
export const EVENTS_PER_BATCH_MAX = 2 ** 20

/** An event with a number at or above this is large: the multiples of it in all of its numbers are added separately. */
export const LARGE = 2 ** 32

/** Whether a batch with this many events takes another record. The first one that it does not take begins the next batch. */
export function hasRoom(events: number): boolean {
  return events + USAGE_BOUNDS.eventsPerRecordMax <= EVENTS_PER_BATCH_MAX
}

const INITIAL_DELTAS = 1_024

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
 * Deltas of one batch: sums for each series (node, model, task source) and window, in typed arrays that grow. All are
 * integers below 2^52 (`EVENTS_PER_BATCH_MAX`), so adding is exact and the order does not matter. Deltas are numbered from
 * 0.
 */
export class Deltas {
  count = 0
  /** Delta `n` has `SUM_COLUMNS` numbers, from `n * SUM_COLUMNS` on. */
  sums = new Float64Array(INITIAL_DELTAS * SUM_COLUMNS)
  node = new Int32Array(INITIAL_DELTAS)
  /** `model * 4 + task source`. */
  work = new Int32Array(INITIAL_DELTAS)
  /** Start of the window in minutes since the epoch. */
  minute = new Int32Array(INITIAL_DELTAS)
  /** By delta: what large events have beyond `sums`, in units of `LARGE`. Most batches have none. */
  readonly large = new Map<number, Float64Array>()
  /** By delta: the newest receipt of its late events, UTC milliseconds. Most deltas have none. */
  readonly lateAt = new Map<number, number>()
  /** Open addressing over the deltas' numbers; -1 marks a free slot. */
  #slots = new Int32Array(INITIAL_DELTAS * 2).fill(-1)
  /** The last delta of each node, + 1: many events belong to the same delta as the node's event before them. */
  #lastOfNode = new Int32Array(INITIAL_DELTAS)

  /**
   * Adds one event's `values` (in the order of `SUMS`, its cost last) to its series' window, and returns the delta's
   * number. `isLarge` must be true where any of them, except the cost, may be at or above `LARGE`.
   */
  add(node: number, work: number, minute: number, values: Float64Array, isLarge = false): number {
    const last = (this.#lastOfNode[node] ?? 0) - 1
    const delta =
      last >= 0 && this.minute[last] === minute && this.work[last] === work
        ? last
        : this.number(node, work, minute)
    const { sums } = this
    const at = delta * SUM_COLUMNS
    if (isLarge) this.#addLarge(delta, values)
    else {
      for (let column = 0; column < SUMS.costNanoUsd; column++) {
        sums[at + column] = (sums[at + column] as number) + (values[column] as number)
      }
    }
    addCost(sums, at, values[SUMS.costNanoUsd] as number)
    return delta
  }

  /** Records when a late event of the delta was received. */
  cameLate(delta: number, receivedAtMs: number): void {
    this.lateAt.set(delta, Math.max(this.lateAt.get(delta) ?? 0, receivedAtMs))
  }

  #addLarge(delta: number, values: Float64Array): void {
    const large = this.largeOf(delta)
    const at = delta * SUM_COLUMNS
    for (let column = 0; column < SUMS.costNanoUsd; column++) {
      const value = values[column] as number
      const units = Math.floor(value / LARGE)
      large[column] = (large[column] as number) + units
      this.sums[at + column] = (this.sums[at + column] as number) + (value - units * LARGE)
    }
  }

  /** The part of a delta in units of `LARGE`; created where it has none yet. */
  largeOf(delta: number): Float64Array {
    const known = this.large.get(delta)
    if (known !== undefined) return known
    const large = new Float64Array(SUM_COLUMNS)
    this.large.set(delta, large)
    return large
  }

  /** The number of a series' window; created where it is new. */
  number(node: number, work: number, minute: number): number {
    const mask = this.#slots.length - 1
    let slot = hashOf(node, work, minute) & mask
    for (;;) {
      const known = this.#slots[slot] as number
      if (known < 0) break
      if (this.node[known] === node && this.minute[known] === minute && this.work[known] === work) {
        this.#lastOfNode[node] = known + 1
        return known
      }
      slot = (slot + 1) & mask
    }
    const delta = this.count++
    if (this.count > this.node.length) this.#grow()
    while (node >= this.#lastOfNode.length) this.#lastOfNode = doubled(this.#lastOfNode)
    this.node[delta] = node
    this.work[delta] = work
    this.minute[delta] = minute
    this.#slots[slot] = delta
    this.#lastOfNode[node] = delta + 1
    if (this.count * 2 > this.#slots.length) this.#growSlots()
    return delta
  }

  clear(): void {
    this.sums.fill(0, 0, this.count * SUM_COLUMNS)
    this.#slots.fill(-1)
    this.#lastOfNode.fill(0)
    this.large.clear()
    this.lateAt.clear()
    this.count = 0
  }

  #grow(): void {
    this.node = doubled(this.node)
    this.work = doubled(this.work)
    this.minute = doubled(this.minute)
    const sums = new Float64Array(this.sums.length * 2)
    sums.set(this.sums)
    this.sums = sums
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    const mask = slots.length - 1
    for (let delta = 0; delta < this.count; delta++) {
      const { node, work, minute } = this
      let slot = hashOf(node[delta] as number, work[delta] as number, minute[delta] as number) & mask
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask
      slots[slot] = delta
    }
    this.#slots = slots
  }
}

function doubled(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2)
  larger.set(words)
  return larger
}

function hashOf(node: number, work: number, minute: number): number {
  const hash = Math.imul(node, 0x9e3779b1) ^ Math.imul(work, 0x85ebca6b) ^ Math.imul(minute, 0xc2b2ae35)
  return hash ^ (hash >>> 15)
}

const MINUTES_PER_QUARTER_HOUR = QUARTER_HOUR_WINDOW_MS / MINUTE_WINDOW_MS

/** Fills `quarters` with the deltas of 15-minute windows, as sums of the deltas of the minutes. */
export function toQuarterHours(minutes: Deltas, quarters: Deltas): Deltas {
  quarters.clear()
  for (let delta = 0; delta < minutes.count; delta++) {
    const minute = minutes.minute[delta] as number
    const to = quarters.number(
      minutes.node[delta] as number,
      minutes.work[delta] as number,
      minute - (minute % MINUTES_PER_QUARTER_HOUR),
    )
    const { sums } = quarters
    const from = delta * SUM_COLUMNS
    const at = to * SUM_COLUMNS
    for (let column = 0; column < SUMS.costNanoUsd; column++) {
      sums[at + column] = (sums[at + column] as number) + (minutes.sums[from + column] as number)
    }
    addCost(sums, at, minutes.sums[from + SUMS.costNanoUsd] as number)
    sums[at + SUMS.costCarry] =
      (sums[at + SUMS.costCarry] as number) + (minutes.sums[from + SUMS.costCarry] as number)
    const lateAt = minutes.lateAt.get(delta)
    if (lateAt !== undefined) quarters.cameLate(to, lateAt)
    const large = minutes.large.get(delta)
    if (large === undefined) continue
    const into = quarters.largeOf(to)
    for (const [column, units] of large.entries()) into[column] = (into[column] as number) + units
  }
  return quarters
}

/** The minute of an event, counted from the epoch. */
export function minuteOf(occurredAtMs: number): number {
  return Math.floor(occurredAtMs / MINUTE_WINDOW_MS)
}

/** An event is late when its minute's end is at or before the watermark, its own record included. */
export function isLate(minute: number, watermarkMs: number): boolean {
  return (minute + 1) * MINUTE_WINDOW_MS <= watermarkMs
}
