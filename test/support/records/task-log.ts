import { SCHEMA_ID, STATE_KEY, TICK_KEY, fenceCodec, schemaIdOf } from '../../../schemas/avro.ts'
import { BLOCK_HEADER } from '../../../schemas/tables.ts'
import type { LogRecord, TopicAppend } from '../../../pipelines/log/records.ts'
import type { TaskDecision, TaskState } from '../../../pipelines/task/task.ts'
import { isOfRecords, Undecided } from '../../../pipelines/task/undecided.ts'
import type { NextDecision, SetAside } from '../../../pipelines/task/undecided.ts'
import { readBlock } from '../oracles/row-reader.ts'
import { VirtualClock } from '../memory/virtual-clock.ts'
import type { ReadBlock, Row } from '../oracles/row-reader.ts'

/** How a transaction ends: committed, with an answer; not committed; committed, without an answer. */
export type TransactionEnd = 'commit' | 'lost' | 'unknown'

/** A record's bytes; a tick with its key. */
export function inputRecord(offset: number, timestampMs: number, value: Buffer | null): LogRecord {
  const key = schemaIdOf(value) === SCHEMA_ID.tick ? Buffer.from(TICK_KEY) : null
  return { partition: 0, offset: BigInt(offset), timestampMs, key, value, headers: {} }
}

/**
 * The logs of a partition as arrays, and a task that runs on them: what a transaction wrote is there completely or not at
 * all. After a lost or unknown outcome the state is dropped and restored from what was committed, after a fence.
 */
export class TaskLog {
  /** All records that were ever committed, in order. */
  readonly committed: TopicAppend[] = []
  /** What the state topic still holds. */
  stateRecords: LogRecord[] = []
  /** Whether deletions that a task requests are done: they are not awaited, and may fail. */
  deletes = true
  input: readonly LogRecord[]
  state: TaskState
  position = 0n
  /** The loader keeps up with every commit, unless a test sets how far ClickHouse has come. */
  loadedSeq: number | 'all' = 'all'
  /** Records that restored tasks wanted to append to their input. */
  readonly toAppend: Buffer[] = []
  readonly #openState: () => TaskState
  #lastSeq = 0
  /** The broker's clock: not before the newest input that a task has seen. */
  #logTimeMs = 0
  readonly #stateTopic: string
  #nextStateOffset = 0n

  constructor(
    stateTopic: string,
    openState: (loadedSeq: () => number) => TaskState,
    input: readonly LogRecord[] = [],
  ) {
    this.#stateTopic = stateTopic
    this.#openState = () => openState(() => (this.loadedSeq === 'all' ? this.#lastSeq : this.loadedSeq))
    this.input = input
    this.state = this.#openState()
    this.restart()
  }

  /** Drops the state and restores another one. */
  restart(): void {
    this.state.dispose()
    this.#write({
      topic: this.#stateTopic,
      partition: 0,
      key: STATE_KEY.fence,
      value: fenceCodec.encode({ instance: 'test' }),
    })
    this.state = this.#openState()
    for (const record of this.stateRecords) this.state.restore(record)
    const { position, appends } = this.state.restored(this.input[0]?.offset ?? 0n)
    this.position = position
    for (const { value } of appends) if (value !== null) this.toAppend.push(value)
  }

  /** One batch of up to `recordsMax` records from the position on, and its transaction. */
  async step(
    recordsMax: number,
    end: TransactionEnd = 'commit',
    setAside: readonly SetAside[] = [],
  ): Promise<TaskDecision> {
    const records = this.input.filter(({ offset }) => offset >= this.position).slice(0, recordsMax)
    const nextOffset = (records.at(-1)?.offset ?? this.position - 1n) + 1n
    return await this.#transact({ records, nextOffset, setAside }, end)
  }

  async #transact(batch: NextDecision, end: TransactionEnd): Promise<TaskDecision> {
    this.#logTimeMs = Math.max(this.#logTimeMs, batch.records.at(-1)?.timestampMs ?? 0)
    const decision = await this.state.decide(batch)
    if (end === 'lost') {
      this.restart()
      return decision
    }
    const offsets = decision.appends.map((append) => this.#write(append))
    if (end === 'unknown') {
      this.restart()
      return decision
    }
    if (decision.appends.length > 0) {
      const { deleteStateBefore } = this.state.committed(offsets)
      if (deleteStateBefore !== null && this.deletes) {
        this.stateRecords = this.stateRecords.filter(({ offset }) => offset >= deleteStateBefore)
      }
    }
    this.position = decision.position
    return decision
  }

  /** That many batches of one record each. */
  async singles(count: number): Promise<void> {
    for (let step = 0; step < count; step++) await this.step(1)
  }

  /** Runs to the end of the input: batch by batch as `cuts` and `ends` say, and without cuts after these are used up. */
  async run(cuts: readonly number[] = [], ends: readonly TransactionEnd[] = []): Promise<void> {
    const last = this.input.at(-1)?.offset ?? -1n
    for (let step = 0; this.position <= last; step++) {
      if (step > 3 * this.input.length + ends.length + 10) throw new Error('The task makes no progress.')
      await this.step(cuts[step] ?? this.input.length, ends[step] ?? 'commit')
    }
  }

  /**
   * Runs to the end as a slot does where decide fails: the task starts again, and the item at which it fails again is set
   * aside.
   */
  async runSettingAside(cuts: readonly number[] = []): Promise<void> {
    const undecided = new Undecided('the input', new VirtualClock())
    const last = this.input.at(-1)?.offset ?? -1n
    for (let step = 0; this.position <= last; step++) {
      const left = this.input.filter(({ offset }) => offset >= this.position)
      const fetched = left.slice(0, cuts[step] ?? left.length)
      const next = undecided.next(this.position, fetched, (fetched.at(-1)?.offset ?? last) + 1n)
      try {
        await this.#transact(next, 'commit')
      } catch (error) {
        if (!isOfRecords(error)) throw error
        const halt = undecided.failed(error, next)
        if (halt !== null) throw halt
        this.restart()
      }
    }
  }

  blocks(): ReadBlock[] {
    return this.committed.filter(({ topic }) => topic.endsWith('.blocks')).map(readBlock)
  }

  /** The rows of a table in the order of the log, without the columns that name the block that brought them. */
  rows(table: string): Row[] {
    return this.blocks()
      .filter((block) => block.table === table)
      .flatMap(({ rows }) => rows)
      .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('src_'))))
  }

  /** The values of a topic's records with a key, in their order. */
  values(topic: string, key: string | null): Buffer[] {
    return this.committed.flatMap((append) =>
      append.topic === topic && append.key === key && append.value !== null ? [append.value] : [],
    )
  }

  #write(append: TopicAppend): bigint {
    this.committed.push(append)
    if (append.topic.endsWith('.blocks')) this.#lastSeq = Number(append.headers?.[BLOCK_HEADER.seq])
    if (append.topic !== this.#stateTopic) return 0n
    const offset = this.#nextStateOffset++
    this.stateRecords.push({
      partition: append.partition,
      offset,
      timestampMs: this.#logTimeMs,
      key: append.key === null ? null : Buffer.from(append.key),
      value: append.value,
      headers: {},
    })
    return offset
  }
}
