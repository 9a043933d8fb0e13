import {
  aggregatorTaskCodec,
  idsCodec,
  modelsCodec,
  SCHEMA_ID,
  schemaIdOf,
  STATE_KEY,
} from '../../schemas/avro.ts'
import type { AggregatorTask } from '../../schemas/records.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import { TABLES } from '../../schemas/tables.ts'
import { RECEIPT_HEADER, WATERMARK_DELAY_MS } from '../../schemas/usage.ts'
import type { Clock } from '../clock.ts'
import { FatalError, HaltError } from '../kafka/records.ts'
import type { LogRecord, TopicAppend } from '../kafka/records.ts'
import type { TaskBatch, TaskCommitted, TaskDecision, TaskRestored, TaskState } from '../kafka/task.ts'
import { BlockLog } from '../load/block-log.ts'
import { UnloadedBlocks } from '../load/unloaded.ts'
import { writeDeadLetter } from '../load/dead-letter.ts'
import type { DeadLetter, EventProblem } from '../load/dead-letter.ts'
import { writeDeltas } from './blocks.ts'
import { EventCounter } from './count.ts'
import type { BatchOutputs, RecordContext, UsageCounts } from './count.ts'
import { decodeInto, UsageColumns } from './decode.ts'
import { DICTIONARY_ENTRIES_MAX } from './dictionary.ts'
import { HandOver } from './hand-over.ts'
import { idKeyFingerprint } from './id-hash.ts'
import { IdMemory } from './id-memory.ts'
import type { IdPool } from './id-memory.ts'
import { ENTRY_BYTES, ENTRY_WORDS } from './id-table.ts'
import type { Found, Lookup } from './lookup.ts'
import { MODELS, MODELS_VERSION } from './models.ts'
import { OldIds } from './old-ids.ts'
import { Deltas, toQuarterHours } from './rollup.ts'

/** Ids in one record of usage.ids: one send carries it whole. */
const IDS_PER_RECORD_MAX = 36_000

/** Another installation's id key: identities would not meet, so the process must not run at all. */
export class IdKeyError extends FatalError {
  readonly code = 'ID_KEY'
}

export interface AggregatorOptions {
  readonly partition: number
  readonly partitions: number
  readonly topics: {
    readonly usageMetered: string
    readonly usageIds: string
    readonly usageBlocks: string
    readonly accountInbox: string
  }
  readonly idKey: Buffer
  readonly idPool: IdPool
  readonly lookup: Lookup
  /** The newest `watermarks` maximum of this partition's blocks that ClickHouse has told; 0 before the first answer. */
  readonly loadedSeq: (partition: number) => number
  readonly clock: Clock
  readonly metrics: Metrics
}

/** The aggregator's task: drops repeats, adds the rest up, hands costs and sums on. See the design, sections 2, 4, 5. */
export class AggregatorState implements TaskState {
  readonly #options: AggregatorOptions
  readonly #columns = new UsageColumns()
  readonly #counter: EventCounter
  readonly #memory: IdMemory
  readonly #minutes = new Deltas()
  #task: AggregatorTask
  #restoredAny = false
  #hasTaskRecord = false
  #blocks: BlockLog
  #unloaded: UnloadedBlocks
  /** Ids that left memory since the last transaction. */
  #evicted = 0
  #pending:
    | { firstIds: number; taskAt: number; evicted: number; counts: UsageCounts; dead: DeadLetter[] }
    | undefined

  constructor(options: AggregatorOptions) {
    this.#options = options
    this.#memory = new IdMemory(options.idPool)
    this.#counter = new EventCounter({ ...options, columns: this.#columns })
    this.#task = {
      position: 0,
      next_seq: 1,
      watermark: 0,
      id_key_fingerprint: idKeyFingerprint(options.idKey),
      low: null,
      evicted_seq: 0,
      models_version: 0,
      models: [],
      loaded_seq: 0,
      oldest_unloaded_at: null,
    }
    this.#blocks = this.#openBlocks()
    this.#unloaded = new UnloadedBlocks(0, null, 0)
  }

  restore(record: LogRecord): void {
    const key = record.key?.toString('latin1')
    if (key === STATE_KEY.fence || record.value === null) return
    this.#restoredAny = true
    if (key === STATE_KEY.task) {
      this.#task = aggregatorTaskCodec.decode(record.value)
      this.#hasTaskRecord = true
      return
    }
    const { ids, newest_occurred_at, last_seq } = idsCodec.decode(record.value)
    const entry = new Uint32Array(ENTRY_WORDS)
    for (let at = 0; at + ENTRY_BYTES <= ids.length; at += ENTRY_BYTES) {
      for (let word = 0; word < ENTRY_WORDS; word++) entry[word] = ids.readUInt32LE(at + word * 4)
      this.#memory.add(entry)
    }
    this.#memory.endRecord({
      acceptedAtMs: record.timestampMs,
      newestOccurredAt: newest_occurred_at,
      lastSeq: last_seq,
      offset: record.offset,
    })
  }

  restored(inputStart: bigint): TaskRestored {
    const { partition, topics, idKey } = this.#options
    if (this.#restoredAny && !this.#hasTaskRecord) {
      throw new HaltError(
        'task_record_missing',
        `${topics.usageIds}[${partition}] holds ids but no task record.`,
        'Something deleted its newest records: restore the topic from a copy, or cut over to new topics.',
      )
    }
    const task = this.#task
    if (!task.id_key_fingerprint.equals(idKeyFingerprint(idKey))) {
      throw new IdKeyError(
        `The id key is not the one that ${topics.usageIds}[${partition}] was written with. ` +
          'Put the installation’s own key file back (HIVEMETER_ID_KEY_FILE).',
      )
    }
    if (inputStart > BigInt(task.position)) {
      throw new HaltError(
        'input_deleted',
        `${topics.usageMetered}[${partition}] begins at ${inputStart}, the task's position is ${task.position}.`,
        'Account for the deleted records first; then write a task record with the new position.',
      )
    }
    this.#counter.useModels(task.models_version, task.models)
    this.#blocks = this.#openBlocks()
    this.#unloaded = new UnloadedBlocks(task.loaded_seq, task.oldest_unloaded_at, task.next_seq - 1)
    this.#showMemory()
    const models = modelsCodec.encode({ version: MODELS_VERSION, models: [...MODELS] })
    return {
      position: BigInt(task.position),
      appends: task.models_version < MODELS_VERSION ? [{ key: null, value: models }] : [],
    }
  }

  async decide(batch: TaskBatch): Promise<TaskDecision> {
    const counter = this.#counter
    counter.beginBatch(
      this.#columns.nodes.size + this.#columns.models.size + this.#columns.operators.size >
        DICTIONARY_ENTRIES_MAX,
    )
    this.#minutes.clear()
    const task = { ...this.#task }
    const counts: UsageCounts = {
      records: 0,
      counted: 0,
      late: 0,
      repeatsInMemory: 0,
      repeatsInClickhouse: 0,
    }
    const out: BatchOutputs = {
      log: this.#blocks,
      minutes: this.#minutes,
      handOver: new HandOver({ offset: task.position, index: 0 }),
      counts,
    }
    const dead: DeadLetter[] = []
    let ticked = false
    let pause: string | null = null
    let position = batch.nextOffset
    const oldIds = new OldIds({
      ...this.#options,
      columns: this.#columns,
      counter,
      memory: this.#memory,
    })

    for (const [at, record] of batch.records.entries()) {
      const schemaId = schemaIdOf(record.value)
      if (schemaId === SCHEMA_ID.usageEvents && record.value !== null) {
        const problem = decodeInto(this.#columns, record.value)
        if (problem !== null) {
          dead.push({ record, problems: [problem] })
        } else {
          this.#makeRoom(task, record.timestampMs)
          if (this.#memory.isFull(this.#columns.count)) pause = 'ids_full'
          else if (
            task.low !== null &&
            !(await oldIds.prepare(batch.records.slice(at), task.low, task.evicted_seq))
          )
            pause = 'lookup_unavailable'
          if (pause !== null) {
            position = record.offset
            break
          }
          task.watermark = Math.max(task.watermark, record.timestampMs - WATERMARK_DELAY_MS)
          const problems = this.#countRecord(record, task.watermark, oldIds.found, out)
          if (problems.length > 0) dead.push({ record, problems })
        }
      } else if (schemaId === SCHEMA_ID.tick) {
        ticked = true
      } else {
        const problem =
          schemaId === SCHEMA_ID.models ? this.#applyModels(task, record) : unknownRecord(schemaId)
        if (problem !== null) dead.push({ record, problems: [problem] })
      }
      counts.records++
      task.watermark = Math.max(task.watermark, record.timestampMs - WATERMARK_DELAY_MS)
    }

    const moved = Number(position) > task.position
    if (!moved && !(pause !== null && this.#blocks.groupOpen)) {
      // What left memory for a record that has to wait is gone: `low` must not be forgotten with the batch.
      this.#task = task
      return { appends: [], position, groupOpen: this.#blocks.groupOpen, pause }
    }
    const appends = await this.#write(task, out, dead, {
      position,
      moved,
      endGroup: ticked || pause !== null,
    })
    this.#task = task
    this.#pending = {
      firstIds: appends.ids,
      taskAt: appends.records.length - 1,
      evicted: this.#evicted,
      counts,
      dead,
    }
    this.#evicted = 0
    return { appends: appends.records, position, groupOpen: this.#blocks.groupOpen, pause }
  }

  committed(offsets: readonly bigint[]): TaskCommitted {
    const pending = this.#pending
    this.#pending = undefined
    if (pending === undefined) return { deleteStateBefore: null }
    const { metrics, partition } = this.#options
    const firstIds = offsets[pending.firstIds]
    const taskOffset = offsets[pending.taskAt]
    if (firstIds !== undefined) this.#memory.acknowledged(firstIds)
    const { counts } = pending
    metrics.count('hivemeter_usage_records_total', {}, counts.records)
    metrics.count('hivemeter_events_counted_total', {}, counts.counted)
    metrics.count('hivemeter_events_late_total', {}, counts.late)
    metrics.count('hivemeter_events_repeated_total', { where: 'memory' }, counts.repeatsInMemory)
    metrics.count('hivemeter_events_repeated_total', { where: 'clickhouse' }, counts.repeatsInClickhouse)
    metrics.count('hivemeter_ids_evicted_total', {}, pending.evicted)
    metrics.set('hivemeter_watermark_timestamp_seconds', { partition }, this.#task.watermark / 1000)
    for (const { problems } of pending.dead) {
      metrics.count('hivemeter_dead_letters_total', { reason: problems[0]?.code ?? 'malformed' })
    }
    this.#showMemory()
    if (pending.evicted === 0 || taskOffset === undefined) return { deleteStateBefore: null }
    const oldest = this.#memory.oldestOffset
    return { deleteStateBefore: oldest !== null && oldest < taskOffset ? oldest : taskOffset }
  }

  dispose(): void {
    this.#memory.release()
  }

  #openBlocks(): BlockLog {
    const { topics, partition, clock } = this.#options
    return new BlockLog({ topic: topics.usageBlocks, partition, nextSeq: this.#task.next_seq, clock })
  }

  #countRecord(
    record: LogRecord,
    watermarkMs: number,
    found: Found | null,
    out: BatchOutputs,
  ): readonly EventProblem[] {
    const columns = this.#columns
    const { problems } = columns
    const receivedAtMs = record.timestampMs
    const context: RecordContext = {
      offset: Number(record.offset),
      receivedAtMs,
      judgedAtMs: originalReceipt(record) ?? receivedAtMs,
      watermarkMs,
    }
    this.#counter.beginRecord(context, this.#memory)
    for (let index = 0; index < columns.count; index++) {
      if (columns.refused[index] === 1) continue
      const problem =
        this.#counter.problemOf(index, context.judgedAtMs) ??
        this.#counter.count(index, context, this.#memory, found, out)
      if (problem !== null) problems.push(problem)
    }
    return problems
  }

  #applyModels(task: AggregatorTask, record: LogRecord): EventProblem | null {
    try {
      const { version, models } = modelsCodec.decode(record.value as Buffer)
      if (version > task.models_version) {
        task.models_version = version
        task.models = models
        this.#counter.useModels(version, models)
      }
      return null
    } catch (error) {
      return { index: -1, code: 'malformed', detail: error instanceof Error ? error.message : 'model table' }
    }
  }

  /** Evicts what may leave: what is too old, and what stands in the way of the decoded record. */
  #makeRoom(task: AggregatorTask, nowMs: number): void {
    const { loadedSeq, partition } = this.#options
    const evicted = this.#memory.evict(nowMs, loadedSeq(partition), this.#columns.count)
    if (evicted === null) return
    task.low = Math.max(task.low ?? Number.NEGATIVE_INFINITY, evicted.newestOccurredAt)
    task.evicted_seq = Math.max(task.evicted_seq, evicted.lastSeq)
    this.#evicted += evicted.ids
  }

  /** Turns the batch into the records of one transaction, the task record last. */
  async #write(
    task: AggregatorTask,
    out: BatchOutputs,
    dead: readonly DeadLetter[],
    batch: {
      readonly position: bigint
      readonly moved: boolean
      readonly endGroup: boolean
    },
  ): Promise<{ records: TopicAppend[]; ids: number }> {
    const { topics, partition, loadedSeq } = this.#options
    const columns = this.#columns
    const logTimeMs = task.watermark + WATERMARK_DELAY_MS
    for (const letter of dead) writeDeadLetter(this.#blocks, topics.usageMetered, letter, logTimeMs)
    writeDeltas(this.#blocks, TABLES.usage1m, out.minutes, columns)
    writeDeltas(this.#blocks, TABLES.usage15m, toQuarterHours(out.minutes), columns)
    const blocks = await this.#blocks.finish(task.watermark, batch.endGroup)
    const lastSeq = this.#blocks.nextSeq - 1
    task.position = Number(batch.position)
    task.next_seq = this.#blocks.nextSeq
    this.#unloaded.loaded(loadedSeq(partition))
    this.#unloaded.wrote(lastSeq, logTimeMs)
    task.loaded_seq = this.#unloaded.loadedSeq
    task.oldest_unloaded_at = this.#unloaded.oldestAt

    const records: TopicAppend[] = [...blocks]
    if (batch.moved) {
      const to = { offset: task.position, index: 0 }
      records.push(...out.handOver.finish(to, task.watermark, topics.accountInbox, partition))
    }
    const ids = records.length
    const { newIds, newIdCount, newestOccurredAt } = this.#counter
    for (let from = 0; from < newIdCount; from += IDS_PER_RECORD_MAX) {
      const to = Math.min(newIdCount, from + IDS_PER_RECORD_MAX)
      const bytes = Buffer.from(newIds.buffer, from * ENTRY_BYTES, (to - from) * ENTRY_BYTES)
      const value = idsCodec.encode({ newest_occurred_at: newestOccurredAt, last_seq: lastSeq, ids: bytes })
      records.push({ topic: topics.usageIds, partition, key: STATE_KEY.ids, value })
    }
    if (newIdCount > 0) {
      this.#memory.endRecord({ acceptedAtMs: logTimeMs, newestOccurredAt, lastSeq, offset: null })
    }
    records.push({
      topic: topics.usageIds,
      partition,
      key: STATE_KEY.task,
      value: aggregatorTaskCodec.encode(task),
    })
    return { records, ids }
  }

  #showMemory(): void {
    this.#options.metrics.set('hivemeter_ids_held', {}, this.#options.idPool.held)
  }
}

function unknownRecord(schemaId: number | null): EventProblem {
  return schemaId === null
    ? { index: -1, code: 'framing', detail: 'the value does not begin with 0 and a schema id' }
    : { index: -1, code: 'unknown_schema', detail: `schema id ${schemaId} is not one of usage.metered` }
}

/** The original receipt that only the replay command may state; nonsense counts as absent. */
function originalReceipt(record: LogRecord): number | null {
  const stated = record.headers[RECEIPT_HEADER]?.toString('latin1')
  if (stated === undefined || !/^\d{1,15}$/.test(stated)) return null
  const receipt = Number(stated)
  return receipt <= record.timestampMs ? receipt : null
}
