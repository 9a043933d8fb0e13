import { STATE_KEY } from '../../schemas/avro.ts'
import type { Since } from '../../schemas/since.ts'
import { BlockLog } from '../blocks/block-log.ts'
import type { TaskMark } from '../blocks/fit.ts'
import type { StoreGate } from '../blocks/store-gate.ts'
import { UnloadedBlocks } from '../blocks/unloaded.ts'
import type { Clock } from '../clock.ts'
import { outside } from '../log/outside.ts'
import type { LogRecord, TopicAppend } from '../log/records.ts'
import { inputDeleted, rulesFrom, taskRecordMissing } from './restore-halts.ts'
import type { TaskBatch, TaskDecision } from './task.ts'

/** What every task record holds, whatever else its task does. */
export interface LedgerRecord {
  /** The input is applied up to here. */
  position: number
  /** The number of the next block. */
  next_seq: number
  /** The highest number that ClickHouse was seen to have, and the log time of the oldest block above it. */
  loaded_seq: number
  oldest_unloaded_at: number | null
  /** This version of the topics has ended: the task takes no more records. */
  ended: boolean
  since: readonly Since[]
}

export interface TaskLedgerOptions<Task extends LedgerRecord> {
  readonly partition: number
  readonly inputTopic: string
  readonly stateTopic: string
  readonly blockTopic: string
  /** What the state topic holds besides the task record, such as "accounts": named where the record is missing. */
  readonly holds: string
  readonly codec: { encode(task: Task): Buffer; decode(value: Buffer): Task }
  /** The record of a task that has applied nothing. */
  readonly first: Task
  /**
   * Where the input is read from after a restore, at or below `position`. A state that is built from its newest input,
   * and not from records of its own, takes the records in between in again. Without it nothing is taken in again.
   */
  readonly againFrom?: (task: Task) => number
  /** The time up to which everything that the task has written is complete, UTC ms. */
  readonly watermarkMsOf: (task: Task) => number
  readonly loadedSeq: (partition: number) => number
  /** Nothing is decided before the gate lets the task pass. */
  readonly gate: StoreGate
  readonly clock: Clock
}

/**
 * What every task keeps, whatever it does: its record, the numbers of its blocks, which of them ClickHouse lacks, and the
 * halts of a restore that would have to guess. It is built anew with each state.
 */
export class TaskLedger<Task extends LedgerRecord> {
  readonly #options: TaskLedgerOptions<Task>
  #task: Task
  #blocks: BlockLog
  #unloaded = new UnloadedBlocks(0, null, 0)
  #holdsAny = false
  #hasTaskRecord = false
  /** The next offset of the input; below the task's position while input is taken in again. */
  #nextOffset: bigint

  constructor(options: TaskLedgerOptions<Task>) {
    this.#options = options
    this.#task = options.first
    this.#nextOffset = BigInt(options.first.position)
    this.#blocks = this.#openBlocks()
  }

  /** As of the last decision. A decision changes a copy. */
  get task(): Task {
    return this.#task
  }

  get blocks(): BlockLog {
    return this.#blocks
  }

  /**
   * Takes one record of the state topic. True for the task's own records, which are its task record and its fences; all
   * others belong to the state.
   */
  restore(record: LogRecord): boolean {
    const { gate, codec } = this.#options
    const key = record.key?.toString('latin1')
    if (key === STATE_KEY.fence) {
      gate.fencedAt(record.timestampMs)
      return true
    }
    this.#holdsAny = true
    if (key !== STATE_KEY.task || record.value === null) return false
    this.#task = codec.decode(record.value)
    gate.recordedAt(record.timestampMs)
    this.#hasTaskRecord = true
    return true
  }

  /**
   * Called after the last state record; returns where the input is read from. Throws a halt where the logs do not hold
   * what the task must continue from, or be built from.
   */
  restored(inputStart: bigint): bigint {
    const { partition, inputTopic, stateTopic, holds, againFrom = (own) => own.position } = this.#options
    const place = `${stateTopic}[${partition}]`
    if (this.#holdsAny && !this.#hasTaskRecord) throw taskRecordMissing(place, holds)
    const task = this.#task
    const from = Math.min(againFrom(task), task.position)
    if (inputStart > BigInt(from)) throw inputDeleted(`${inputTopic}[${partition}]`, inputStart, from)
    task.since = rulesFrom(place, task.since, task.position)
    this.#blocks = this.#openBlocks()
    this.#unloaded = new UnloadedBlocks(task.loaded_seq, task.oldest_unloaded_at, task.next_seq - 1)
    this.#nextOffset = BigInt(from)
    return this.#nextOffset
  }

  /** Whether the task has decided the record before. The state takes such a record in again, and writes nothing for it. */
  isAgain({ offset }: Pick<LogRecord, 'offset'>): boolean {
    return offset < BigInt(this.#task.position)
  }

  /** A batch without anything new was taken in again, up to `position`; nothing is written. */
  tookAgain(position: bigint): TaskDecision {
    this.#nextOffset = position
    return { appends: [], position, groupOpen: this.#blocks.groupOpen, pause: null }
  }

  /** Null where the batch may be decided; otherwise what happens to the batch without a decision. */
  async passes(batch: TaskBatch): Promise<TaskDecision | null> {
    const { gate } = this.#options
    if (!gate.isOpen && !(await outside(gate.pass(this.#mark())))) return this.rests('clickhouse_not_asked')
    if (!this.#task.ended) return null
    return { appends: [], position: batch.nextOffset, groupOpen: false, pause: null }
  }

  /** The partition rests at its position, and nothing of the batch is taken. */
  rests(pause: string): TaskDecision {
    return { appends: [], position: this.#nextOffset, groupOpen: this.#blocks.groupOpen, pause }
  }

  /**
   * Ends the blocks of a decision that goes up to `task.position`, and puts their numbers into `task`. Returns their
   * records. The state's own records follow, and `record(task)` is the last one of the transaction.
   */
  async finish(
    task: Task,
    end: { readonly logTimeMs: number; readonly endGroup: boolean },
  ): Promise<TopicAppend[]> {
    const { partition, loadedSeq, watermarkMsOf } = this.#options
    const loaded = loadedSeq(partition)
    const mark = { position: task.position, watermarkMs: watermarkMsOf(task) }
    const appends = await this.#blocks.finish(mark, end.endGroup, loaded)
    this.#unloaded.loaded(loaded)
    this.#unloaded.wrote(this.#blocks.nextSeq - 1, end.logTimeMs)
    task.next_seq = this.#blocks.nextSeq
    task.loaded_seq = this.#unloaded.loadedSeq
    task.oldest_unloaded_at = this.#unloaded.oldestAt
    return [...appends]
  }

  record(task: Task): TopicAppend {
    const { partition, stateTopic, codec } = this.#options
    return { topic: stateTopic, partition, key: STATE_KEY.task, value: codec.encode(task) }
  }

  /** The decision was made: the next one builds on it, whether or not its transaction is committed yet. */
  decided(task: Task): void {
    this.#task = task
    this.#nextOffset = BigInt(task.position)
  }

  #openBlocks(): BlockLog {
    const { blockTopic: topic, partition, clock } = this.#options
    return new BlockLog({ topic, partition, nextSeq: this.#task.next_seq, clock, after: this.#mark() })
  }

  #mark(): TaskMark {
    const task = this.#task
    return {
      lastSeq: task.next_seq - 1,
      position: task.position,
      watermarkMs: this.#options.watermarkMsOf(task),
    }
  }
}
