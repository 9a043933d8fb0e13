import { inboxUsageCodec } from '../../schemas/avro.ts'
import type { InboxEntry, InboxUsage, NodeSum } from '../../schemas/records.ts'
import { TASK_SOURCES } from '../../schemas/usage.ts'
import type { TopicAppend } from '../kafka/records.ts'
import type { Dictionary } from './dictionary.ts'
import { SUM_COLUMNS, SUMS } from './rollup.ts'
import type { Deltas } from './rollup.ts'

/** Entries and sums in one inbox record before it is cut at the next event. */
export const HAND_OVER_ITEMS_MAX = 2_000

/** Cost of a node in one inbox record before it is cut: sums stay exact doubles. No other sum of a batch leaves them. */
const HAND_OVER_COST_MAX = 2 ** 51

/** A place in usage.metered: half-open ranges are made of these. */
export interface HandOverPosition {
  readonly offset: number
  readonly index: number
}

/** Columns of a node's sums, before its cost: those of `SUMS` that an account adds up. */
const ADDED = [
  SUMS.tokensIn,
  SUMS.tokensOut,
  SUMS.gpuMsMeasured,
  SUMS.gpuMsEstimated,
  SUMS.energyMwhMeasured,
  SUMS.energyMwhEstimated,
  SUMS.energyMwhCompatible,
] as const
const EVENTS = 0
const INFERENCES = 1
const FIRST_ADDED = 2
const NODE_SUM_COLUMNS = FIRST_ADDED + ADDED.length

const OWN = TASK_SOURCES.indexOf('own')

/**
 * Makes the inbox records of one transaction. Their ranges tile: the first begins where the last transaction ended,
 * the last ends at the new position, borders in between stand before an event. Sums are taken from the batch's deltas
 * when a record is cut, instead of being added a second time for each event.
 */
export class HandOver {
  readonly #minutes: Deltas
  readonly #nodeNames: Dictionary
  #from: HandOverPosition
  #entries: InboxEntry[] = []
  /** Nodes of this record's events; `#placeOf` is their place among them + 1, by their numbers. */
  #nodes: number[] = []
  #placeOf = new Int32Array(1_024)
  /** What this record pays for each of its nodes, by place. */
  #costs: number[] = []
  #named = new Uint8Array(1_024)
  #largestCost = 0
  /** The deltas' sums as of the last cut; nothing before the first one. */
  #handed: Float64Array | undefined
  #records: InboxUsage[] = []

  constructor(from: HandOverPosition, minutes: Deltas, nodeNames: Dictionary) {
    this.#from = from
    this.#minutes = minutes
    this.#nodeNames = nodeNames
  }

  /** True where the record must be cut before the next event. */
  isFull(): boolean {
    return (
      this.#entries.length + this.#nodes.length >= HAND_OVER_ITEMS_MAX ||
      this.#largestCost >= HAND_OVER_COST_MAX
    )
  }

  /** Ends the record with a border before the event at `to`, whose numbers are not in the deltas yet. */
  cut(to: HandOverPosition, watermarkMs: number): void {
    this.#end(to, watermarkMs)
    const { count, sums } = this.#minutes
    this.#from = to
    this.#entries = []
    this.#largestCost = 0
    this.#handed = sums.slice(0, count * SUM_COLUMNS)
  }

  #end(to: HandOverPosition, watermarkMs: number): void {
    this.#records.push({
      from_offset: this.#from.offset,
      from_index: this.#from.index,
      to_offset: to.offset,
      to_index: to.index,
      watermark: watermarkMs,
      entries: this.#entries,
      sums: this.#takeSums(),
    })
  }

  /** True the first time that this batch names an operator for the node: later names change nothing. */
  namesFirst(node: number): boolean {
    if (this.#named[node] === 1) return false
    while (node >= this.#named.length) {
      const named = new Uint8Array(this.#named.length * 2)
      named.set(this.#named)
      this.#named = named
    }
    this.#named[node] = 1
    return true
  }

  /** Notes an event of the node, which the deltas have; `costNanoUsd` is what is paid for it. */
  addEvent(node: number, costNanoUsd: number): void {
    const place = (this.#placeOf[node] ?? 0) - 1
    if (place < 0) this.#addNode(node, costNanoUsd)
    else if (costNanoUsd > 0) this.#costs[place] = (this.#costs[place] as number) + costNanoUsd
    if (costNanoUsd > 0) {
      const cost = this.#costs[(this.#placeOf[node] as number) - 1] as number
      if (cost > this.#largestCost) this.#largestCost = cost
    }
  }

  addEntry(entry: InboxEntry): void {
    this.#entries.push(entry)
  }

  /** The records of the range up to `to`, which is the new position: at least one, or the watermark would stand. */
  finish(to: HandOverPosition, watermarkMs: number, topic: string, partition: number): TopicAppend[] {
    this.#end(to, watermarkMs)
    return this.#records.map((record) => ({
      topic,
      partition,
      key: null,
      value: inboxUsageCodec.encode(record),
    }))
  }

  #addNode(node: number, costNanoUsd: number): void {
    while (node >= this.#placeOf.length) {
      const places = new Int32Array(this.#placeOf.length * 2)
      places.set(this.#placeOf)
      this.#placeOf = places
    }
    this.#placeOf[node] = this.#nodes.push(node)
    this.#costs.push(costNanoUsd)
  }

  /** What was added to the deltas since the last cut, per node. */
  #takeSums(): NodeSum[] {
    const sums = this.#sumsSinceCut()
    const taken = this.#nodes.map((node, place) => {
      const sum = (column: number): number => sums[place * NODE_SUM_COLUMNS + column] as number
      return {
        node_id: this.#nodeNames.text(node),
        events: sum(EVENTS),
        inferences: sum(INFERENCES),
        tokens_in: sum(2),
        tokens_out: sum(3),
        gpu_ms_measured: sum(4),
        gpu_ms_estimated: sum(5),
        energy_mwh_measured: sum(6),
        energy_mwh_estimated: sum(7),
        energy_mwh_compatible: sum(8),
        cost_nano_usd: this.#costs[place] as number,
      }
    })
    for (const node of this.#nodes) this.#placeOf[node] = 0
    this.#nodes = []
    this.#costs = []
    return taken
  }

  #sumsSinceCut(): Float64Array {
    const sums = new Float64Array(this.#nodes.length * NODE_SUM_COLUMNS)
    const { count, node, work, sums: now } = this.#minutes
    const before = this.#handed
    const since = (at: number): number => (now[at] as number) - (before?.[at] ?? 0)
    for (let delta = 0; delta < count; delta++) {
      const place = (this.#placeOf[node[delta] as number] ?? 0) - 1
      if (place < 0) continue
      const from = delta * SUM_COLUMNS
      const to = place * NODE_SUM_COLUMNS
      const events = since(from + SUMS.events)
      sums[to + EVENTS] = (sums[to + EVENTS] as number) + events
      // Own work counts as an event only.
      if (((work[delta] as number) & 3) === OWN) continue
      sums[to + INFERENCES] = (sums[to + INFERENCES] as number) + events
      for (let added = 0; added < ADDED.length; added++) {
        const at = to + FIRST_ADDED + added
        sums[at] = (sums[at] as number) + since(from + (ADDED[added] as number))
      }
    }
    return sums
  }
}
