import type { Clock } from '../clock.ts'
import type { Failpoint } from '../failpoints.ts'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import type { LogRange } from '../log/records.ts'
import { FatalError, HaltError } from '../log/records.ts'
import type { LogAppend, LogRecord, TopicAppend } from '../log/records.ts'
import { fenceRecords, isFenced } from './fence.ts'
import { RebalanceDuringRestore, withHeartbeats } from './restore-heartbeats.ts'
import { inputOlder } from './restore-halts.ts'
import type { StateSource, TaskWriter } from './ports.ts'
import { isLegalStep, TASK_BOUNDS, TASK_PHASES } from './task.ts'
import type { Forward, Halt, TaskPhase, TaskState } from './task.ts'
import { isOfRecords, Undecided } from './undecided.ts'
import type { NextDecision } from './undecided.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** What the slots of one process share. */
export interface TaskSlotParts {
  readonly inputTopic: string
  readonly stateTopic: string
  /** The other topics that its transactions write to. */
  readonly outputTopics: readonly string[]
  readonly instance: string
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly stateReader: StateSource
  readonly failpoint: Failpoint
  readonly openWriter: (partition: number) => TaskWriter
  readonly openState: (partition: number, forward: Forward) => TaskState
  readonly openForward: () => Forward
  /** The offsets that the input holds, and the first offset that the state topic still holds. */
  readonly logRanges: (partition: number) => Promise<{ readonly input: LogRange; readonly state: bigint }>
  readonly deleteStateBefore: (partition: number, offset: bigint) => Promise<void>
  /** The process must end: none of its partitions may go on. */
  readonly onFatal: (error: FatalError) => void
}

/** What the runner must do with the partition after a batch. */
export type SlotOutcome =
  | { readonly next: 'continue' }
  | { readonly next: 'seek'; readonly position: bigint }
  | { readonly next: 'rest'; readonly position: bigint; readonly reason: string }
  | { readonly next: 'pause' }

/** The second heartbeat after an error was certainly sent after the error; that of a zombie would have failed. */
const HEARTBEATS_BEFORE_FENCE = 2

/** One partition of this process through its life: phase, state, writer. It knows no consumer. */
export class TaskSlot {
  readonly partition: number
  readonly #parts: TaskSlotParts
  readonly #logger: Logger
  readonly #undecided: Undecided
  /** It lives as long as `#undecided`: what was set aside there was not sent on, although it lies below. */
  readonly #forward: Forward
  readonly #leaving = new AbortController()
  #phase: TaskPhase = 'assigned'
  #writer: TaskWriter | undefined
  #state: TaskState | undefined
  #position = 0n
  #lastFenceMs = Number.NEGATIVE_INFINITY
  #heartbeatsSinceError = 0
  #halt: Halt | undefined
  #toAppend: readonly LogAppend[] = []
  /** The transaction under way. The next batch is fetched while it commits, and decided once the commit has succeeded. */
  #committing: Promise<void> | undefined
  #closed = false
  /** True while a group of blocks is open. */
  groupOpen = false
  /** When the last batch ended, on the monotonic clock. */
  lastBatchMs: number
  /** True from a tick's append until the next batch, so that one silence gets no second tick. */
  tickUnderWay = false
  /** True while the partition rests because a decision requires it: a tick would wake nothing. */
  resting = false

  constructor(partition: number, parts: TaskSlotParts) {
    this.partition = partition
    this.#parts = parts
    this.#logger = parts.logger.child({ partition })
    this.#undecided = new Undecided(`${parts.inputTopic}[${partition}]`, parts.clock)
    this.#forward = parts.openForward()
    this.lastBatchMs = parts.clock.monotonicMs()
    this.#showPhase()
  }

  get phase(): TaskPhase {
    return this.#phase
  }

  get position(): bigint {
    return this.#position
  }

  get halt(): Halt | undefined {
    return this.#halt
  }

  /** Configuration to append to the input, handed out once. */
  takeAppends(): readonly LogAppend[] {
    const appends = this.#toAppend
    this.#toAppend = []
    return appends
  }

  /**
   * Reports a fetched range before its handler runs; it is checked only while running. A range that begins above the
   * position is a jump (halt); a range whose records were all filtered out moves the position in memory.
   */
  onFetched(range: { readonly first: bigint | null; readonly last: bigint; readonly records: number }): void {
    if (this.#phase !== 'running') return
    if (range.first !== null && range.first > this.#position) {
      this.#haltWith(
        new HaltError(
          'input_jump',
          `The input goes on at ${range.first}, the task's position is ${this.#position}: records between are gone.`,
          'Find out what deleted them (retention, a tool), account for the gap, then move the task record on.',
        ),
      )
      // The ids of its state must not take up room that the partitions that go on need.
      void this.#drop()
      return
    }
    if (range.records === 0 && range.last >= this.#position) this.#position = range.last + 1n
  }

  /** Handles one fetched batch. Never throws, except for errors of `heartbeat`, which belong to kafkajs. */
  async handle(
    records: readonly LogRecord[],
    nextOffset: bigint,
    heartbeat: () => Promise<void>,
  ): Promise<SlotOutcome> {
    this.tickUnderWay = false
    if (this.#phase === 'assigned') return await this.#start(heartbeat)
    await this.#settledWithHeartbeats(heartbeat)
    if (this.#phase !== 'running' || this.#state === undefined) return { next: 'pause' }
    const outcome = await this.#decide(this.#state, records, nextOffset)
    this.lastBatchMs = this.#parts.clock.monotonicMs()
    return outcome
  }

  /** A heartbeat of the generation that assigned the partition. The second one after an error starts the task anew. */
  onHeartbeat(): boolean {
    if (this.#phase !== 'waiting') return false
    this.#heartbeatsSinceError++
    return this.#startAnew()
  }

  /** The group assigned the partition (again): it proves as much as a second heartbeat. A running task keeps its state. */
  onAssigned(): void {
    if (this.#phase !== 'waiting') return
    this.#heartbeatsSinceError = HEARTBEATS_BEFORE_FENCE
    this.#startAnew()
  }

  /** Lets a waiting task start at its fence, at most once in 2 s: two instances must not fence each other in turns. */
  #startAnew(): boolean {
    const sinceMs = this.#parts.clock.monotonicMs() - this.#lastFenceMs
    if (this.#heartbeatsSinceError < HEARTBEATS_BEFORE_FENCE || sinceMs < TASK_BOUNDS.fenceIntervalMs) {
      return false
    }
    this.#enter('assigned')
    return true
  }

  /**
   * A transaction that meets a hanging broker is under way for longer than half a session, and only heartbeats reveal in
   * time that the group's coordinator hangs too.
   */
  async #settledWithHeartbeats(heartbeat: () => Promise<void>): Promise<void> {
    if (this.#committing === undefined) return
    const over = new AbortController()
    const settled = this.#committing.finally(() => over.abort())
    while (!over.signal.aborted) {
      await Promise.race([settled, this.#parts.clock.delay(TASK_BOUNDS.heartbeatIntervalMs, over.signal)])
      if (!over.signal.aborted) await heartbeat()
    }
  }

  /** Resolves when no transaction is under way. */
  async settled(): Promise<void> {
    await this.#committing
  }

  /** The process ends: a restore under way is given up, since nothing would continue from it. */
  leave(): void {
    this.#leaving.abort()
  }

  /** The partition belongs to another process now, or this process ends. */
  async close(): Promise<void> {
    this.#closed = true
    this.#showPhase()
    await this.#committing
    await this.#drop()
  }

  async #start(heartbeat: () => Promise<void>): Promise<SlotOutcome> {
    const { clock, stateReader } = this.#parts
    this.#lastFenceMs = clock.monotonicMs()
    const startedMs = clock.monotonicMs()
    try {
      this.#enter('fencing')
      const writer = this.#parts.openWriter(this.partition)
      this.#writer = writer
      const [fence] = await writer.commit(fenceRecords(this.partition, this.#parts))
      if (fence === undefined) throw new Error('The fence has no offset.')
      const fencedMs = clock.monotonicMs()
      await this.#parts.failpoint('after_fence')
      this.#enter('restoring')
      const { input, state: stateStart } = await this.#parts.logRanges(this.partition)
      const rangesMs = clock.monotonicMs()
      const state = this.#parts.openState(this.partition, this.#forward)
      this.#state = state
      const range = { start: stateStart, through: fence }
      await withHeartbeats(
        (signal) => {
          const given = AbortSignal.any([signal, this.#leaving.signal])
          return stateReader.read(this.partition, range, (record) => state.restore(record), given)
        },
        heartbeat,
        clock,
      )
      const { position, decidedTo, appends, note } = state.restored(input.start)
      if (decidedTo > input.end) throw inputOlder(input.end, decidedTo)
      this.#position = position
      this.#toAppend = appends.map(({ key, value }) => ({ key, value, partition: this.partition }))
      this.#enter('running')
      this.#logger.info(
        {
          position: position.toString(),
          stateRecords: (fence - stateStart).toString(),
          fenceMs: Math.round(fencedMs - startedMs),
          rangesMs: Math.round(rangesMs - fencedMs),
          readMs: Math.round(clock.monotonicMs() - rangesMs),
        },
        'task restored',
      )
      if (note !== null) this.#logger.warn({}, note)
      return { next: 'seek', position }
    } catch (error) {
      if (error instanceof RebalanceDuringRestore) {
        await this.#drop()
        this.#enter('assigned')
        throw error.cause
      }
      if (this.#leaving.signal.aborted) await this.#drop()
      else await this.#failed(error instanceof HaltError ? await this.#stillOurs(error) : error)
      return { next: 'pause' }
    }
  }

  /**
   * What a task found is true only while no other process owns the partition: a newer owner's records are after our fence,
   * and compaction may have removed the older ones before it. Returns the halt, or why it does not concern this task.
   */
  async #stillOurs(halt: HaltError): Promise<unknown> {
    try {
      await this.#writer?.commit(fenceRecords(this.partition, this.#parts))
      return halt
    } catch (error) {
      return error
    }
  }

  async #decide(state: TaskState, fetched: readonly LogRecord[], nextOffset: bigint): Promise<SlotOutcome> {
    const next = this.#undecided.next(this.#position, fetched, nextOffset)
    try {
      const decision = await state.decide(next)
      this.groupOpen = decision.groupOpen
      this.#position = decision.position
      if (decision.appends.length > 0) this.#committing = this.#commit(state, decision.appends)
      if (decision.pause === null && decision.position === nextOffset) return { next: 'continue' }
      await this.#committing
      if (this.#phase !== 'running') return { next: 'pause' }
      if (decision.pause === null) return { next: 'seek', position: decision.position }
      return { next: 'rest', position: decision.position, reason: decision.pause }
    } catch (error) {
      await this.#notDecided(error, next)
      return { next: 'pause' }
    }
  }

  /**
   * No error of a commit arrives here: those are caught where the commit is made. So the error is the decision's own, whose
   * outcome is known: nothing was written. What it changed in memory is discarded, as after an unknown outcome.
   */
  async #notDecided(error: unknown, next: NextDecision): Promise<void> {
    const isOwn = isOfRecords(error)
    const halt = isOwn ? this.#undecided.failed(error, next) : null
    const reason = halt ?? error
    // A task that lost its partition and does not know it yet sees ClickHouse ahead of what it knows.
    await this.#failed(
      reason instanceof HaltError ? await this.#stillOurs(reason) : reason,
      isOwn ? 'undecided' : 'unknown',
    )
  }

  /** Commits a decision. Never rejects: after any error the state is discarded and the task waits, or halts. */
  async #commit(state: TaskState, appends: readonly TopicAppend[]): Promise<void> {
    const { clock, metrics } = this.#parts
    try {
      if (this.#writer === undefined) throw new Error('A running task has no writer.')
      const beginMs = clock.monotonicMs()
      const offsets = await this.#writer.commit(appends)
      metrics.observe(
        'hivemeter_transaction_duration_seconds',
        {},
        (clock.monotonicMs() - beginMs) / SECOND_MS,
      )
      metrics.count('hivemeter_transactions_total', { outcome: 'committed' })
      this.#afterCommit(state.committed(offsets).deleteStateBefore)
    } catch (error) {
      // A partition that halted in the meantime lost its writer during the commit, and stays halted.
      if (this.#phase === 'running') await this.#failed(error)
    }
  }

  #afterCommit(deleteBefore: bigint | null): void {
    if (deleteBefore === null) return
    // Not awaited: what is not deleted now is deleted with the next eviction.
    this.#parts.deleteStateBefore(this.partition, deleteBefore).catch((error: unknown) => {
      this.#logger.warn(
        { err: error },
        'records of the state topic were not deleted; the next eviction tries again',
      )
    })
  }

  /** Discards writer and state. The handler pauses the partition, or learns with the next batch that it must. */
  async #failed(error: unknown, outcome: keyof typeof FAILURES = 'unknown'): Promise<void> {
    await this.#drop()
    if (error instanceof FatalError) this.#parts.onFatal(error)
    if (error instanceof HaltError) {
      this.#haltWith(error)
      return
    }
    this.#parts.metrics.count('hivemeter_transactions_total', { outcome })
    if (isFenced(error)) this.#parts.metrics.count('hivemeter_task_fences_total')
    this.#logger.warn({ err: error }, `${FAILURES[outcome]}; the task starts at its fence again`)
    this.#heartbeatsSinceError = 0
    this.#enter('waiting')
  }

  #haltWith(halt: HaltError): void {
    this.#halt = { reason: halt.reason, message: halt.message, remedy: halt.remedy }
    this.#parts.metrics.count('hivemeter_task_halts_total', { reason: halt.reason })
    this.#logger.error({ reason: halt.reason, remedy: halt.remedy }, `partition halted: ${halt.message}`)
    this.#enter('halted')
  }

  async #drop(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    this.#state?.dispose()
    this.#state = undefined
    this.#toAppend = []
    this.groupOpen = false
    try {
      await writer?.close()
    } catch (error) {
      this.#logger.debug({ err: error }, 'a discarded transactional producer did not disconnect cleanly')
    }
  }

  /** An illegal step is a defect of this program, and what the task would do next is unknown: the process must end. */
  #enter(phase: TaskPhase): void {
    if (!isLegalStep(this.#phase, phase)) {
      const step = `${this.#parts.inputTopic}[${this.partition}] cannot go from ${this.#phase} to ${phase}`
      this.#parts.onFatal(new FatalError(`A task lost its way: ${step}.`))
      return
    }
    this.#phase = phase
    this.#showPhase()
  }

  #showPhase(): void {
    for (const state of TASK_PHASES) {
      this.#parts.metrics.set(
        'hivemeter_task_state',
        { topic: this.#parts.inputTopic, partition: this.partition, state },
        Number(state === this.#phase && !this.#closed),
      )
    }
  }
}

/** Why a task was discarded, in words. */
const FAILURES = {
  unknown: 'the outcome of a transaction is unknown',
  undecided: 'a batch could not be decided',
} as const
