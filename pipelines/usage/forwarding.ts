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

/** Events that one batch of a task sends on; what comes behind them is the next batch's. One record holds no more. */
export const FORWARDED_EVENTS_MAX = 10_000

/** Bytes of events in one record that is sent on: with its headers well below the topic's 2 MiB. */
const FORWARDED_BYTES_MAX = 900_000

/** An Avro array ends with an empty block. */
const ARRAY_END = Buffer.alloc(1)

/** Why a batch ends before a record: it has sent on as much as it may, or what the record holds is not known to be there. */
export type ForwardStop = 'batch_full' | 'forward_not_acknowledged'

export interface ForwardingOptions {
  readonly partition: number
  readonly topics: { readonly usageMetered: string }
  readonly idKey: Buffer
  readonly columns: UsageColumns
  readonly counter: EventCounter
  readonly forward: Forward
}

/** Whether an event of the record was sent on already: on a wrong partition it is a letter then. */
function isForwarded({ headers }: Pick<LogRecord, 'headers'>): boolean {
  return headers[FORWARDED_HEADER]?.toString('latin1') === '1'
}

/**
 * Sends events that stand on a wrong partition on to their own: the producer that put them here has another partitioner, and
 * was told that all is well. They are appended before the transaction that moves past them, so a crash in between sends them
 * twice, and the second copy is dropped there as a repeat.
 */
export class Forwarding {
  readonly #options: ForwardingOptions
  /** Of records below this task has sent everything on: a record that has to wait is not sent on again and again. */
  #below = 0n
  /** Events that the batch at hand has sent on. */
  #events = 0
  #isOn = true

  constructor(options: ForwardingOptions) {
    this.#options = options
  }

  /** A batch begins. `isOn` false: the topic takes nothing more, and what is wrong here is a letter. */
  beginBatch(isOn: boolean): void {
    this.#events = 0
    this.#isOn = isOn
  }

  /** Whether events of other partitions are sent on from this record, and so are none of this one's. */
  takes(record: LogRecord, since: readonly Since[]): boolean {
    return this.#isOn && !isForwarded(record) && rulesAt(since, record.offset) >= FORWARDING
  }

  /** Whether the record, which stands decoded in the columns, has events that must be sent on before it is taken. */
  isDue(record: LogRecord, since: readonly Since[]): boolean {
    if (record.offset < this.#below || !this.takes(record, since)) return false
    const { columns, counter } = this.#options
    for (let index = 0; index < columns.count; index++) {
      if (columns.refused[index] === 0 && !counter.isHere(index)) return true
    }
    return false
  }

  /**
   * Sends on what the records hold for other partitions, as many of them as the batch may; null once the broker has
   * acknowledged it, else why the batch ends before the first of them. The columns hold another record afterwards.
   */
  async send(records: readonly LogRecord[], since: readonly Since[]): Promise<ForwardStop | null> {
    const appends: LogAppend[] = []
    let events = this.#events
    let below = this.#below
    for (const record of records) {
      const found = this.#ofRecord(record, since)
      if (events + found.events > FORWARDED_EVENTS_MAX) break
      events += found.events
      appends.push(...found.appends)
      below = record.offset + 1n
    }
    const [first] = records
    if (first !== undefined && below <= first.offset) return 'batch_full'
    if (!(await outside(this.#options.forward(appends)))) return 'forward_not_acknowledged'
    this.#events = events
    this.#below = below
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

  /** With the receipt of the record, by which their age is judged wherever they come to. */
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

/** Values of records that hold the very bytes of events, in the schema that they came in. */
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
