import { inboxUsageCodec } from '../../schemas/avro.ts'
import type { InboxEntry, InboxUsage, NodeSum } from '../../schemas/records.ts'
import type { TopicAppend } from '../kafka/records.ts'
import { SUMS } from './rollup.ts'

/** Entries and sums in one inbox record before it is cut at the next event. */
export const HAND_OVER_ITEMS_MAX = 2_000

/** Cost or energy in one inbox record before it is cut: sums stay exact doubles. */
const HAND_OVER_SUM_MAX = 2 ** 51

/** A place in usage.metered: half-open ranges are made of these. */
export interface HandOverPosition {
  readonly offset: number
  readonly index: number
}

/** Columns of a node's sums; after the counts they are those of `SUMS` that an account adds up. */
const NODE_SUM_COLUMNS = 10
const ADDED = [
  SUMS.tokensIn,
  SUMS.tokensOut,
  SUMS.gpuMsMeasured,
  SUMS.gpuMsEstimated,
  SUMS.energyMwhMeasured,
  SUMS.energyMwhEstimated,
  SUMS.energyMwhCompatible,
  SUMS.costNanoUsd,
] as const
const FIRST_ADDED = 2
const COST = 9

/**
 * Makes the inbox records of one transaction. Their ranges tile: the first begins where the last transaction ended,
 * the last ends at the new position, borders in between stand before an event.
 */
export class HandOver {
  #from: HandOverPosition
  #entries: InboxEntry[] = []
  /** Sums by the node's number, and which nodes have any. */
  #sums = new Float64Array(256 * NODE_SUM_COLUMNS)
  readonly #nodes = new Map<number, string>()
  #named = new Set<number>()
  #largestSum = 0
  #records: InboxUsage[] = []

  constructor(from: HandOverPosition) {
    this.#from = from
  }

  /** True where the record must be cut before the next event. */
  isFull(): boolean {
    return (
      this.#entries.length + this.#nodes.size >= HAND_OVER_ITEMS_MAX || this.#largestSum >= HAND_OVER_SUM_MAX
    )
  }

  /** Ends the record with a border before the event at `to`. */
  cut(to: HandOverPosition, watermarkMs: number): void {
    this.#records.push({
      from_offset: this.#from.offset,
      from_index: this.#from.index,
      to_offset: to.offset,
      to_index: to.index,
      watermark: watermarkMs,
      entries: this.#entries,
      sums: this.#takeSums(),
    })
    this.#from = to
    this.#entries = []
    this.#largestSum = 0
  }

  /** True the first time that this batch names an operator for the node: later names change nothing. */
  namesFirst(node: number): boolean {
    if (this.#named.has(node)) return false
    this.#named.add(node)
    return true
  }

  addEntry(entry: InboxEntry): void {
    this.#entries.push(entry)
  }

  /** Adds an event's `values` (in the order of `SUMS`) to its node; own work counts as an event only. */
  addEvent(node: number, nodeId: string, isOwn: boolean, values: Float64Array): void {
    const at = node * NODE_SUM_COLUMNS
    if (at >= this.#sums.length) this.#grow(at)
    const sums = this.#sums
    if (sums[at] === 0) this.#nodes.set(node, nodeId)
    sums[at] = (sums[at] as number) + 1
    if (isOwn) return
    sums[at + 1] = (sums[at + 1] as number) + 1
    for (let added = 0; added < ADDED.length; added++) {
      const to = at + FIRST_ADDED + added
      const sum = (sums[to] as number) + (values[ADDED[added] as number] as number)
      sums[to] = sum
      if (sum > this.#largestSum) this.#largestSum = sum
    }
  }

  /** The records of the range up to `to`, which is the new position: at least one, or the watermark would stand. */
  finish(to: HandOverPosition, watermarkMs: number, topic: string, partition: number): TopicAppend[] {
    this.cut(to, watermarkMs)
    return this.#records.map((record) => ({
      topic,
      partition,
      key: null,
      value: inboxUsageCodec.encode(record),
    }))
  }

  #takeSums(): NodeSum[] {
    const taken: NodeSum[] = []
    for (const [node, nodeId] of this.#nodes) {
      const at = node * NODE_SUM_COLUMNS
      const sum = (column: number): number => this.#sums[at + column] as number
      taken.push({
        node_id: nodeId,
        events: sum(0),
        inferences: sum(1),
        tokens_in: sum(2),
        tokens_out: sum(3),
        gpu_ms_measured: sum(4),
        gpu_ms_estimated: sum(5),
        energy_mwh_measured: sum(6),
        energy_mwh_estimated: sum(7),
        energy_mwh_compatible: sum(8),
        cost_nano_usd: sum(COST),
      })
      this.#sums.fill(0, at, at + NODE_SUM_COLUMNS)
    }
    this.#nodes.clear()
    return taken
  }

  #grow(at: number): void {
    const grown = new Float64Array(Math.max(this.#sums.length * 2, at + NODE_SUM_COLUMNS))
    grown.set(this.#sums)
    this.#sums = grown
  }
}
