import { framed, SCHEMA_ID } from '../../schemas/avro.ts'
import { LONG_BYTES_MAX, putLong } from '../../schemas/avro-bytes.ts'
import { RowWriter } from '../../schemas/rowbinary.ts'
import { TASK_SOURCES } from '../../schemas/usage.ts'
import type { TopicAppend } from '../log/records.ts'
import type { UsageColumns } from './decode.ts'
import { InboxEntries, InboxSums } from './inbox-bytes.ts'
import { SUMS } from '../windows/deltas.ts'

/** Entries and sums in one inbox record, above which it is cut at the next event. */
export const HAND_OVER_ITEMS_MAX = 2_000

/** A node's cost, or sum of large events, in one inbox record, above which it is cut: sums stay exact doubles and longs. */
const HAND_OVER_SUM_MAX = 2 ** 51

/** A position in usage.metered: half-open ranges are made of these. */
export interface HandOverPosition {
  readonly offset: number
  readonly index: number
}

/** The numbers of an event that an account adds up, between `inferences` and the cost. */
const ADDED = [
  SUMS.tokensIn,
  SUMS.tokensOut,
  SUMS.gpuMsMeasured,
  SUMS.gpuMsEstimated,
  SUMS.energyMwhMeasured,
  SUMS.energyMwhEstimated,
  SUMS.energyMwhCompatible,
] as const
/** The places of a node's sums, in the order of the schema. */
const EVENTS = 0
const INFERENCES = 1
const FIRST_ADDED = 2
const COST = FIRST_ADDED + ADDED.length
const PAID = COST + 1
const SET_ASIDE = PAID + 1
const NODE_SUMS = SET_ASIDE + 1

const OWN = TASK_SOURCES.indexOf('own')

const INITIAL_NODES = 64

/**
 * Makes the inbox records of one transaction after the other. Their ranges tile: the first begins where the last
 * transaction ended, the last ends at the new position, and each border in between is before an event.
 */
export class HandOver {
  readonly #columns: UsageColumns
  readonly #entries = new InboxEntries()
  readonly #sumsWritten = new InboxSums()
  #from: HandOverPosition = { offset: 0, index: 0 }
  /** Nodes of this record's events, by place. */
  #nodes = new Int32Array(INITIAL_NODES)
  #sums = new Float64Array(INITIAL_NODES * NODE_SUMS)
  #count = 0
  /** Place of a node + 1, by its number. */
  #placeOf = new Int32Array(INITIAL_NODES)
  /** 1 where this transaction named the node's operator, by the node's number. */
  #named = new Uint8Array(INITIAL_NODES)
  #largestSum = 0
  #records: Buffer[] = []

  /** The events that are passed by index are in `columns`. */
  constructor(columns: UsageColumns) {
    this.#columns = columns
  }

  /** A transaction begins at `from`; what was not finished is forgotten. */
  begin(from: HandOverPosition): void {
    this.#from = from
    this.#named.fill(0)
    this.#records = []
    this.#entries.take()
    this.#forgetSums()
  }

  /** True where the record must be cut before the next event. */
  isFull(): boolean {
    return this.#entries.count + this.#count >= HAND_OVER_ITEMS_MAX || this.#largestSum >= HAND_OVER_SUM_MAX
  }

  /** Ends the record with a border before the event at `to`, which was not added yet. */
  cut(to: HandOverPosition, watermarkMs: number): void {
    for (let place = 0; place < this.#count; place++) {
      const from = place * NODE_SUMS
      this.#sumsWritten.add(
        this.#columns.nodes,
        this.#nodes[place] as number,
        this.#sums,
        from,
        from + NODE_SUMS,
      )
    }
    const head = new RowWriter(5 * LONG_BYTES_MAX)
    let at = 0
    for (const value of [this.#from.offset, this.#from.index, to.offset, to.index, watermarkMs]) {
      at = putLong(head.view, at, value)
    }
    head.advance(at)
    const pieces = [head.take(), this.#entries.take(), this.#sumsWritten.take()]
    this.#records.push(framed(SCHEMA_ID.inboxUsage, pieces))
    this.#from = to
    this.#forgetSums()
  }

  /**
   * Event `index` of the record in the columns is counted; `values` are its numbers in the order of `SUMS`, then its receipt, and
   * whether it is large (`LARGE`).
   */
  add(index: number, values: Float64Array, receivedAtMs: number, isLarge = false): void {
    const columns = this.#columns
    const node = columns.node[index] as number
    const at = this.#sumsOf(node)
    const sums = this.#sums
    sums[at + EVENTS] = (sums[at + EVENTS] as number) + 1
    // Own work is only an event: it is recorded and never paid.
    const isOwn = columns.taskSource[index] === OWN
    const costNanoUsd = isOwn ? 0 : (values[SUMS.costNanoUsd] as number)
    if (!isOwn) {
      sums[at + INFERENCES] = (sums[at + INFERENCES] as number) + (values[SUMS.inferences] as number)
      sums[at + PAID] = (sums[at + PAID] as number) + (values[SUMS.gpuMsPaidEstimated] as number)
      for (let added = 0; added < ADDED.length; added++) {
        const sum = at + FIRST_ADDED + added
        sums[sum] = (sums[sum] as number) + (values[ADDED[added] as number] as number)
      }
      if (isLarge) this.#noteLargest(at)
    }
    if (costNanoUsd > 0) {
      const cost = (sums[at + COST] as number) + costNanoUsd
      sums[at + COST] = cost
      if (cost > this.#largestSum) this.#largestSum = cost
    }
    // Later names in a batch change nothing: the first one is in force.
    const namesOperator = (columns.operator[index] as number) >= 0 && this.#named[node] === 0
    if (namesOperator) this.#named[node] = 1
    // An event without cost uses its reservation up, or the reservation would hold its share of the day permanently.
    const isCost = costNanoUsd > 0 || (columns.reservation.start[index] as number) >= 0
    if (!namesOperator && !isCost) return
    this.#entries.add(columns, index, namesOperator, isCost ? costNanoUsd : null, receivedAtMs)
  }

  /** Event `index` of the record in the columns is set aside: its node learns how many there were. */
  addSetAside(index: number): void {
    const at = this.#sumsOf(this.#columns.node[index] as number)
    this.#sums[at + SET_ASIDE] = (this.#sums[at + SET_ASIDE] as number) + 1
  }

  /** The records of the range up to `to`, which is the new position: at least one, or the watermark would not advance. */
  finish(to: HandOverPosition, watermarkMs: number, topic: string, partition: number): TopicAppend[] {
    this.cut(to, watermarkMs)
    const records = this.#records
    this.#records = []
    return records.map((value) => ({ topic, partition, key: null, value }))
  }

  #noteLargest(at: number): void {
    for (let sum = FIRST_ADDED; sum < COST; sum++) {
      this.#largestSum = Math.max(this.#largestSum, this.#sums[at + sum] as number)
    }
  }

  /** Where the sums of a node begin. */
  #sumsOf(node: number): number {
    const place = (this.#placeOf[node] ?? 0) - 1
    return (place < 0 ? this.#addNode(node) : place) * NODE_SUMS
  }

  #addNode(node: number): number {
    const place = this.#count++
    if (place >= this.#nodes.length) {
      this.#nodes = doubled(this.#nodes, new Int32Array(this.#nodes.length * 2))
      this.#sums = doubled(this.#sums, new Float64Array(this.#sums.length * 2))
    }
    while (node >= this.#placeOf.length) {
      this.#placeOf = doubled(this.#placeOf, new Int32Array(this.#placeOf.length * 2))
      this.#named = doubled(this.#named, new Uint8Array(this.#named.length * 2))
    }
    this.#nodes[place] = node
    this.#placeOf[node] = place + 1
    return place
  }

  #forgetSums(): void {
    for (let place = 0; place < this.#count; place++) this.#placeOf[this.#nodes[place] as number] = 0
    this.#sums.fill(0, 0, this.#count * NODE_SUMS)
    this.#count = 0
    this.#largestSum = 0
  }
}

function doubled<Values extends Int32Array | Uint8Array | Float64Array>(from: Values, to: Values): Values {
  to.set(from)
  return to
}
