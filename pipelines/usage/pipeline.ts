import { aggregatorTaskCodec } from '../../schemas/avro.ts'
import type { ModelTable } from '../../schemas/model-table.ts'
import type { AggregatorTask } from '../../schemas/records.ts'
import { rulesAt } from '../../schemas/since.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import { schemaOf } from '../log/records.ts'
import type { LogRecord } from '../log/records.ts'
import { TaskLedger } from '../task/ledger.ts'
import { isOfRecords, UndecidedError } from '../task/undecided.ts'
import type { SetAside } from '../task/undecided.ts'
import type { TaskBatch, TaskCommitted, TaskDecision, TaskRestored, TaskState } from '../task/task.ts'
import type { DeadLetter, EventProblem } from '../blocks/dead-letter.ts'
import { EventCounter } from './count.ts'
import { countBatch, nothingCounted } from './batch-counts.ts'
import type { UsageCounts } from './batch-counts.ts'
import type { RecordContext } from './count.ts'
import { decodeInto, UsageColumns } from './decode.ts'
import { DICTIONARY_ENTRIES_MAX } from '../windows/dictionary.ts'
import type { Draft } from './draft.ts'
import { Forwarding } from './forwarding.ts'
import { HandOver } from './hand-over.ts'
import { idKeyFingerprint } from '../dedupe/id-hash.ts'
import { IdMemory } from '../dedupe/id-memory.ts'
import { rememberIds } from '../dedupe/id-records.ts'
import { OldIds } from './old-ids.ts'
import { isEnd } from '../log/end.ts'
import { isTick } from '../log/tick.ts'
import { originalReceipt } from './receipt.ts'
import { isUsage, leaveModels, newTask, problemsSetAside, raiseWatermark } from './record.ts'
import { textsAsBefore, textsUntil, unknownRecord } from './record.ts'
import { Deltas, hasRoom } from '../windows/deltas.ts'
import { IdKeyError } from './task-options.ts'
import type { AggregatorOptions } from './task-options.ts'
import { writeBatch } from './write-batch.ts'
import type { Writing } from './write-batch.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/**
 * The aggregator's task: drops repeats, adds up the other events, and hands over costs and sums. See the design, sections
 * 2, 4, 5.
 */
export class AggregatorState implements TaskState {
  readonly #options: AggregatorOptions
  readonly #columns = new UsageColumns()
  readonly #counter: EventCounter
  readonly #memory: IdMemory
  readonly #handOver = new HandOver(this.#columns)
  readonly #forwarding: Forwarding
  readonly #minutes = new Deltas()
  readonly #quarters = new Deltas()
  readonly #ledger: TaskLedger<AggregatorTask>
  /** Number of ids that left memory since the last transaction. */
  #evicted = 0
  #pending:
    | { firstIds: number; taskAt: number; evicted: number; counts: UsageCounts; dead: DeadLetter[] }
    | undefined

  constructor(options: AggregatorOptions) {
    this.#options = options
    this.#memory = new IdMemory(options.idPool)
    this.#counter = new EventCounter({ ...options, columns: this.#columns })
    this.#forwarding = new Forwarding({ ...options, columns: this.#columns, counter: this.#counter })
    const { topics } = options
    this.#ledger = new TaskLedger({
      ...options,
      inputTopic: topics.usageMetered,
      stateTopic: topics.usageIds,
      blockTopic: topics.usageBlocks,
      holds: 'ids',
      codec: aggregatorTaskCodec,
      first: newTask(idKeyFingerprint(options.idKey)),
      watermarkMsOf: ({ watermark }) => watermark,
    })
  }

  restore(record: LogRecord): void {
    if (this.#ledger.restore(record) || record.value === null) return
    rememberIds(this.#memory, record.value, record)
  }

  restored(inputStart: bigint): TaskRestored {
    const { partition, topics, idKey } = this.#options
    const { task } = this.#ledger
    if (!task.id_key_fingerprint.equals(idKeyFingerprint(idKey))) {
      throw new IdKeyError(
        `The id key is not the one that ${topics.usageIds}[${partition}] was written with. ` +
          'Put the installation’s own key file back (HIVEMETER_ID_KEY_FILE).',
      )
    }
    // What follows from the rules by which the task judged so far is read before the ledger adds the rules of this version.
    const note = leaveModels(task)
    task.texts_until = textsUntil(task)
    const position = this.#ledger.restored(inputStart)
    this.#showMemory()
    return { position, decidedTo: BigInt(task.position), appends: [], note }
  }

  async decide(batch: TaskBatch): Promise<TaskDecision> {
    const undecided = await this.#ledger.passes(batch)
    if (undecided !== null) return undecided
    const { models, partition } = this.#options
    const table = models.newestFor(partition, this.#ledger.task.models_version)
    if (table === null) return this.#ledger.rests('models_not_read')
    const draft = this.#begin(table, batch.setAside ?? [])
    const { position, pause } = await this.#takeAll(draft, batch)
    const moved = Number(position) > draft.task.position
    const { blocks } = this.#ledger
    if (!moved && !(pause !== null && blocks.groupOpen)) {
      // The ids that left memory for a record that has to wait are gone: `low` must not be forgotten with the batch.
      this.#ledger.decided(draft.task)
      return { appends: [], position, groupOpen: blocks.groupOpen, pause }
    }
    const endGroup = draft.ticked || pause !== null || draft.task.ended
    const appends = await writeBatch(this.#writing(), draft, { position, moved, endGroup })
    this.#ledger.decided(draft.task)
    this.#pending = {
      firstIds: appends.ids,
      taskAt: appends.records.length - 1,
      evicted: this.#evicted,
      counts: draft.counts,
      dead: draft.dead,
    }
    this.#evicted = 0
    return { appends: appends.records, position, groupOpen: blocks.groupOpen, pause }
  }

  committed(offsets: readonly bigint[]): TaskCommitted {
    const pending = this.#pending
    this.#pending = undefined
    this.#ledger.blocks.acknowledged(offsets)
    if (pending === undefined) return { deleteStateBefore: null }
    const { metrics, partition, topics, onForwarded } = this.#options
    const firstIds = offsets[pending.firstIds]
    const taskOffset = offsets[pending.taskAt]
    if (firstIds !== undefined) this.#memory.acknowledged(firstIds)
    countBatch(metrics, pending.counts, pending.dead)
    if (pending.counts.forwarded > 0) onForwarded?.(pending.counts.forwarded)
    metrics.count('hivemeter_ids_evicted_total', {}, pending.evicted)
    const place = { topic: topics.usageMetered, partition }
    metrics.set('hivemeter_watermark_timestamp_seconds', place, this.#ledger.task.watermark / SECOND_MS)
    this.#showMemory()
    if (pending.evicted === 0 || taskOffset === undefined) return { deleteStateBefore: null }
    const oldest = this.#memory.oldestOffset
    return { deleteStateBefore: oldest !== null && oldest < taskOffset ? oldest : taskOffset }
  }

  dispose(): void {
    this.#memory.release()
  }

  #writing(): Writing {
    return {
      options: this.#options,
      ledger: this.#ledger,
      memory: this.#memory,
      columns: this.#columns,
      newestOccurredAt: this.#counter.newestOccurredAt,
      quarters: this.#quarters,
    }
  }

  /** Takes the records in, up to one that has to wait or that ends the partition. */
  async #takeAll(
    draft: Draft,
    { records, nextOffset }: TaskBatch,
  ): Promise<{ readonly position: bigint; readonly pause: string | null }> {
    for (const [at, record] of records.entries()) {
      if (!hasRoom(draft.counts.events)) return { position: record.offset, pause: null }
      let pause: string | null
      try {
        const taken = this.#take(draft, record, records, at)
        pause = taken instanceof Promise ? await taken : taken
      } catch (error) {
        const isNamed = error instanceof UndecidedError || this.#counter.isCutting
        throw isNamed || !isOfRecords(error) ? error : new UndecidedError(record.offset, null, error)
      }
      if (pause !== null) return { position: record.offset, pause: pause === 'batch_full' ? null : pause }
      draft.counts.records++
      raiseWatermark(draft.task, record)
      if (draft.task.ended) return { position: record.offset + 1n, pause: null }
    }
    return { position: nextOffset, pause: null }
  }

  /** An empty batch that begins where the last one ended. A new table of models applies from its first event on. */
  #begin(table: ModelTable, setAside: readonly SetAside[]): Draft {
    const counter = this.#counter
    const { nodes, models, operators } = this.#columns
    counter.beginBatch(nodes.size + models.size + operators.size > DICTIONARY_ENTRIES_MAX)
    counter.useModels(table)
    this.#minutes.clear()
    const task = { ...this.#ledger.task, models_version: table.version }
    const counts = nothingCounted()
    // A topic that is drained for its next version accepts nothing more.
    this.#forwarding.beginBatch((this.#options.endToken?.() ?? null) === null)
    this.#handOver.begin({ offset: task.position, index: 0 })
    return {
      task,
      counts,
      out: { log: this.#ledger.blocks, minutes: this.#minutes, handOver: this.#handOver, counts },
      dead: [],
      setAside,
      ticked: false,
      oldIds: new OldIds({ ...this.#options, columns: this.#columns, counter, memory: this.#memory }),
    }
  }

  /**
   * Takes the record at `at` of `records` into the batch; returns why it has to wait, if it has to. It returns a promise
   * only where ClickHouse is queried: without a promise for each record an aggregator needs 8 % less CPU for single events.
   */
  #take(
    draft: Draft,
    record: LogRecord,
    records: readonly LogRecord[],
    at: number,
  ): string | null | Promise<string | null> {
    const { task, dead } = draft
    const rules = rulesAt(task.since, record.offset)
    const whole = this.#setAsideOf(draft, record)?.get(-1)
    if (whole !== undefined) {
      dead.push({ record, problems: [whole] })
      return null
    }
    if (isTick(record, rules)) {
      draft.ticked = true
      // An idle partition makes room for the others, whose ids share the same bound.
      this.#makeRoom(task, record.timestampMs, USAGE_BOUNDS.eventsPerRecordMax)
      return null
    }
    task.ended = isEnd(record, this.#options.endToken)
    if (task.ended) return null
    const isOurs = isUsage(schemaOf(record), rules) && record.value !== null
    const problem = isOurs ? decodeInto(this.#columns, record.value) : unknownRecord(record)
    if (problem !== null) {
      dead.push({ record, problems: [problem] })
      return null
    }
    if (this.#forwarding.isDue(record, task.since)) return this.#takeSentOn(draft, records.slice(at))
    return this.#takeUsage(draft, record, records, at)
  }

  /** Takes the first of `records` once its events for other partitions, and those of the others, are acknowledged there. */
  async #takeSentOn(draft: Draft, records: readonly LogRecord[]): Promise<string | null> {
    const isTaken = (one: LogRecord): boolean => this.#setAsideOf(draft, one)?.has(-1) !== true
    const stop = await this.#forwarding.send(records.filter(isTaken), draft.task.since)
    const [record] = records
    if (stop !== null || record?.value == null) return stop
    decodeInto(this.#columns, record.value)
    return await this.#takeUsage(draft, record, records, 0)
  }

  /** Takes the record at `at` of `records`, which is decoded in the columns. */
  #takeUsage(
    draft: Draft,
    record: LogRecord,
    records: readonly LogRecord[],
    at: number,
  ): string | null | Promise<string | null> {
    const { task, oldIds } = draft
    this.#makeRoom(task, record.timestampMs, this.#columns.count)
    if (this.#memory.isFull(this.#columns.count)) return 'ids_full'
    if (task.low !== null && oldIds.needsLookup(task.low)) {
      return this.#takeLookedUp(draft, record, records.slice(at), task.low)
    }
    this.#countRecord(draft, record)
    return null
  }

  /** Takes the first of `records` once ClickHouse has answered the look-ups of all of them. */
  async #takeLookedUp(
    draft: Draft,
    record: LogRecord,
    records: readonly LogRecord[],
    low: number,
  ): Promise<string | null> {
    const { task, oldIds } = draft
    if (!(await oldIds.lookUp(records, low, task.evicted_seq, textsAsBefore(task))))
      return 'lookup_unavailable'
    this.#countRecord(draft, record)
    return null
  }

  #countRecord(draft: Draft, record: LogRecord): void {
    const { task, dead, counts } = draft
    const { idKey, topics } = this.#options
    raiseWatermark(task, record)
    const columns = this.#columns
    draft.counts.events += columns.count
    const { problems } = columns
    const receivedAtMs = record.timestampMs
    const context: RecordContext = {
      offset: Number(record.offset),
      receivedAtMs,
      judgedAtMs: originalReceipt(idKey, topics.usageMetered, record) ?? receivedAtMs,
      watermarkMs: task.watermark,
      modelsVersion: this.#counter.modelsVersion,
      textsAsBefore: textsAsBefore(task),
    }
    this.#counter.beginRecord(this.#memory)
    const setAside = this.#setAsideOf(draft, record)
    const sendsOn = this.#forwarding.takes(record, task.since)
    let index = 0
    try {
      for (; index < columns.count; index++) {
        const isRefused = columns.refused[index] === 1
        if (!isRefused && sendsOn && !this.#counter.isHere(index)) {
          counts.forwarded++
          continue
        }
        const problem = isRefused ? null : (setAside?.get(index) ?? this.#countEvent(draft, index, context))
        if (problem !== null) problems.push(problem)
        if (isRefused || problem !== null) this.#counter.setAside(index, context, draft.out)
      }
    } catch (error) {
      throw this.#counter.isCutting ? error : new UndecidedError(record.offset, index, error)
    }
    if (problems.length > 0) dead.push({ record, problems })
  }

  #countEvent({ oldIds, out }: Draft, index: number, context: RecordContext): EventProblem | null {
    const counter = this.#counter
    this.#options.decidePoint?.(counter.identities.nameOf(index))
    return (
      counter.problemOf(index, context.judgedAtMs) ??
      counter.count(index, context, this.#memory, oldIds.found, out)
    )
  }

  #setAsideOf({ setAside }: Draft, record: LogRecord): ReadonlyMap<number, EventProblem> | null {
    if (setAside.length === 0) return null
    return problemsSetAside(this.#options.topics.usageMetered, record, setAside)
  }

  /** Evicts what may leave: what is too old, and as much as makes room for `room` more ids. */
  #makeRoom(task: AggregatorTask, nowMs: number, room: number): void {
    const { loadedSeq, partition } = this.#options
    const evicted = this.#memory.evict(nowMs, loadedSeq(partition), room)
    if (evicted === null) return
    task.low = Math.max(task.low ?? Number.NEGATIVE_INFINITY, evicted.newestOccurredAt)
    task.evicted_seq = Math.max(task.evicted_seq, evicted.lastSeq)
    this.#evicted += evicted.ids
  }

  #showMemory(): void {
    this.#options.metrics.set('hivemeter_ids_held', {}, this.#options.idPool.held)
  }
}
