import { createHash } from 'node:crypto'
import { FRAME_BYTES, SCHEMA_ID, modelsCodec, schemaIdOf } from '../../schemas/avro.ts'
import { MINUTE_WINDOW_MS, WATERMARK_DELAY_MS, windowStart } from '../../schemas/usage.ts'
import type { Model, UsageEvent } from '../../schemas/usage.ts'
import { MODELS, MODELS_VERSION } from '../../schemas/models.ts'
import { rulesAt } from '../../schemas/since.ts'
import type { Since } from '../../schemas/since.ts'
import type { SourceRecord } from './source.ts'
import { receiptOf } from './receipt.ts'
import type { ReceiptParts } from './receipt.ts'
import { isTick } from './ticks.ts'
import { CANNOT_BE_DECIDED, NOTHING_UNDECIDED, undecidedOf } from './undecided.ts'
import type { Undecided } from './undecided.ts'
import { NotAvro, decodeUsageEvents } from './usage-decode.ts'
import { measuresOf } from './usage-measures.ts'
import type { Measures } from './usage-measures.ts'
import { refusalOf } from './usage-refusal.ts'

/** The first rules by which the table of models is the version's own, and no record's. */
const OWN_TABLE = 2

/** A usage event that counts, and what follows from the log for it. */
export interface CountedEvent extends Measures {
  readonly event: UsageEvent
  readonly record: SourceRecord
  /** Place in the record, from 0. */
  readonly index: number
  /** The receipt that its age is judged by. */
  readonly receiptMs: number
  readonly late: boolean
  readonly modelsVersion: number
}

/** A record of which something must stand in dead_letters. */
export interface SetAside {
  readonly record: SourceRecord
  /** One a refused event, in order; index -1 where it is the record itself. */
  readonly reasons: readonly { readonly index: number; readonly reason: string }[]
}

export interface RecordOutcome {
  readonly counted: readonly CountedEvent[]
  readonly setAside: SetAside | null
}

export interface UsageModelOptions {
  readonly partition: number
  readonly partitions: number
  /** In force where the log does not say: its beginning may have been deleted. */
  readonly models: readonly Model[]
  readonly modelsVersion: number
  /** With which the partition began, where another version of the topics ended before it. */
  readonly watermarkMs?: number
  /** Contents that versions before have accepted, by identity. */
  readonly before?: ReadonlyMap<string, string>
  /** The record that ended the partition. */
  readonly endOffset?: bigint | null
  /** What the task could not decide. */
  readonly undecided?: Undecided
  /** From where on it judged by which rules; by those of before where it is not given. */
  readonly since?: readonly Since[]
  /** The topic's name and the installation's key, by which stated receipts are proven. */
  readonly topic?: string
  readonly idKey?: () => Buffer
}

/**
 * What one partition of usage.metered means, worked out plainly from its records in order. It remembers every id of the
 * log, so it is stricter than the guarantee in one point: a copy with another event time that came after its first copy
 * had left the aggregator's memory counts as new there, and shows as a difference here.
 */
export class UsageModel {
  readonly #partition: number
  readonly #partitions: number
  /** Accepted so far: what the client said, by identity. */
  readonly contents = new Map<string, string>()
  readonly #before: ReadonlyMap<string, string>
  readonly #endOffset: bigint | null
  readonly #undecided: Undecided
  readonly #since: readonly Since[]
  readonly #receipts: ReceiptParts
  #models: ReadonlyMap<string, Model>
  #modelsVersion: number
  #watermarkMs = 0

  constructor(options: UsageModelOptions) {
    this.#partition = options.partition
    this.#partitions = options.partitions
    this.#before = options.before ?? new Map()
    this.#endOffset = options.endOffset ?? null
    this.#undecided = options.undecided ?? NOTHING_UNDECIDED
    this.#since = options.since ?? []
    const { topic = '', idKey = () => Buffer.alloc(0) } = options
    this.#receipts = { topic, since: this.#since, idKey }
    this.#watermarkMs = options.watermarkMs ?? 0
    this.#models = byId(options.models)
    this.#modelsVersion = options.modelsVersion
  }

  /** After the records so far; 0 before the first. */
  get watermarkMs(): number {
    return this.#watermarkMs
  }

  apply(record: SourceRecord): RecordOutcome {
    if (this.#isOwnTable(record) && this.#modelsVersion !== MODELS_VERSION) {
      this.#models = byId(MODELS)
      this.#modelsVersion = MODELS_VERSION
    }
    this.#watermarkMs = Math.max(this.#watermarkMs, record.timestampMs - WATERMARK_DELAY_MS)
    const undecided = undecidedOf(this.#undecided, record)
    const events = undecided?.has(-1) === true ? CANNOT_BE_DECIDED : this.#eventsOf(record)
    if (typeof events === 'string') {
      return { counted: [], setAside: { record, reasons: [{ index: -1, reason: events }] } }
    }
    const receiptMs = receiptOf(record, this.#receipts)
    const counted: CountedEvent[] = []
    const reasons: { index: number; reason: string }[] = []
    for (const [index, event] of events.entries()) {
      const arrival = { partition: this.#partition, partitions: this.#partitions, receiptMs }
      const isUndecided = undecided?.has(index) === true
      const reason = isUndecided ? CANNOT_BE_DECIDED : (refusalOf(event, arrival) ?? this.#repeatOf(event))
      if (reason === null) counted.push(this.#count(event, record, index, receiptMs))
      else if (reason !== 'repeat') reasons.push({ index, reason })
    }
    return { counted, setAside: reasons.length === 0 ? null : { record, reasons } }
  }

  /** The events of a record, none for ticks and models, or why the record as a whole is set aside. */
  #eventsOf(record: SourceRecord): readonly UsageEvent[] | string {
    if (record.unreadable !== undefined) return 'cannot_be_unpacked'
    const { value } = record
    const schemaId = schemaIdOf(value)
    if (value === null || schemaId === null) return 'framing'
    if (schemaId === SCHEMA_ID.end && record.offset === this.#endOffset) return []
    try {
      if (schemaId === SCHEMA_ID.usageEvents) return decodeUsageEvents(value.subarray(FRAME_BYTES))
      if (schemaId === SCHEMA_ID.tick) return isTick(record, this.#since) ? [] : 'malformed'
      if (schemaId !== SCHEMA_ID.models || this.#isOwnTable(record)) return 'unknown_schema'
      const { version, models } = modelsCodec.decode(value)
      if (version > this.#modelsVersion) {
        this.#models = byId(models)
        this.#modelsVersion = version
      }
      return []
    } catch (error) {
      // avsc throws plain errors for what it cannot read.
      if (error instanceof NotAvro || schemaId !== SCHEMA_ID.usageEvents) return 'malformed'
      throw error
    }
  }

  /** Until these rules any producer could bring another table of models. */
  #isOwnTable({ offset }: SourceRecord): boolean {
    return rulesAt(this.#since, offset) >= OWN_TABLE
  }

  #repeatOf(event: UsageEvent): 'repeat' | 'conflict' | null {
    const identity = identityOf(event)
    const content = contentOf(event)
    const first = this.contents.get(identity) ?? this.#before.get(identity)
    if (first === undefined) {
      this.contents.set(identity, content)
      return null
    }
    return first === content ? 'repeat' : 'conflict'
  }

  #count(event: UsageEvent, record: SourceRecord, index: number, receiptMs: number): CountedEvent {
    const windowEndMs = windowStart(event.occurred_at, MINUTE_WINDOW_MS) + MINUTE_WINDOW_MS
    return {
      event,
      record,
      index,
      receiptMs,
      late: windowEndMs <= this.#watermarkMs,
      modelsVersion: this.#modelsVersion,
      ...measuresOf(event, this.#models.get(event.model_id)),
    }
  }
}

function byId(models: readonly Model[]): ReadonlyMap<string, Model> {
  return new Map(models.map((model) => [model.model_id, model]))
}

/** Who and which: 128 bits of the event under its node. */
export function identityOf(event: UsageEvent): string {
  return `${event.node_id} ${event.event_id.toString('hex')}`
}

/** What the client said, its spelling of the id aside, short enough to keep one for every event. */
function contentOf(event: UsageEvent): string {
  const { event_id: _id, event_text: _text, ...said } = event
  return createHash('sha256').update(JSON.stringify(said)).digest('base64').slice(0, 16)
}
