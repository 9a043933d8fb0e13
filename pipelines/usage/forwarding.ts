import { framed } from '../../schemas/avro.ts'
import { LONG_BYTES_MAX, putLong } from '../../schemas/avro-bytes.ts'
import { viewOf } from '../../schemas/rowbinary.ts'
import { FORWARDING, rulesAt } from '../../schemas/since.ts'
import type { Since } from '../../schemas/since.ts'
import { FORWARDED_HEADER } from '../../schemas/usage.ts'
import { schemaOf } from '../log/records.ts'
import type { LogAppend, LogRecord } from '../log/records.ts'
import type { Forward } from '../task/task.ts'
import { UndecidedError } from '../task/undecided.ts'
import { outside } from '../log/outside.ts'
import type { EventCounter } from './count.ts'
import { decodeInto } from './decode.ts'
import type { UsageColumns } from './decode.ts'
import { originalReceipt, receiptHeaders } from './receipt.ts'
import { isUsage } from './record.ts'

/** Most events that one batch of a task sends on; those after them belong to the next batch. One record holds no more. */
export const FORWARDED_EVENTS_MAX = 10_000

/** Most bytes of events in one record that is sent on: with its headers it stays well below the topic's 2 MiB. */
const FORWARDED_BYTES_MAX = 900_000

/** An Avro array ends with an empty block. */
const ARRAY_END = Buffer.alloc(1)

/** Why a batch ends before a record: it has sent on as much as it may, or the broker did not acknowledge that. */
export type ForwardStop = 'batch_full' | 'forward_not_acknowledged'

export interface ForwardingOptions {
  readonly partition: number
  readonly topics: { readonly usageMetered: string }
  readonly idKey: Buffer
  readonly columns: UsageColumns
  readonly counter: EventCounter
  readonly forward: Forward
}

/** Whether the events of the record were already sent on: on a wrong partition they then become dead letters. */
function isForwarded({ headers }: Pick<LogRecord, 'headers'>): boolean {
  return headers[FORWARDED_HEADER]?.toString('latin1') === '1'
}

/**
 * Sends events that are on a wrong partition on to their own: the producer that put them here has another partitioner, and
 * its request was acknowledged. They are appended before the transaction that moves past them, so a crash in between sends
 * them twice, and the second copy is dropped there as a repeat.
 */
export class Forwarding {
  readonly #options: ForwardingOptions
  /** Events that the current batch has sent on. */
  #events = 0
  #isOn = true

  constructor(options: ForwardingOptions) {
    this.#options = options
  }

  /** A batch begins. `isOn` false: the topic accepts no more, and an event on a wrong partition becomes a dead letter. */
  beginBatch(isOn: boolean): void {
    this.#events = 0
    this.#isOn = isOn
  }

  /** Whether events of other partitions are sent on from this record, and so do not count here. */
  takes(record: LogRecord, since: readonly Since[]): boolean {
    return this.#isOn && !isForwarded(record) && rulesAt(since, record.offset) >= FORWARDING
  }

  /** Whether the record, which is decoded in the columns, has events that must be sent on before it is taken. */
  isDue(record: LogRecord, since: readonly Since[]): boolean {
    if (record.offset < this.#options.forward.below || !this.takes(record, since)) return false
    const { columns, counter } = this.#options
    for (let index = 0; index < columns.count; index++) {
      if (columns.refused[index] === 0 && !counter.isHere(index)) return true
    }
    return false
  }

  /**
   * Sends on what the records hold for other partitions, as many events as the batch may. Null once the broker has
   * acknowledged them; otherwise why the batch ends before the first of the records. The columns hold another record
   * afterwards.
   */
  async send(records: readonly LogRecord[], since: readonly Since[]): Promise<ForwardStop | null> {
    const appends: LogAppend[] = []
    let events = this.#events
    const { forward } = this.#options
    let { below } = forward
    for (const record of records) {
      const found = this.#ofRecord(record, since)
      if (events + found.events > FORWARDED_EVENTS_MAX) break
      events += found.events
      appends.push(...found.appends)
      below = record.offset + 1n
    }
    const [first] = records
    if (first !== undefined && below <= first.offset) return 'batch_full'
    if (!(await outside(forward.send(appends, below)))) return 'forward_not_acknowledged'
    this.#events = events
    return null
  }

  #ofRecord(record: LogRecord, since: readonly Since[]): { appends: readonly LogAppend[]; events: number } {
    const nothing = { appends: [], events: 0 }
    const { value, offset } = record
    const schemaId = schemaOf(record)
    if (value === null || schemaId === null) return nothing
    if (!isUsage(schemaId, rulesAt(since, offset)) || !this.takes(record, since)) return nothing
    try {
      const { columns, counter } = this.#options
      if (decodeInto(columns, value) !== null) return nothing
      const packs = new Map<number, EventPack>()
      let events = 0
      for (let index = 0; index < columns.count; index++) {
        if (columns.refused[index] === 1 || counter.isHere(index)) continue
        const partition = counter.partitionOf(index)
        const pack = packs.get(partition) ?? new EventPack(schemaId, columns.isPacked)
        packs.set(partition, pack)
        pack.add(value.subarray(columns.eventStart[index], columns.eventEnd[index]))
        events++
      }
      return { appends: this.#appends(record, packs), events }
    } catch (error) {
      throw new UndecidedError(offset, null, error)
    }
  }

  /** The records to append, with the receipt of the record, by which the age of their events is judged on any partition. */
  #appends(record: LogRecord, packs: ReadonlyMap<number, EventPack>): LogAppend[] {
    const { idKey, topics } = this.#options
    const topic = topics.usageMetered
    const receiptMs = originalReceipt(idKey, topic, record) ?? record.timestampMs
    return [...packs].flatMap(([partition, pack]) =>
      pack.values().map((value) => {
        const headers = { [FORWARDED_HEADER]: '1', ...receiptHeaders(idKey, topic, receiptMs, value) }
        return { partition, key: null, value, headers }
      }),
    )
  }
}

/** Values of records that hold the exact bytes of events, in the schema in which they came. */
class EventPack {
  readonly #schemaId: number
  readonly #isPacked: boolean
  readonly #values: Buffer[] = []
  #events: Buffer[] = []
  #bytes = 0

  constructor(schemaId: number, isPacked: boolean) {
    this.#schemaId = schemaId
    this.#isPacked = isPacked
  }

  add(event: Buffer): void {
    if (this.#events.length > 0 && this.#bytes + event.length > FORWARDED_BYTES_MAX) this.#cut()
    this.#events.push(event)
    this.#bytes += event.length
    if (!this.#isPacked) this.#cut()
  }

  values(): readonly Buffer[] {
    if (this.#events.length > 0) this.#cut()
    return this.#values
  }

  #cut(): void {
    const events = this.#events
    const pieces = this.#isPacked ? [countOf(events.length), ...events, ARRAY_END] : events
    this.#values.push(framed(this.#schemaId, pieces))
    this.#events = []
    this.#bytes = 0
  }
}

function countOf(events: number): Buffer {
  const bytes = Buffer.alloc(LONG_BYTES_MAX)
  return bytes.subarray(0, putLong(viewOf(bytes), 0, events))
}
