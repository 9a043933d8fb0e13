import { partitionOfKey } from '../../schemas/ids.ts'
import { ENERGY_SOURCES, energyOfGpuTime, EXECUTIONS, PAID_API_ENERGY_MWH } from '../../schemas/usage.ts'
import { COMPILED_TABLE } from '../../schemas/model-table.ts'
import type { ModelTable } from '../../schemas/model-table.ts'
import type { ModelFacts } from '../../schemas/models.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import type { BlockLog } from '../blocks/block-log.ts'
import { ageProblem } from './accept/accept.ts'
import type { UsageCounts } from './batch-counts.ts'
import { EventRows, workOf } from './blocks.ts'
import type { EventProblem } from '../blocks/dead-letter.ts'
import type { UsageColumns } from './decode.ts'
import type { HandOver } from './hand-over.ts'
import type { IdMemory } from '../dedupe/id-memory.ts'
import { ENTRY_WORDS } from '../dedupe/id-table.ts'
import type { Seen } from '../dedupe/id-table.ts'
import { EventIdentities } from './identities.ts'
import type { Found } from '../dedupe/lookup.ts'
import { isLate, LARGE, minuteOf, SUM_COLUMNS, SUMS } from '../windows/deltas.ts'
import type { Deltas } from '../windows/deltas.ts'
import { ID_FORM } from './text-id.ts'

/** What the events of one batch are written into. */
export interface BatchOutputs {
  readonly log: BlockLog
  readonly minutes: Deltas
  readonly handOver: HandOver
  readonly counts: UsageCounts
}

/** One record's place and times. */
export interface RecordContext {
  readonly offset: number
  /** LogAppendTime: receipt. */
  readonly receivedAtMs: number
  /** The receipt by which age is judged: for a replayed dead letter, that of the original record. */
  readonly judgedAtMs: number
  /** The watermark once this record is included. */
  readonly watermarkMs: number
  readonly modelsVersion: number
  /** Whether a text may have been counted before texts had an identity of their own. */
  readonly textsAsBefore: boolean
}

const ESTIMATE = ENERGY_SOURCES.indexOf('estimate')
/** The value of `api` in the columns. */
const PAID = EXECUTIONS.indexOf('api') + 1

/**
 * Counts events, each once: the rules that turn a decoded event into rows, sums and costs. There is one instance for each
 * task; it keeps what it derived from nodes and models, by their numbers in the columns' dictionaries.
 */
export class EventCounter {
  readonly #columns: UsageColumns
  readonly #partition: number
  readonly #partitions: number
  /** The identities of the events in the columns. */
  readonly identities: EventIdentities
  /** The entries of the record at hand. */
  readonly #entries = new Int32Array(USAGE_BOUNDS.eventsPerRecordMax * ENTRY_WORDS)
  /** The numbers of the event at hand, in the order of `SUMS`. */
  readonly #values = new Float64Array(SUM_COLUMNS)
  readonly #rows = new EventRows()
  readonly #nodePartitions: (number | undefined)[] = []
  /** By number of the model, for the table in use: each name is looked up once. */
  readonly #modelFacts: (ModelFacts | undefined)[] = []
  #models = COMPILED_TABLE
  /** True while sums of earlier events are written: an error then has nothing to do with the event at hand. */
  isCutting = false
  /** The newest time of the events that this batch counted. */
  newestOccurredAt = Number.NEGATIVE_INFINITY

  constructor(options: {
    readonly columns: UsageColumns
    readonly partition: number
    readonly partitions: number
    readonly idKey: Buffer
  }) {
    this.#columns = options.columns
    this.#partition = options.partition
    this.#partitions = options.partitions
    this.identities = new EventIdentities(options.columns, options.idKey)
  }

  /** The version of the table of models in use. */
  get modelsVersion(): number {
    return this.#models.version
  }

  /** Called between batches with the table of models that applies from the next event on. */
  useModels(table: ModelTable): void {
    if (table === this.#models) return
    this.#models = table
    this.#modelFacts.length = 0
  }

  /** Called between batches; `forget` also drops what was derived from strings. */
  beginBatch(forget: boolean): void {
    this.isCutting = false
    this.newestOccurredAt = Number.NEGATIVE_INFINITY
    if (!forget) return
    this.#columns.forget()
    this.identities.forget()
    for (const derived of [this.#nodePartitions, this.#modelFacts]) derived.length = 0
  }

  /**
   * Called before the events of a record are counted: hashes all of its ids and touches their places in memory, so that
   * the cache misses overlap and do not follow one another.
   */
  beginRecord(memory: IdMemory): void {
    const { count, refused } = this.#columns
    for (let index = 0; index < count; index++) {
      if (refused[index] === 0) this.identities.hash(index, this.#entries, index * ENTRY_WORDS)
    }
    memory.touch(this.#entries, count)
    this.#values[SUMS.events] = 1
  }

  /** The reason why event `index` may not be counted at all, its id not considered; null where it may. */
  problemOf(index: number, judgedAtMs: number): EventProblem | null {
    const columns = this.#columns
    if (!this.isHere(index)) {
      const node = columns.nodes.text(columns.node[index] as number)
      return { index, code: 'wrong_partition', detail: `node ${node} belongs to another partition` }
    }
    const { taskSlackMs } = USAGE_BOUNDS
    const age = ageProblem(columns.occurredAt[index] as number, judgedAtMs, taskSlackMs)
    if (age !== null) return { index, code: age.code, detail: `${age.path}: ${age.detail}` }
    return null
  }

  /** Whether event `index` belongs to a node of this partition. */
  isHere(index: number): boolean {
    return this.partitionOf(index) === this.#partition
  }

  /** The partition that the node of event `index` belongs to. */
  partitionOf(index: number): number {
    const { node, nodes } = this.#columns
    const number = node[index] as number
    return (this.#nodePartitions[number] ??= partitionOfKey(nodes.bytes(number), this.#partitions))
  }

  /** Event `index` is set aside: its node learns of it, if it names a node of this partition. */
  setAside(index: number, record: RecordContext, { handOver }: BatchOutputs): void {
    if (!this.#columns.namesNode(index) || !this.isHere(index)) return
    this.#cutIfFull(handOver, index, record)
    handOver.addSetAside(index)
  }

  #cutIfFull(handOver: HandOver, index: number, { offset, watermarkMs }: RecordContext): void {
    if (!handOver.isFull()) return
    this.isCutting = true
    handOver.cut({ offset, index }, watermarkMs)
    this.isCutting = false
  }

  /** Counts event `index` unless it is a repeat; returns the problem of a conflict. */
  count(
    index: number,
    record: RecordContext,
    memory: IdMemory,
    found: Found | null,
    out: BatchOutputs,
  ): EventProblem | null {
    const entries = this.#entries
    const at = index * ENTRY_WORDS
    let seen: Seen = 'new'
    const asBefore = record.textsAsBefore && this.#columns.idForm[index] === ID_FORM.hashed
    if ((found !== null || asBefore) && memory.find(entries, at) === 'new') {
      if (found !== null) seen = this.#foundInClickhouse(this.identities.nameOf(index), index, found)
      if (seen === 'repeat') out.counts.repeatsInClickhouse++
      else if (seen === 'new' && asBefore) seen = this.#countedBefore(index, memory, found, out.counts)
      if (seen === 'repeat') return null
    }
    if (seen === 'new') seen = memory.add(entries, at)
    if (seen === 'repeat') {
      out.counts.repeatsInMemory++
      return null
    }
    if (seen === 'conflict') {
      out.counts.conflicts++
      return { index, code: 'conflict', detail: 'the id is taken by an event with another content' }
    }
    const occurredAtMs = this.#columns.occurredAt[index] as number
    if (occurredAtMs > this.newestOccurredAt) this.newestOccurredAt = occurredAtMs
    this.#addUp(index, record, out)
    return null
  }

  /** Whether event `index`, which has a text, was counted under the identity that it had before rules 3. */
  #countedBefore(index: number, memory: IdMemory, found: Found | null, counts: UsageCounts): Seen {
    const seen = memory.find(this.identities.entryBefore(index))
    if (seen === 'repeat') counts.repeatsInMemory++
    if (seen !== 'new' || found === null) return seen
    const stored = this.#foundInClickhouse(this.identities.nameBefore(index), index, found)
    if (stored === 'repeat') counts.repeatsInClickhouse++
    return stored
  }

  #foundInClickhouse(name: string, index: number, found: Found): Seen {
    const content = found.get(name)
    if (content === undefined) return 'new'
    const at = index * ENTRY_WORDS
    const isSame = content.low === this.#entries[at + 4] && content.high === this.#entries[at + 5]
    return isSame ? 'repeat' : 'conflict'
  }

  #modelOf(index: number): ModelFacts {
    const number = this.#columns.model[index] as number
    return (this.#modelFacts[number] ??= this.#models.factsOf(this.#columns.models.text(number)))
  }

  /** Turns the event into its numbers, and those into sums and a row. */
  #addUp(index: number, record: RecordContext, out: BatchOutputs): void {
    const columns = this.#columns
    const values = this.#values
    const occurredAt = columns.occurredAt[index] as number
    const tokensIn = columns.tokensIn[index] as number
    const tokensOut = columns.tokensOut[index] as number
    const minute = minuteOf(occurredAt)
    const late = isLate(minute, record.watermarkMs)

    // GPU time as given, else 1 GPU-second per 1,000 tokens.
    const givenGpuMs = columns.gpuMs[index] as number
    const gpuMs = givenGpuMs < 0 ? tokensIn + tokensOut : givenGpuMs
    // Energy as a meter or device measured it; else as the client estimates it; else GPU time × board power.
    const givenMwh = columns.energyMwh[index] as number
    const isMeasured = givenMwh >= 0 && columns.energySource[index] !== ESTIMATE
    const model = this.#modelOf(index)
    const hasMore = columns.hasMore[index] === 1
    // What the event itself reports takes precedence over the table.
    const execution = hasMore ? (columns.more.execution[index] as number) : 0
    const isPaid = execution === 0 ? model.paid_api : execution === PAID
    const inferences = hasMore ? (columns.more.inferences[index] as number) : 1
    const energyMwh = givenMwh >= 0 ? givenMwh : energyOfGpuTime(gpuMs, model.tdp_watts)

    values[SUMS.lateEvents] = late ? 1 : 0
    values[SUMS.tokensIn] = tokensIn
    values[SUMS.tokensOut] = tokensOut
    values[SUMS.durationMs] = Math.max(0, columns.durationMs[index] as number)
    values[SUMS.gpuMsMeasured] = givenGpuMs < 0 ? 0 : gpuMs
    values[SUMS.gpuMsEstimated] = givenGpuMs < 0 ? gpuMs : 0
    values[SUMS.energyMwhMeasured] = isMeasured ? energyMwh : 0
    values[SUMS.energyMwhEstimated] = isMeasured ? 0 : energyMwh
    values[SUMS.energyMwhCompatible] = isPaid ? PAID_API_ENERGY_MWH * inferences : energyMwh
    values[SUMS.inferences] = inferences
    values[SUMS.gpuMsPaidEstimated] = isPaid && givenGpuMs < 0 ? gpuMs : 0
    values[SUMS.costNanoUsd] = columns.costNanoUsd[index] as number

    // A full hand-over record is ended before this event's numbers are in the deltas.
    const { handOver } = out
    this.#cutIfFull(handOver, index, record)
    // No number of the event is larger than this sum.
    const isLarge = tokensIn + tokensOut + gpuMs + energyMwh >= LARGE
    const node = columns.node[index] as number
    const delta = out.minutes.add(node, workOf(columns, index), minute, values, isLarge)
    this.#rows.write(out.log, columns, index, record, values, this.#entries)
    out.counts.counted++
    if (late) {
      out.minutes.cameLate(delta, record.receivedAtMs)
      out.counts.late++
    }
    handOver.add(index, values, record.judgedAtMs, isLarge)
  }
}
