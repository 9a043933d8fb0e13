import type { Clock } from '../clock.ts'
import type {
  FetchedBatch,
  FetchedRange,
  GroupConsumer,
  GroupConsumerHandlers,
} from '../log/group-consumer.ts'
import type { LogAppend, LogRecord } from '../log/records.ts'
import type { SharedAppend } from '../log/shared-append.ts'
import { tickFor } from '../log/tick.ts'
import type { Logger } from '../logger.ts'
import { TaskSlot } from './task-slot.ts'
import type { SlotOutcome, TaskSlotParts } from './task-slot.ts'
import { TASK_BOUNDS } from './task.ts'
import type { Halt } from './task.ts'

/** How often the pump looks for silent partitions. */
const TICK_SCAN_MS = 50

/** How long a stop waits for the open groups of blocks to end: new input may keep opening others. */
const END_GROUPS_TIMEOUT_MS = 1_000

/** How long a hand-over waits for the transactions under way. One that takes longer is left to the next owner's fence. */
const SETTLE_TIMEOUT_MS = 3_000

export interface TaskPumpParts {
  readonly consumer: GroupConsumer
  /** Ticks, and the configuration of new tasks, are appended to the tasks' own input. */
  readonly ownInput: Pick<SharedAppend, 'append'>
  /** True: idle partitions get ticks, so that their watermark moves on. */
  readonly tickWhenIdle: boolean
  readonly slots: Omit<TaskSlotParts, 'onFatal'>
}

/** Runs the tasks of the partitions that the group assigns to this process: batches, ticks, rests and rebalances. */
export class TaskPump implements GroupConsumerHandlers {
  /** Resolves if the consumer has ended permanently, or if a task must not run at all. */
  readonly failed: Promise<Error>
  readonly onFailed: (error: Error) => void
  readonly #parts: TaskPumpParts
  readonly #slotParts: TaskSlotParts
  readonly #inputTopic: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #slots = new Map<number, TaskSlot>()
  readonly #stopping = new AbortController()
  readonly #lastOffsetCommitMs = new Map<number, number>()
  /** For each partition, the end of the input as its last fetch reported it. */
  readonly #ends = new Map<number, bigint>()
  #joined = false
  #isLeaving = false

  constructor(parts: TaskPumpParts) {
    const { promise, resolve } = Promise.withResolvers<Error>()
    this.failed = promise
    this.onFailed = resolve
    this.#parts = parts
    this.#slotParts = { ...parts.slots, onFatal: resolve }
    const { inputTopic, clock, logger } = parts.slots
    this.#inputTopic = inputTopic
    this.#clock = clock
    this.#logger = logger
  }

  /** Joins the group and continues in the background. */
  async start(): Promise<void> {
    await this.#parts.consumer.start(this)
    void this.#watchSilence()
  }

  /** Ends the open groups of blocks, finishes the transactions under way and leaves the consumer group. */
  async stop(): Promise<void> {
    this.#isLeaving = true
    for (const slot of this.#slots.values()) slot.leave()
    await this.#endOpenGroups()
    this.#stopping.abort()
    await this.#parts.consumer.stop()
    await Promise.all([...this.#slots.values()].map((slot) => slot.close()))
  }

  /** What keeps this process from being ready, in words. */
  waitingFor(): string[] {
    if (!this.#joined) return [`partitions of ${this.#inputTopic} to be assigned`]
    return [...this.#slots.values()]
      .filter(({ phase }) => phase !== 'running' && phase !== 'halted')
      .map(({ partition, phase }) => `partition ${partition} (${phase})`)
  }

  /** Halted partitions, each with what the operator can do. */
  halts(): { topic: string; partition: number; halt: Halt }[] {
    const halts = []
    for (const { partition, halt } of this.#slots.values()) {
      if (halt !== undefined) halts.push({ topic: this.#inputTopic, partition, halt })
    }
    return halts
  }

  onAssigned(assigned: ReadonlyMap<string, readonly number[]>): void {
    const partitions = assigned.get(this.#inputTopic) ?? []
    this.#joined = true
    for (const [partition, slot] of this.#slots) {
      if (partitions.includes(partition)) continue
      this.#slots.delete(partition)
      this.#showLag(partition, 0n)
      void slot.close()
    }
    for (const partition of partitions) {
      const slot = this.#slots.get(partition)
      // What another process gives up while this one leaves is for the next owner: a task that starts now would open a
      // group.
      if (slot === undefined && this.#isLeaving) continue
      if (slot === undefined) {
        this.#slots.set(partition, new TaskSlot(partition, this.#slotParts))
      } else {
        slot.onAssigned()
        if (slot.phase === 'running') this.#seek(partition, slot.position)
      }
      if (this.#slots.get(partition)?.phase !== 'halted') this.#resume(partition)
    }
    // Handlers run on records only: a tick makes each new task start at once.
    this.#tick([...this.#slots.values()].filter(({ phase }) => phase === 'assigned'))
    this.#logger.info({ partitions }, 'partitions assigned')
  }

  onHeartbeat(): void {
    if (this.#isLeaving) return
    for (const slot of this.#slots.values()) {
      if (!slot.onHeartbeat()) continue
      this.#resume(slot.partition)
      this.#tick([slot])
    }
  }

  onFetched(_topic: string, partition: number, range: FetchedRange): void {
    const slot = this.#slots.get(partition)
    if (slot === undefined) return
    slot.onFetched(range)
    this.#ends.set(partition, range.end)
    if (slot.phase === 'running') this.#showLag(partition, range.end - slot.position)
  }

  async onBatch(batch: FetchedBatch): Promise<void> {
    if (batch.isStale()) return
    const slot = this.#slots.get(batch.partition)
    if (slot === undefined || (this.#isLeaving && slot.phase === 'assigned')) return
    const beganMs = this.#clock.monotonicMs()
    const outcome = await slot.handle(batch.records, batch.lastOffset + 1n, () => batch.heartbeat())
    this.#after(slot, outcome, batch)
    if (slot.phase !== 'running') return
    this.#showLag(slot.partition, (this.#ends.get(slot.partition) ?? slot.position) - slot.position)
    await this.#pace(batch.records, beganMs)
  }

  /** Commits first what the next owner's fence would refuse. */
  async beforeRebalance(): Promise<void> {
    const over = new AbortController()
    const work = Promise.all([...this.#slots.values()].map((slot) => slot.settled()))
    await Promise.race([work, this.#clock.delay(SETTLE_TIMEOUT_MS, over.signal)])
    over.abort()
  }

  /** Lets more records come together before the next fetch, unless there are many. */
  async #pace(records: readonly LogRecord[], beganMs: number): Promise<void> {
    const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
    if (bytes >= TASK_BOUNDS.batchBytesSmall) return
    const restMs = beganMs + TASK_BOUNDS.batchIntervalMs - this.#clock.monotonicMs()
    if (restMs > 0) await this.#clock.delay(restMs, this.#stopping.signal)
  }

  #after(slot: TaskSlot, outcome: SlotOutcome, batch: FetchedBatch): void {
    const { partition } = slot
    switch (outcome.next) {
      case 'continue':
        batch.resolve()
        this.#commitOffset(slot, batch)
        break
      case 'seek':
        this.#seek(partition, outcome.position)
        this.#append(slot.takeAppends())
        break
      case 'rest':
        this.#pause(partition)
        this.#seek(partition, outcome.position)
        this.#logger.warn({ partition, reason: outcome.reason }, 'the partition rests and tries again')
        void this.#resumeLater(slot)
        break
      case 'pause':
        this.#pause(partition)
        break
    }
  }

  /** Ends open groups, moves idle watermarks on, and starts tasks whose tick was lost. */
  async #watchSilence(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#clock.delay(TICK_SCAN_MS, signal)
      const nowMs = this.#clock.monotonicMs()
      this.#tick([...this.#slots.values()].filter((slot) => this.#needsTick(slot, nowMs)))
    }
  }

  #needsTick(slot: TaskSlot, nowMs: number): boolean {
    if (slot.tickUnderWay || slot.resting) return false
    const silenceMs = nowMs - slot.lastBatchMs
    if (slot.phase === 'assigned') return silenceMs >= TASK_BOUNDS.startTickMs
    if (slot.phase !== 'running') return false
    if (slot.groupOpen) return silenceMs >= TASK_BOUNDS.groupAgeMs
    return this.#parts.tickWhenIdle && silenceMs >= TASK_BOUNDS.idleTickMs
  }

  /**
   * What is in an open group is loaded only after a later start has ended the group, so a stop leaves no group open if it
   * can.
   */
  async #endOpenGroups(): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + END_GROUPS_TIMEOUT_MS
    for (;;) {
      const open = [...this.#slots.values()].filter(
        ({ phase, groupOpen }) => phase === 'running' && groupOpen,
      )
      if (open.length === 0 || this.#clock.monotonicMs() >= deadlineMs) return
      this.#tick(open.filter(({ tickUnderWay }) => !tickUnderWay))
      await this.#clock.delay(TICK_SCAN_MS)
    }
  }

  #tick(slots: readonly TaskSlot[]): void {
    for (const slot of slots) slot.tickUnderWay = true
    this.#append(slots.map(({ partition }) => tickFor(partition, this.#slotParts.instance)))
  }

  /** Appends to the tasks' own input, each partition separately, so that one whose broker hangs delays no other. */
  #append(records: readonly LogAppend[]): void {
    if (this.#stopping.signal.aborted) return
    for (const record of records) {
      this.#parts.ownInput.append([record]).catch((error: unknown) => {
        // A lost tick costs only time: the silence continues and the next scan writes another one.
        this.#logger.debug({ err: error, partition: record.partition }, 'a tick was not acknowledged')
        const slot = this.#slots.get(record.partition)
        if (slot !== undefined) slot.tickUnderWay = false
      })
    }
  }

  async #resumeLater(slot: TaskSlot): Promise<void> {
    slot.resting = true
    await this.#clock.delay(TASK_BOUNDS.pauseMs, this.#stopping.signal)
    slot.resting = false
    if (this.#slots.get(slot.partition) !== slot || this.#stopping.signal.aborted) return
    if (slot.phase === 'running') this.#resume(slot.partition)
  }

  /** Not awaited: nothing depends on the group's offset except tools that show lag. */
  #commitOffset({ partition, position }: TaskSlot, batch: FetchedBatch): void {
    const nowMs = this.#clock.monotonicMs()
    const lastMs = this.#lastOffsetCommitMs.get(partition) ?? 0
    if (nowMs - lastMs < TASK_BOUNDS.offsetCommitMs) return
    this.#lastOffsetCommitMs.set(partition, nowMs)
    batch.commit(position).catch((error: unknown) => {
      this.#logger.debug({ err: error }, 'the group offset was not committed; nothing depends on it')
    })
  }

  #showLag(partition: number, records: bigint): void {
    const { inputTopic: topic, metrics } = this.#slotParts
    metrics.set('hivemeter_consumer_lag_records', { topic, partition }, Math.max(0, Number(records)))
  }

  #seek(partition: number, offset: bigint): void {
    this.#parts.consumer.seek(this.#inputTopic, partition, offset)
  }

  #pause(partition: number): void {
    this.#parts.consumer.pause(this.#inputTopic, partition)
  }

  #resume(partition: number): void {
    this.#parts.consumer.resume(this.#inputTopic, partition)
  }
}
