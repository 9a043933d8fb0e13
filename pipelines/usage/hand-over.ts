import { inboxUsageCodec } from '../../schemas/avro.ts'
import type { InboxEntry, InboxUsage, NodeSum } from '../../schemas/records.ts'
import type { TopicAppend } from '../kafka/records.ts'

/** Entries and sums in one inbox record before it is cut at the next event. */
export const HAND_OVER_ITEMS_MAX = 2_000

/** Cost or energy in one inbox record before it is cut: sums stay exact doubles. */
const HAND_OVER_SUM_MAX = 2 ** 51

/** A place in usage.metered: half-open ranges are made of these. */
export interface HandOverPosition {
  readonly offset: number
  readonly index: number
}

/** The numbers of one event that an account adds up. */
export interface EventSum {
  readonly countsForHive: boolean
  readonly tokensIn: number
  readonly tokensOut: number
  readonly gpuMsMeasured: number
  readonly gpuMsEstimated: number
  readonly energyMwhMeasured: number
  readonly energyMwhEstimated: number
  readonly energyMwhCompatible: number
  readonly costNanoUsd: number
}

/**
 * Makes the inbox records of one transaction. Their ranges tile: the first begins where the last transaction ended,
 * the last ends at the new position, borders in between stand before an event.
 */
export class HandOver {
  #from: HandOverPosition
  #entries: InboxEntry[] = []
  #sums = new Map<number, NodeSum>()
  #named = new Set<number>()
  #largestSum = 0
  #records: InboxUsage[] = []

  constructor(from: HandOverPosition) {
    this.#from = from
  }

  /** Called before an event is added: ends the record where it is full, with a border before this event. */
  beforeEvent(position: HandOverPosition, watermarkMs: number): void {
    if (
      this.#entries.length + this.#sums.size >= HAND_OVER_ITEMS_MAX ||
      this.#largestSum >= HAND_OVER_SUM_MAX
    ) {
      this.#cut(position, watermarkMs)
    }
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

  addEvent(node: number, nodeId: string, event: EventSum): void {
    let sum = this.#sums.get(node)
    if (sum === undefined) this.#sums.set(node, (sum = emptySum(nodeId)))
    sum.events++
    if (!event.countsForHive) return
    sum.inferences++
    sum.tokens_in += event.tokensIn
    sum.tokens_out += event.tokensOut
    sum.gpu_ms_measured += event.gpuMsMeasured
    sum.gpu_ms_estimated += event.gpuMsEstimated
    sum.energy_mwh_measured += event.energyMwhMeasured
    sum.energy_mwh_estimated += event.energyMwhEstimated
    sum.energy_mwh_compatible += event.energyMwhCompatible
    sum.cost_nano_usd += event.costNanoUsd
    this.#largestSum = Math.max(
      this.#largestSum,
      sum.cost_nano_usd,
      sum.energy_mwh_measured,
      sum.energy_mwh_estimated,
    )
  }

  /** The records of the range up to `to`, which is the new position: at least one, or the watermark would stand. */
  finish(to: HandOverPosition, watermarkMs: number, topic: string, partition: number): TopicAppend[] {
    this.#cut(to, watermarkMs)
    return this.#records.map((record) => ({
      topic,
      partition,
      key: null,
      value: inboxUsageCodec.encode(record),
    }))
  }

  #cut(to: HandOverPosition, watermarkMs: number): void {
    this.#records.push({
      from_offset: this.#from.offset,
      from_index: this.#from.index,
      to_offset: to.offset,
      to_index: to.index,
      watermark: watermarkMs,
      entries: this.#entries,
      sums: [...this.#sums.values()],
    })
    this.#from = to
    this.#entries = []
    this.#sums = new Map()
    this.#largestSum = 0
  }
}

function emptySum(nodeId: string): NodeSum {
  return {
    node_id: nodeId,
    events: 0,
    inferences: 0,
    tokens_in: 0,
    tokens_out: 0,
    gpu_ms_measured: 0,
    gpu_ms_estimated: 0,
    energy_mwh_measured: 0,
    energy_mwh_estimated: 0,
    energy_mwh_compatible: 0,
    cost_nano_usd: 0,
  }
}
