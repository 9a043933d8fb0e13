import { LONG_BYTES_MAX, putLong } from '../../schemas/avro-bytes.ts'
import { NODE_ID_BYTES_MAX } from '../../schemas/ids.ts'
import { RowWriter } from '../../schemas/rowbinary.ts'
import type { UsageColumns } from './decode.ts'
import type { Dictionary } from '../windows/dictionary.ts'

/** Bytes of an id with its length, and the bytes after it that copying may write. */
const ID_BYTES_MAX = 2 + NODE_ID_BYTES_MAX + 3
const EVENT_ID_BYTES = 16
const ENTRY_BYTES_MAX = 3 * ID_BYTES_MAX + EVENT_ID_BYTES + 6 * LONG_BYTES_MAX

const NULL = 0
const VALUE = 1

/**
 * An array of `inbox-usage.v3` as Avro, while it is made: items are written directly as bytes. As objects for avsc, entries
 * and sums of 2,000 nodes took a sixth of an event's CPU: they live as long as their batch, and so reach V8's old space.
 */
abstract class InboxArray {
  protected readonly items = new RowWriter(4_096)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Makes room for an item; returns the place where it begins. */
  protected begin(bytesMax: number): number {
    this.#count++
    return this.items.room(bytesMax)
  }

  /** Returns the array, one block of items and an empty block, and forgets the items. */
  take(): Buffer {
    const end = this.items.room(1)
    this.items.view.setUint8(end, 0)
    this.items.advance(this.#count === 0 ? end : end + 1)
    const head = new RowWriter(LONG_BYTES_MAX)
    head.advance(putLong(head.view, 0, this.#count))
    this.#count = 0
    return Buffer.concat([head.take(), this.items.take()])
  }
}

/** Entries: costs, and operators where they are named for the first time. */
export class InboxEntries extends InboxArray {
  /**
   * Adds event `index` of the record in the columns, which names its operator, or has a cost (0 for one of a reservation),
   * or both.
   */
  add(
    columns: UsageColumns,
    index: number,
    namesOperator: boolean,
    costNanoUsd: number | null,
    receivedAtMs: number,
  ): void {
    let at = this.begin(ENTRY_BYTES_MAX)
    const { view } = this.items
    at = putText(view, at, columns.nodes, columns.node[index] as number)
    at = putLong(view, at, namesOperator ? VALUE : NULL)
    if (namesOperator) at = putText(view, at, columns.operators, columns.operator[index] as number)
    at = putLong(view, at, costNanoUsd === null ? NULL : VALUE)
    if (costNanoUsd !== null) {
      at = putBytes(view, at, columns.idBytes(index), columns.idStart[index] as number, EVENT_ID_BYTES)
      at = putLong(view, at, columns.taskSource[index] as number)
      at = putLong(view, at, columns.occurredAt[index] as number)
      at = putLong(view, at, costNanoUsd)
      const start = columns.reservation.start[index] as number
      at = putLong(view, at, start < 0 ? NULL : VALUE)
      if (start >= 0) {
        const length = (columns.reservation.end[index] as number) - start
        at = putLong(view, at, length)
        at = putBytes(view, at, columns.bytes, start, length)
      }
      at = putLong(view, at, receivedAtMs)
      at = putLong(view, at, columns.idKind(index))
    }
    this.items.advance(at)
  }
}

/** Sums of nodes. */
export class InboxSums extends InboxArray {
  /** Adds the numbers `sums[from, to)` of a node, in the schema's order. */
  add(nodes: Dictionary, node: number, sums: Float64Array, from: number, to: number): void {
    let at = this.begin(ID_BYTES_MAX + (to - from) * LONG_BYTES_MAX)
    const { view } = this.items
    at = putText(view, at, nodes, node)
    for (let sum = from; sum < to; sum++) at = putLong(view, at, sums[sum] as number)
    this.items.advance(at)
  }
}

function putText(view: DataView, at: number, texts: Dictionary, number: number): number {
  return texts.copy(number, view, putLong(view, at, texts.lengthOf(number)))
}

function putBytes(view: DataView, at: number, source: Uint8Array, start: number, length: number): number {
  for (let byte = 0; byte < length; byte++) view.setUint8(at + byte, source[start + byte] as number)
  return at + length
}
