import { STATE_KEY } from '../../schemas/avro.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { LogProducer } from '../../pipelines/kafka/producer.ts'
import type { LogAppend } from '../../pipelines/kafka/records.ts'
import { TaskSlot } from '../../pipelines/kafka/task-slot.ts'
import type { SlotOutcome, TaskSlotParts } from '../../pipelines/kafka/task-slot.ts'
import { forwardOver } from '../../pipelines/kafka/forward.ts'
import { SharedAppend } from '../../pipelines/kafka/shared-append.ts'
import { TASK_BOUNDS } from '../../pipelines/kafka/task.ts'
import type { Forward, TaskState } from '../../pipelines/kafka/task.ts'
import { tickFor } from '../../pipelines/kafka/tick.ts'
import type { TransactionalWriter } from '../../pipelines/kafka/transaction.ts'
import { MemoryConsumer } from './consumer.ts'
import type { Batch } from './consumer.ts'
import type { PartitionLog } from './partition-log.ts'
import type { SimProcess } from './process.ts'
import { openProducer, openWriter } from './producers.ts'
import type { Writer } from './producers.ts'
import type { Service } from './services.ts'
import { PARTITIONS } from './services.ts'
import { memoryStateReader } from './state-reader.ts'
import type { World } from './world.ts'

/** Silent partitions are looked for every 50 ms by the real runner; a coarser look only saves turns. */
const TICK_SCAN_MS = 200

export interface TaskServiceOptions {
  readonly service: 'aggregator' | 'settler'
  readonly inputTopic: string
  readonly stateTopic: string
  readonly outputTopics: readonly string[]
  readonly tickWhenIdle: boolean
  readonly openState: (partition: number, forward: Forward) => TaskState
  /** Stands between a task and its writer, for tests that take a guard away. */
  readonly wrapWriter?: (writer: Writer, partition: number) => Writer
}

/** The real `TaskSlot`s of a process, driven as `TaskRunner` drives them: consumer, ticks, heartbeats, joins. */
export class TaskService implements Service {
  readonly #options: TaskServiceOptions
  readonly #process: SimProcess
  readonly #world: World
  readonly #consumer: MemoryConsumer
  readonly #ticker: LogProducer
  readonly #slots = new Map<number, TaskSlot>()
  readonly #slotParts: TaskSlotParts
  readonly #lastOffsetCommitMs = new Map<number, number>()
  readonly #running: Promise<void>
  readonly failed: Promise<Error>
  #toAppend: LogAppend[] = []
  #appending: Promise<void> | undefined
  #isStopping = false

  constructor(process: SimProcess, world: World, options: TaskServiceOptions) {
    this.#options = options
    this.#process = process
    this.#world = world
    const { cluster, random, schedule } = world
    const { service, inputTopic } = options
    const recordsMax = (): number => random.int(1, schedule.settings.fetchMax)
    this.#ticker = openProducer(world, process, inputTopic)
    this.#slotParts = this.#partsOf(recordsMax)
    this.#consumer = new MemoryConsumer({
      process,
      cluster,
      groupId: service,
      topics: [inputTopic],
      group: {
        sessionMs: TASK_BOUNDS.sessionTimeoutMs,
        rebalanceMs: TASK_BOUNDS.rebalanceTimeoutMs,
        partitions: PARTITIONS,
      },
      recordsMax,
      onJoined: (partitions) => this.#onJoin(partitions),
      onHeartbeat: () => this.#onHeartbeat(),
      onStartBatch: (_topic, partition, range) => {
        this.#slots.get(partition)?.onFetched(range)
        this.#watchHalts()
      },
      eachBatch: (batch) => this.#eachBatch(batch),
    })
    const { promise: failed, resolve } = Promise.withResolvers<Error>()
    this.failed = failed
    this.#running = this.#consumer.run().catch(resolve)
    void this.#watchSilence()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#consumer.stop()
    await this.#running
    await this.#appending
    await Promise.all([...this.#slots.values()].map((slot) => slot.close()))
  }

  #partsOf(recordsMax: () => number): TaskSlotParts {
    const { cluster } = this.#world
    const process = this.#process
    const { service, inputTopic, stateTopic, outputTopics, openState } = this.#options
    const { wrapWriter = (writer) => writer } = this.#options
    const failpoint = this.#world.failpointOf(process)
    const forward = this.#forward(inputTopic)
    return {
      inputTopic,
      stateTopic,
      outputTopics,
      instance: process.name,
      failpoint,
      clock: process.clock,
      logger: this.#world.logger(process.name),
      metrics: noMetrics,
      stateReader: memoryStateReader(process, cluster, stateTopic, recordsMax),
      openWriter: (partition) => {
        const writer = openWriter(this.#world, process, `${service}-${partition}`, failpoint)
        return wrapWriter(this.#receipted(writer, partition), partition) as unknown as TransactionalWriter
      },
      openState: (partition) => this.#counted(openState(partition, forward), partition),
      logRanges: async (partition) => ({
        input: await this.#ofLeader('log', inputTopic, partition, ({ start, lastStable: end }) => ({
          start,
          end,
        })),
        state: await this.#ofLeader('log', stateTopic, partition, ({ start }) => start),
      }),
      deleteStateBefore: (partition, offset) =>
        this.#ofLeader('delete', stateTopic, partition, (log) => log.deleteBefore(offset)),
      onFatal: (error) => this.#world.problems.push(`${process.name}: ${error.message}`),
    }
  }

  /** A producer of its own: what ticks draw by chance stays what it was for a seed in which nothing is sent on. */
  #forward(topic: string): Forward {
    const { clock } = this.#process
    const forward = forwardOver(new SharedAppend(openProducer(this.#world, this.#process, topic), clock))
    return async (records) => {
      this.#process.trace(`sends ${records.length} records on`)
      const { timeline } = this.#world
      // The decision waits for the broker: time must pass.
      timeline.endWork()
      try {
        return await forward(records)
      } finally {
        await timeline.beginWork()
      }
    }
  }

  #ofLeader<T>(
    kind: 'log' | 'delete',
    topic: string,
    partition: number,
    apply: (log: PartitionLog) => T,
  ): Promise<T> {
    return this.#process.request(kind, () => this.#world.cluster.ofLeader(topic, partition, apply))
  }

  /** What the writer is told is kept for the judge. */
  #receipted(writer: Writer, partition: number): Writer {
    const { receipts, undecided } = this.#world
    const { service } = this.#options
    return {
      commit: async (records) => {
        const isFence = records[0]?.key === STATE_KEY.fence
        const failure = isFence ? null : undecided.commitFails(service, partition)
        if (failure?.isDone === false) throw new Error('The transaction was not begun.')
        receipts.handed(records)
        const offsets = await writer.commit(records)
        if (failure !== null) throw new Error('The transaction is done, and its answer lost.')
        receipts.acknowledged(records, offsets)
        return offsets
      },
      close: () => writer.close(),
    }
  }

  /** Time stands while a decision packs blocks on the machine's threads. Its look-ups say when they wait. */
  #counted(state: TaskState, partition: number): TaskState {
    const { timeline, undecided } = this.#world
    const { service } = this.#options
    return {
      restore: (record) => state.restore(record),
      restored: (inputStart) => state.restored(inputStart),
      decide: async (batch) => {
        await timeline.beginWork()
        try {
          const decision = await state.decide(batch)
          if (undecided.decideFails(service, partition))
            throw new RangeError('A decision fails for a moment.')
          return decision
        } finally {
          timeline.endWork()
        }
      },
      committed: (offsets) => state.committed(offsets),
      dispose: () => state.dispose(),
    }
  }

  async #eachBatch(batch: Batch): Promise<void> {
    if (batch.isStale()) return
    const slot = this.#slots.get(batch.partition)
    if (slot === undefined) return
    const outcome = await slot.handle(batch.records, batch.lastOffset + 1n, () => batch.heartbeat())
    this.#after(slot, outcome, batch)
    this.#watchHalts()
  }

  #after(slot: TaskSlot, outcome: SlotOutcome, batch: Batch): void {
    const { inputTopic } = this.#options
    const { partition } = slot
    switch (outcome.next) {
      case 'continue':
        batch.resolve()
        this.#commitOffset(slot)
        break
      case 'seek':
        this.#consumer.seek(inputTopic, partition, outcome.position)
        this.#append(slot.takeAppends())
        break
      case 'rest':
        this.#consumer.pause(inputTopic, partition)
        this.#consumer.seek(inputTopic, partition, outcome.position)
        this.#process.trace(`partition ${partition} rests: ${outcome.reason}`)
        void this.#resumeLater(slot)
        break
      case 'pause':
        this.#consumer.pause(inputTopic, partition)
        break
    }
  }

  #onJoin(partitions: readonly number[]): void {
    const { inputTopic } = this.#options
    for (const [partition, slot] of this.#slots) {
      if (partitions.includes(partition)) continue
      this.#slots.delete(partition)
      void slot.close()
    }
    for (const partition of partitions) {
      const slot = this.#slots.get(partition)
      if (slot === undefined) {
        this.#slots.set(partition, new TaskSlot(partition, this.#slotParts))
      } else {
        slot.onAssigned()
        if (slot.phase === 'running') this.#consumer.seek(inputTopic, partition, slot.position)
      }
      if (this.#slots.get(partition)?.phase !== 'halted') this.#consumer.resume(inputTopic, partition)
    }
    this.#tick([...this.#slots.values()].filter(({ phase }) => phase === 'assigned'))
  }

  #onHeartbeat(): void {
    for (const slot of this.#slots.values()) {
      if (!slot.onHeartbeat()) continue
      this.#consumer.resume(this.#options.inputTopic, slot.partition)
      this.#tick([slot])
    }
  }

  async #watchSilence(): Promise<void> {
    const { clock } = this.#process
    while (!this.#isStopping) {
      await clock.delay(TICK_SCAN_MS)
      const nowMs = clock.monotonicMs()
      this.#tick(
        [...this.#slots.values()].filter((slot) => {
          if (slot.tickUnderWay || slot.resting) return false
          const silenceMs = nowMs - slot.lastBatchMs
          if (slot.phase === 'assigned') return silenceMs >= TASK_BOUNDS.idleTickMs
          if (slot.phase !== 'running') return false
          if (slot.groupOpen) return silenceMs >= TASK_BOUNDS.groupAgeMs
          return this.#options.tickWhenIdle && silenceMs >= TASK_BOUNDS.idleTickMs
        }),
      )
    }
  }

  #tick(slots: readonly TaskSlot[]): void {
    for (const slot of slots) slot.tickUnderWay = true
    this.#append(slots.map(({ partition }) => tickFor(partition, this.#process.name)))
  }

  #append(records: readonly LogAppend[]): void {
    if (records.length === 0 || this.#isStopping) return
    this.#toAppend.push(...records)
    this.#appending ??= this.#appendAll().finally(() => {
      this.#appending = undefined
    })
  }

  async #appendAll(): Promise<void> {
    while (this.#toAppend.length > 0) {
      const records = this.#toAppend
      this.#toAppend = []
      try {
        await this.#ticker.append(records)
      } catch {
        for (const { partition } of records) {
          const slot = this.#slots.get(partition)
          if (slot !== undefined) slot.tickUnderWay = false
        }
      }
    }
  }

  async #resumeLater(slot: TaskSlot): Promise<void> {
    slot.resting = true
    await this.#process.clock.delay(TASK_BOUNDS.pauseMs)
    slot.resting = false
    if (this.#slots.get(slot.partition) !== slot || this.#isStopping) return
    if (slot.phase === 'running') this.#consumer.resume(this.#options.inputTopic, slot.partition)
  }

  #commitOffset({ partition, position }: TaskSlot): void {
    const nowMs = this.#process.clock.monotonicMs()
    if (nowMs - (this.#lastOffsetCommitMs.get(partition) ?? 0) < TASK_BOUNDS.offsetCommitMs) return
    this.#lastOffsetCommitMs.set(partition, nowMs)
    this.#consumer.commit(this.#options.inputTopic, partition, position).catch(() => {})
  }

  #watchHalts(): void {
    for (const { partition, halt } of this.#slots.values()) {
      if (halt === undefined) continue
      const problem = `${this.#options.service} halted partition ${partition}: ${halt.reason}: ${halt.message}`
      if (!this.#world.problems.includes(problem)) this.#world.problems.push(problem)
    }
  }
}
