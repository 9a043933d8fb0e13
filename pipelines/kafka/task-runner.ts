import type { Admin, Consumer, EachBatchPayload } from 'kafkajs'
import type { Metrics } from '../../schemas/metrics.ts'
import type { Clock } from '../clock.ts'
import type { Failpoint } from '../failpoints.ts'
import type { Logger } from '../logger.ts'
import { deleteRecordsBefore, logRanges, openAdmin } from './admin.ts'
import { samePartitionAssignerAfter } from './assigner.ts'
import { createKafka, LEADERS_AGE_MS_MAX, toRecord } from './client.ts'
import type { KafkaOptions } from './client.ts'
import { LogOffsets } from './log-offsets.ts'
import { IdempotentProducer } from './producer.ts'
import type { LogAppend, LogRecord } from './records.ts'
import { SharedAppend } from './shared-append.ts'
import { StateReader } from './state-reader.ts'
import { TaskSlot } from './task-slot.ts'
import type { Halt, SlotOutcome, TaskSlotParts } from './task-slot.ts'
import { forwardOver } from './forward.ts'
import { TASK_BOUNDS } from './task.ts'
import { tickFor } from './tick.ts'
import type { Forward, TaskState } from './task.ts'
import { TransactionalWriter } from './transaction.ts'

export interface TaskRunnerOptions extends KafkaOptions {
  /** Group, transactional ids and log lines begin with it: "aggregator". */
  readonly service: string
  /** Of the topics: each has a group and transactional ids of its own. The first where it is not given. */
  readonly version?: number
  /** Partitions that count; others, which somebody added, are left alone. All where it is not given. */
  readonly partitions?: number
  readonly topicPrefix: string
  readonly inputTopic: string
  readonly stateTopic: string
  /** The other topics that the tasks' transactions write to. */
  readonly outputTopics: readonly string[]
  /** Unique to this process. */
  readonly instance: string
  /** True: idle partitions get ticks, so that their watermark moves on. */
  readonly tickWhenIdle: boolean
  readonly clock: Clock
  readonly metrics: Metrics
  readonly openState: (partition: number, forward: Forward) => TaskState
  readonly failpoint: Failpoint
}

/** How often the runner looks for silent partitions. */
const TICK_SCAN_MS = 50

/** How long a stop waits for the open groups of blocks to end; new input may open others all the time. */
const END_GROUPS_TIMEOUT_MS = 1_000

/** How long a hand-over waits for the transactions under way: one that takes longer is left to the next owner's fence. */
const SETTLE_TIMEOUT_MS = 3_000

/** Partitions that this process may work on at once; each waits for I/O most of the time. */
const CONCURRENT_PARTITIONS_MAX = 64

/** Runs the tasks of the partitions that the group gives to this process: consumer, slots, ticks. */
export class TaskRunner {
  /** Resolves if the consumer ended for good. */
  readonly failed: Promise<Error>
  readonly #options: TaskRunnerOptions
  readonly #logger: Logger
  readonly #consumer: Consumer
  readonly #admin: Admin
  readonly #logOffsets: LogOffsets
  readonly #stateReader: StateReader
  readonly #ownInput: SharedAppend
  readonly #slots = new Map<number, TaskSlot>()
  readonly #slotParts: TaskSlotParts
  readonly #stopping = new AbortController()
  readonly #fail: (error: Error) => void
  readonly #lastOffsetCommitMs = new Map<number, number>()
  #joined = false
  #isLeaving = false

  constructor(options: TaskRunnerOptions) {
    this.#options = options
    this.#logger = options.logger
    const { promise, resolve } = Promise.withResolvers<Error>()
    this.failed = promise
    this.#fail = resolve
    const { brokers, clientId, logger, security, clock, metrics } = options
    const { inputTopic, stateTopic, topicPrefix, version = 1 } = options
    const service = version === 1 ? options.service : `${options.service}-v${version}`
    const kafka = { brokers, clientId, logger, security }
    this.#consumer = createKafka(options).consumer({
      groupId: `${topicPrefix}${service}`,
      partitionAssigners: [samePartitionAssignerAfter(() => this.#settled(), options.partitions)],
      sessionTimeout: TASK_BOUNDS.sessionTimeoutMs,
      heartbeatInterval: TASK_BOUNDS.heartbeatIntervalMs,
      rebalanceTimeout: TASK_BOUNDS.rebalanceTimeoutMs,
      metadataMaxAge: LEADERS_AGE_MS_MAX,
      maxWaitTimeInMs: TASK_BOUNDS.fetchWaitMs,
      maxBytes: TASK_BOUNDS.fetchBytesMax,
      maxBytesPerPartition: TASK_BOUNDS.partitionBytesMax,
      retry: { retries: TASK_BOUNDS.consumerRetriesMax },
    })
    this.#admin = openAdmin(options)
    this.#logOffsets = new LogOffsets(options)
    this.#stateReader = new StateReader({ ...kafka, clock, topic: stateTopic })
    this.#ownInput = new SharedAppend(new IdempotentProducer({ ...kafka, metrics, topic: inputTopic }), clock)
    const forward = forwardOver(this.#ownInput)
    this.#slotParts = {
      inputTopic,
      stateTopic,
      outputTopics: options.outputTopics,
      instance: options.instance,
      clock,
      logger,
      metrics,
      stateReader: this.#stateReader,
      openState: (partition) => options.openState(partition, forward),
      failpoint: options.failpoint,
      openWriter: (partition) =>
        new TransactionalWriter({
          ...kafka,
          transactionalId: `${topicPrefix}${service}-${partition}`,
          failpoint: options.failpoint,
        }),
      logRanges: async (partition) => ({
        input: await this.#logOffsets.rangeOf(inputTopic, partition),
        state: await this.#logOffsets.startOf(stateTopic, partition),
      }),
      deleteStateBefore: async (partition, offset) => {
        // kafkajs deletes only from topics whose offsets it was asked for.
        await logRanges(this.#admin, stateTopic)
        await deleteRecordsBefore(this.#admin, stateTopic, partition, offset)
      },
      onFatal: (error) => this.#fail(error),
    }
  }

  /** Connects, joins the group and goes on in the background. */
  async start(): Promise<void> {
    const consumer = this.#consumer
    const { inputTopic } = this.#options
    await this.#admin.connect()
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#onJoin(payload.memberAssignment[inputTopic] ?? [])
    })
    consumer.on(consumer.events.HEARTBEAT, () => this.#onHeartbeat())
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
      // firstOffset is null where the whole batch lies below what was asked for, whatever the types say.
      const first = payload.firstOffset as string | null
      this.#slots.get(payload.partition)?.onFetched({
        first: first === null ? null : BigInt(first),
        last: BigInt(payload.lastOffset),
        records: payload.batchSize,
      })
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.#fail(payload.error)
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [inputTopic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS_MAX,
      eachBatch: async (fetched) => {
        const { batch } = fetched
        if (fetched.isStale()) return
        const slot = this.#slots.get(batch.partition)
        if (slot === undefined) return
        const beganMs = this.#options.clock.monotonicMs()
        const nextOffset = BigInt(batch.lastOffset()) + 1n
        const records = batch.messages.map((message) => toRecord(batch.partition, message))
        const outcome = await slot.handle(records, nextOffset, () => fetched.heartbeat())
        this.#after(slot, outcome, fetched)
        if (slot.phase === 'running') await this.#pace(records, beganMs)
      },
    })
    void this.#watchSilence()
  }

  /** Lets more records come together before the next fetch, unless there are many. */
  async #pace(records: readonly LogRecord[], beganMs: number): Promise<void> {
    const { clock } = this.#options
    const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
    if (bytes >= TASK_BOUNDS.batchBytesSmall) return
    const restMs = beganMs + TASK_BOUNDS.batchIntervalMs - clock.monotonicMs()
    if (restMs > 0) await clock.delay(restMs, this.#stopping.signal)
  }

  /** Ends the open groups of blocks, finishes the transactions under way and leaves the consumer group. */
  async stop(): Promise<void> {
    this.#isLeaving = true
    await this.#endOpenGroups()
    this.#stopping.abort()
    await this.#consumer.stop()
    await Promise.all([...this.#slots.values()].map((slot) => slot.close()))
    await Promise.allSettled([
      this.#consumer.disconnect(),
      this.#stateReader.stop(),
      this.#ownInput.stop(),
      this.#admin.disconnect(),
    ])
    this.#logOffsets.stop()
  }

  /** What keeps this process from being ready, in words. */
  waitingFor(): string[] {
    if (!this.#joined) return [`partitions of ${this.#options.inputTopic} to be assigned`]
    return [...this.#slots.values()]
      .filter(({ phase }) => phase !== 'running' && phase !== 'halted')
      .map(({ partition, phase }) => `partition ${partition} (${phase})`)
  }

  /** Halted partitions with what the operator can do. */
  halts(): { topic: string; partition: number; halt: Halt }[] {
    const halts = []
    for (const { partition, halt } of this.#slots.values()) {
      if (halt !== undefined) halts.push({ topic: this.#options.inputTopic, partition, halt })
    }
    return halts
  }

  #after(slot: TaskSlot, outcome: SlotOutcome, fetched: EachBatchPayload): void {
    const { partition } = slot
    switch (outcome.next) {
      case 'continue':
        fetched.resolveOffset(fetched.batch.lastOffset())
        this.#commitOffset(slot, fetched)
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

  #onJoin(partitions: readonly number[]): void {
    this.#joined = true
    for (const [partition, slot] of this.#slots) {
      if (partitions.includes(partition)) continue
      this.#slots.delete(partition)
      void slot.close()
    }
    for (const partition of partitions) {
      const slot = this.#slots.get(partition)
      // What another process gives up while this one leaves is for the next: a task that starts now would open a group.
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
    const assigned = [...this.#slots.values()].filter(({ phase }) => phase === 'assigned')
    this.#tick(assigned)
    this.#logger.info({ partitions }, 'partitions assigned')
  }

  #onHeartbeat(): void {
    for (const slot of this.#slots.values()) {
      if (!slot.onHeartbeat()) continue
      this.#resume(slot.partition)
      this.#tick([slot])
    }
  }

  /** Ends open groups, moves idle watermarks on, and starts tasks whose tick was lost. */
  async #watchSilence(): Promise<void> {
    const { clock, tickWhenIdle } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await clock.delay(TICK_SCAN_MS, signal)
      const nowMs = clock.monotonicMs()
      const silent = [...this.#slots.values()].filter((slot) => {
        if (slot.tickUnderWay || slot.resting) return false
        const silenceMs = nowMs - slot.lastBatchMs
        if (slot.phase === 'assigned') return silenceMs >= TASK_BOUNDS.startTickMs
        if (slot.phase !== 'running') return false
        if (slot.groupOpen) return silenceMs >= TASK_BOUNDS.groupAgeMs
        return tickWhenIdle && silenceMs >= TASK_BOUNDS.idleTickMs
      })
      this.#tick(silent)
    }
  }

  /** What is in an open group is loaded only once another start has ended it: a stop leaves none, if it can. */
  async #endOpenGroups(): Promise<void> {
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + END_GROUPS_TIMEOUT_MS
    for (;;) {
      const open = [...this.#slots.values()].filter(
        ({ phase, groupOpen }) => phase === 'running' && groupOpen,
      )
      if (open.length === 0 || clock.monotonicMs() >= deadlineMs) return
      this.#tick(open.filter(({ tickUnderWay }) => !tickUnderWay))
      await clock.delay(TICK_SCAN_MS)
    }
  }

  /** Before the group gives the partitions anew: what the next owner's fence would refuse is committed first. */
  async #settled(): Promise<void> {
    const over = new AbortController()
    const work = Promise.all([...this.#slots.values()].map((slot) => slot.settled()))
    await Promise.race([work, this.#options.clock.delay(SETTLE_TIMEOUT_MS, over.signal)])
    over.abort()
  }

  #tick(slots: readonly TaskSlot[]): void {
    for (const slot of slots) slot.tickUnderWay = true
    this.#append(slots.map(({ partition }) => tickFor(partition, this.#options.instance)))
  }

  /** Appends to the own input, each partition for itself: one whose broker hangs holds up no other. */
  #append(records: readonly LogAppend[]): void {
    if (this.#stopping.signal.aborted) return
    for (const record of records) {
      this.#ownInput.append([record]).catch((error: unknown) => {
        // A lost tick costs nothing but time: silence goes on and the next scan writes another.
        this.#logger.debug({ err: error, partition: record.partition }, 'a tick was not acknowledged')
        const slot = this.#slots.get(record.partition)
        if (slot !== undefined) slot.tickUnderWay = false
      })
    }
  }

  async #resumeLater(slot: TaskSlot): Promise<void> {
    slot.resting = true
    await this.#options.clock.delay(TASK_BOUNDS.pauseMs, this.#stopping.signal)
    slot.resting = false
    if (this.#slots.get(slot.partition) !== slot || this.#stopping.signal.aborted) return
    if (slot.phase === 'running') this.#resume(slot.partition)
  }

  /** One try, which nobody waits for: kafkajs' own would be made again and again at a coordinator that hangs. */
  #commitOffset({ partition, position }: TaskSlot, fetched: EachBatchPayload): void {
    const nowMs = this.#options.clock.monotonicMs()
    const lastMs = this.#lastOffsetCommitMs.get(partition) ?? 0
    if (nowMs - lastMs < TASK_BOUNDS.offsetCommitMs) return
    this.#lastOffsetCommitMs.set(partition, nowMs)
    const topics = [
      { topic: this.#options.inputTopic, partitions: [{ partition, offset: position.toString() }] },
    ]
    fetched.commitOffsetsIfNecessary({ topics }).catch((error: unknown) => {
      this.#logger.debug({ err: error }, 'the group offset was not committed; nothing depends on it')
    })
  }

  #seek(partition: number, offset: bigint): void {
    this.#consumer.seek({ topic: this.#options.inputTopic, partition, offset: offset.toString() })
  }

  #pause(partition: number): void {
    this.#consumer.pause([{ topic: this.#options.inputTopic, partitions: [partition] }])
  }

  #resume(partition: number): void {
    this.#consumer.resume([{ topic: this.#options.inputTopic, partitions: [partition] }])
  }
}
