import { createHash } from 'node:crypto'
import { FRAME_BYTES, SCHEMA_ID, modelsCodec, schemaIdOf } from '../../../schemas/avro.ts'
import { MINUTE_WINDOW_MS, WATERMARK_DELAY_MS, windowStart } from '../../../schemas/usage.ts'
import type { Model, UsageEvent, UsageMore } from '../../../schemas/usage.ts'
import { MODELS, MODELS_VERSION } from '../../../schemas/models.ts'
import type { ModelFacts } from '../../../schemas/models.ts'
import { rulesAt } from '../../../schemas/since.ts'
import type { Since } from '../../../schemas/since.ts'
import { ModelVersions } from './model-tables.ts'
import type { SetAside } from '../dead-letters.ts'
import type { SourceRecord } from '../source.ts'
import { copyKey, isCopy } from './sent-on.ts'
import { receiptOf } from './receipt.ts'
import type { ReceiptParts } from './receipt.ts'
import { isTick } from '../ticks.ts'
import { CANNOT_BE_DECIDED, NOTHING_UNDECIDED, undecidedOf } from '../undecided.ts'
import type { Undecided } from '../undecided.ts'
import { NotAvro, decodeUsageEvent, decodeUsageEvents } from './decode.ts'
import { identityBefore, identityBy, identityName } from './identity.ts'
import type { EventIdentity } from './identity.ts'
import { measuresOf } from './measures.ts'
import type { Measures } from './measures.ts'
import { refusalOf } from './refusal.ts'

/** The first rules by which the table of models is the version's own, and not that of a record. */
const OWN_TABLE = 2

/** The first rules by which the table of models is the installation's, in versions of which rows name one. */
const OWN_VERSIONS = 3

/** The first rules by which events have sources, and texts an identity of their own. */
const SOURCES = 3

/** The first rules by which an event of another partition is sent on to it. */
const SENT_ON = 3

/** The first rules by which a record may be one event. */
const SINGLE = 3

/** The first rules by which a window records when a late event came. */
const LATE_TOLD = 3

/** The first rules by which estimates of paid calls are counted apart. */
const PAID_APART = 3

/** A usage event that counts, and what follows from the log for it. */
export interface CountedEvent extends Measures {
  readonly event: UsageEvent
  readonly identity: EventIdentity
  readonly record: SourceRecord
  /** Index in the record, from 0. */
  readonly index: number
  /** The receipt by which its age is judged. */
  readonly receiptMs: number
  readonly late: boolean
  /** When it made its windows late, UTC milliseconds; null where it did not, or under rules that did not keep this. */
  readonly lateAtMs: number | null
  readonly modelsVersion: number
}

/** An event of another partition, which must be there too. */
export interface SentOnEvent {
  readonly event: UsageEvent
  readonly record: SourceRecord
  readonly index: number
  readonly receiptMs: number
}

export interface RecordOutcome {
  readonly counted: readonly CountedEvent[]
  readonly sentOn: readonly SentOnEvent[]
  /** Keys of the events that were sent on to this partition by this record. */
  readonly copies: readonly string[]
  readonly setAside: SetAside | null
}

export interface UsageModelOptions {
  readonly partition: number
  readonly partitions: number
  /** The models in force where the log does not show them: its beginning may have been deleted. */
  readonly models: readonly Model[]
  readonly modelsVersion: number
  /** What rows show about later tables: the version at each offset, and what it states about a model. */
  readonly versionAt?: (offset: bigint) => number
  readonly factsOf?: (version: number, modelId: string) => ModelFacts
  /** The watermark with which the partition began, where another version of the topics ended before it. */
  readonly watermarkMs?: number
  /** Contents that versions before have accepted, by identity. */
  readonly before?: ReadonlyMap<string, string>
  /** The record that ended the partition. */
  readonly endOffset?: bigint | null
  /** What the task could not decide. */
  readonly undecided?: Undecided
  /** Events of other partitions that are letters although they would be sent on: the topic took nothing more. */
  readonly notSentOn?: Undecided
  /** The offsets from which it judged by which rules; by the older rules where this is not given. */
  readonly since?: readonly Since[]
  /** Log time before which a text may have been counted under the identity of the older rules. */
  readonly textsUntilMs?: number | null
  /** The topic's name and the installation's key, by which stated receipts are proven. */
  readonly topic?: string
  readonly idKey?: () => Buffer
}

/**
 * What one partition of usage.metered means, worked out plainly from its records in order. It remembers every id of the
 * log, so it is stricter than the guarantee in one point: a copy with another event time that came after its first copy
 * had left the aggregator's memory is counted as new by the aggregator, and shows as a difference here.
 */
export class UsageModel {
  readonly #partition: number
  readonly #partitions: number
  /** Accepted so far: what the client sent, by identity. */
  readonly contents = new Map<string, string>()
  readonly #before: ReadonlyMap<string, string>
  readonly #endOffset: bigint | null
  readonly #undecided: Undecided
  readonly #notSentOn: Undecided
  readonly #since: readonly Since[]
  readonly #receipts: ReceiptParts
  readonly #textsUntilMs: number
  readonly #versionAt: (offset: bigint) => number
  readonly #factsOf: (version: number, modelId: string) => ModelFacts
  #models: ReadonlyMap<string, Model>
  #modelsVersion: number
  #watermarkMs = 0

  constructor(options: UsageModelOptions) {
    this.#partition = options.partition
    this.#partitions = options.partitions
    this.#before = options.before ?? new Map()
    this.#endOffset = options.endOffset ?? null
    this.#undecided = options.undecided ?? NOTHING_UNDECIDED
    this.#notSentOn = options.notSentOn ?? NOTHING_UNDECIDED
    this.#since = options.since ?? []
    const { topic = '', idKey = () => Buffer.alloc(0) } = options
    this.#receipts = { topic, since: this.#since, idKey }
    this.#textsUntilMs = options.textsUntilMs ?? Number.NEGATIVE_INFINITY
    this.#watermarkMs = options.watermarkMs ?? 0
    this.#models = byId(options.models)
    this.#modelsVersion = options.modelsVersion
    const compiled = new ModelVersions()
    this.#versionAt = options.versionAt ?? (() => MODELS_VERSION)
    this.#factsOf = options.factsOf ?? ((version, modelId) => compiled.factsOf(version, modelId))
  }

  /** The watermark after the records so far; 0 before the first. */
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
      const setAside = { record, reasons: [{ index: -1, reason: events }] }
      return { counted: [], sentOn: [], copies: [], setAside }
    }
    const receiptMs = receiptOf(record, this.#receipts)
    const rules = rulesAt(this.#since, record.offset)
    const isVersion1 = schemaIdOf(record.value) === SCHEMA_ID.usageEventsV1
    const counted: CountedEvent[] = []
    const sentOn: SentOnEvent[] = []
    const reasons: { index: number; reason: string }[] = []
    for (const [index, event] of events.entries()) {
      const arrival = { partition: this.#partition, partitions: this.#partitions, receiptMs }
      const isUndecided = undecided?.has(index) === true
      const identity = identityBy(rules, event)
      const refusal = isUndecided ? CANNOT_BE_DECIDED : refusalOf(event, arrival, isVersion1)
      const reason = refusal ?? this.#repeatOf(event, identity)
      if (reason === 'wrong_partition' && this.#goesOn(record, index)) {
        sentOn.push({ event, record, index, receiptMs })
      } else if (reason === null) counted.push(this.#count({ event, identity, record, index, receiptMs }))
      else if (reason !== 'repeat') reasons.push({ index, reason })
    }
    const copies = isCopy(record) ? events.map((event) => copyKey(this.#partition, receiptMs, event)) : []
    return { counted, sentOn, copies, setAside: reasons.length === 0 ? null : { record, reasons } }
  }

  /**
   * Whether an event that is on a wrong partition here must be on its own as well; one that was sent on before becomes a
   * letter.
   */
  #goesOn(record: SourceRecord, index: number): boolean {
    if (isCopy(record) || rulesAt(this.#since, record.offset) < SENT_ON) return false
    return this.#notSentOn.get(record.offset)?.has(index) !== true
  }

  /** The events of a record, none for ticks and models, or the reason why the record as a whole is set aside. */
  #eventsOf(record: SourceRecord): readonly UsageEvent[] | string {
    if (record.unreadable !== undefined) return 'cannot_be_unpacked'
    const { value } = record
    const schemaId = schemaIdOf(value)
    if (value === null || schemaId === null) return 'framing'
    if (schemaId === SCHEMA_ID.end && record.offset === this.#endOffset) return []
    try {
      const rules = rulesAt(this.#since, record.offset)
      if (isUsage(schemaId, rules)) return usageOf(value, rules)
      if (schemaId === SCHEMA_ID.tick) return isTick(record, this.#since) ? [] : 'malformed'
      if (schemaId !== SCHEMA_ID.models || this.#isOwnTable(record)) return 'unknown_schema'
      const { version, models } = modelsCodec.decode(value)
      if (version > this.#modelsVersion) {
        this.#models = byId(models)
        this.#modelsVersion = version
      }
      return []
    } catch (error) {
      // avsc throws plain errors for bytes that it cannot read.
      if (error instanceof NotAvro || !isUsage(schemaId, SINGLE)) return 'malformed'
      throw error
    }
  }

  /** Until these rules any producer could bring another table of models. */
  #isOwnTable({ offset }: SourceRecord): boolean {
    return rulesAt(this.#since, offset) >= OWN_TABLE
  }

  #tellsPaid({ offset }: SourceRecord): boolean {
    return rulesAt(this.#since, offset) >= PAID_APART
  }

  #repeatOf(event: UsageEvent, identity: EventIdentity): 'repeat' | 'conflict' | null {
    const name = identityName(event.node_id, identity)
    const content = contentOf(event)
    const first = this.#firstOf(name) ?? this.#countedBefore(event, identity)
    if (first === undefined) {
      this.contents.set(name, content)
      return null
    }
    return first === content ? 'repeat' : 'conflict'
  }

  /** The content of what was accepted under a name. */
  #firstOf(name: string): string | undefined {
    return this.contents.get(name) ?? this.#before.get(name)
  }

  /** The content of a text that the older rules may have counted, found by their name for it. */
  #countedBefore(event: UsageEvent, identity: EventIdentity): string | undefined {
    const before = this.beforeOf(event, identity)
    return before === null ? undefined : this.#firstOf(before)
  }

  /** The name under which the older rules may have counted a text; null where they cannot have, as of the last record. */
  beforeOf(event: UsageEvent, identity: EventIdentity): string | null {
    if (this.#watermarkMs + WATERMARK_DELAY_MS >= this.#textsUntilMs) return null
    const before = identityBefore(identity, event)
    return before === null ? null : identityName(event.node_id, before)
  }

  #count(counted: Pick<CountedEvent, 'event' | 'identity' | 'record' | 'index' | 'receiptMs'>): CountedEvent {
    const { event, record } = counted
    const isOwn = rulesAt(this.#since, record.offset) >= OWN_VERSIONS
    const modelsVersion = isOwn ? this.#versionAt(record.offset) : this.#modelsVersion
    const model = isOwn ? this.#factsOf(modelsVersion, event.model_id) : this.#models.get(event.model_id)
    const windowEndMs = windowStart(event.occurred_at, MINUTE_WINDOW_MS) + MINUTE_WINDOW_MS
    const late = windowEndMs <= this.#watermarkMs
    const isRecorded = late && rulesAt(this.#since, record.offset) >= LATE_TOLD
    return {
      ...counted,
      late,
      lateAtMs: isRecorded ? record.timestampMs : null,
      modelsVersion,
      ...measuresOf(event, model, this.#tellsPaid(counted.record)),
    }
  }
}

function isUsage(schemaId: number | null, rules: number): boolean {
  if (schemaId === SCHEMA_ID.usageEvent) return rules >= SINGLE
  // Version 2 of the events' schema was unknown to the rules before those that read it.
  if (schemaId === SCHEMA_ID.usageEvents) return rules >= SOURCES
  return schemaId === SCHEMA_ID.usageEventsV1
}

/** The events of a value that holds usage, as they are read by `rules`; throws NotAvro. */
export function usageOf(value: Buffer, rules: number): readonly UsageEvent[] {
  const bytes = value.subarray(FRAME_BYTES)
  const schemaId = schemaIdOf(value)
  if (schemaId === SCHEMA_ID.usageEvent) return [decodeUsageEvent(bytes, rules)]
  return decodeUsageEvents(bytes, schemaId === SCHEMA_ID.usageEvents, rules)
}

/** The keys of what a record brings from other partitions, wherever it is; none where it is not such a record. */
export function copiesOf(
  record: SourceRecord,
  partition: number,
  { topic, idKey }: Pick<ReceiptParts, 'topic' | 'idKey'>,
): readonly string[] {
  const { value } = record
  if (!isCopy(record) || value === null || !isUsage(schemaIdOf(value), SINGLE)) return []
  // Such records are younger than the rules by which receipts are proven, and the oldest rules that made them read most.
  const receiptMs = receiptOf(record, { topic, idKey, since: [{ rules: SENT_ON, offset: 0 }] })
  try {
    return usageOf(value, SENT_ON).map((event) => copyKey(partition, receiptMs, event))
  } catch (error) {
    if (error instanceof NotAvro) return []
    throw error
  }
}

function byId(models: readonly Model[]): ReadonlyMap<string, Model> {
  return new Map(models.map((model) => [model.model_id, model]))
}

/** Only values that are not the default, since a copy that leaves a default out has the same content; labels in order. */
function nonDefaultFields(more: UsageMore | null): Record<string, unknown> {
  if (more === null) return {}
  const { gpus, inferences, labels } = more
  return {
    ...(gpus !== 1 && { gpus }),
    ...(inferences !== 1 && { inferences }),
    ...(more.tokens_cached !== null && { cached: more.tokens_cached }),
    ...(more.tokens_reasoning !== null && { reasoning: more.tokens_reasoning }),
    ...(more.execution !== null && { execution: more.execution }),
    ...(labels.length > 0 && { labels: labels.map(({ name, value }) => `${name}=${value}`).toSorted() }),
  }
}

/** What the client sent except the event's identity, short enough to keep one for every event. */
function contentOf(event: UsageEvent): string {
  const { event_id: _id, event_text: _text, event_source: _source, more, ...fields } = event
  return createHash('sha256')
    .update(JSON.stringify({ ...fields, ...nonDefaultFields(more) }))
    .digest('base64')
    .slice(0, 16)
}
