import type { TaskServiceName } from '../../schemas/services.ts'
import { STATE_KEY } from '../../schemas/avro.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import type { GroupConsumer } from '../../pipelines/log/group-consumer.ts'
import { FatalError } from '../../pipelines/log/records.ts'
import { SharedAppend } from '../../pipelines/log/shared-append.ts'
import { PartitionForward } from '../../pipelines/task/forward.ts'
import type { TaskWriter } from '../../pipelines/task/ports.ts'
import { TaskPump } from '../../pipelines/task/task-pump.ts'
import type { TaskSlotParts } from '../../pipelines/task/task-slot.ts'
import { TASK_BOUNDS } from '../../pipelines/task/task.ts'
import type { Forward, TaskState } from '../../pipelines/task/task.ts'
import { MemoryConsumer } from './world/consumer.ts'
import type { PartitionLog } from './world/partition-log.ts'
import type { SimProcess } from './world/process.ts'
import { openProducer, openWriter } from './world/producers.ts'
import type { Service } from './services.ts'
import { PARTITIONS } from './services.ts'
import { memoryStateReader } from './world/state-reader.ts'
import type { World } from './world/world.ts'

export interface TaskServiceOptions {
  readonly service: TaskServiceName
  readonly inputTopic: string
  readonly stateTopic: string
  readonly outputTopics: readonly string[]
  readonly tickWhenIdle: boolean
  readonly openState: (partition: number, forward: Forward) => TaskState
  /** A layer between a task and its writer, for tests that take a guard away. */
  readonly wrapWriter?: (writer: TaskWriter, partition: number) => TaskWriter
}

/** The product's task pump over the cluster in memory; it records what the judge must know. */
export class TaskService implements Service {
  readonly failed: Promise<Error>
  readonly #options: TaskServiceOptions
  readonly #process: SimProcess
  readonly #world: World
  readonly #pump: TaskPump

  constructor(process: SimProcess, world: World, options: TaskServiceOptions) {
    this.#options = options
    this.#process = process
    this.#world = world
    const ownInput = new SharedAppend(openProducer(world, process, options.inputTopic), process.clock)
    this.#pump = new TaskPump({
      consumer: this.#watched(this.#consumer()),
      ownInput,
      tickWhenIdle: options.tickWhenIdle,
      slots: this.#slots(() => this.#forward(ownInput)),
    })
    this.failed = this.#pump.failed.then((error) => {
      if (error instanceof FatalError) world.problems.push(`${process.name}: ${error.message}`)
      return error
    })
    void this.#pump.start()
  }

  async stop(): Promise<void> {
    await this.#pump.stop()
  }

  readonly #recordsMax = (): number => this.#world.random.int(1, this.#world.schedule.settings.fetchMax)

  #consumer(): MemoryConsumer {
    return new MemoryConsumer({
      process: this.#process,
      cluster: this.#world.cluster,
      groupId: this.#options.service,
      topics: [this.#options.inputTopic],
      group: {
        sessionMs: TASK_BOUNDS.sessionTimeoutMs,
        rebalanceMs: TASK_BOUNDS.rebalanceTimeoutMs,
        partitions: PARTITIONS,
      },
      recordsMax: this.#recordsMax,
    })
  }

  /** A halted partition is a problem of the run as soon as it halts. */
  #watched(consumer: MemoryConsumer): GroupConsumer {
    return {
      start: (handlers) =>
        consumer.start({
          onAssigned: (partitions) => handlers.onAssigned(partitions),
          onHeartbeat: () => handlers.onHeartbeat(),
          beforeRebalance: () => handlers.beforeRebalance(),
          onFailed: (error) => handlers.onFailed(error),
          onFetched: (topic, partition, range) => {
            handlers.onFetched(topic, partition, range)
            this.#watchHalts()
          },
          onBatch: async (batch) => {
            await handlers.onBatch(batch)
            this.#watchHalts()
          },
        }),
      seek: (...where) => consumer.seek(...where),
      pause: (...where) => consumer.pause(...where),
      resume: (...where) => consumer.resume(...where),
      stop: () => consumer.stop(),
    }
  }

  #slots(openForward: () => Forward): Omit<TaskSlotParts, 'onFatal'> {
    const { cluster } = this.#world
    const process = this.#process
    const { service, inputTopic, stateTopic, outputTopics, openState } = this.#options
    const { wrapWriter = (writer) => writer } = this.#options
    const failpoint = this.#world.failpointOf(process)
    return {
      inputTopic,
      stateTopic,
      outputTopics,
      instance: process.name,
      failpoint,
      clock: process.clock,
      logger: this.#world.logger(process.name),
      metrics: noMetrics,
      stateReader: memoryStateReader(process, cluster, stateTopic, this.#recordsMax),
      openWriter: (partition) => {
        const writer = openWriter(this.#world, process, `${service}-${partition}`, failpoint)
        return wrapWriter(this.#receipted(writer, partition), partition)
      },
      openState: (partition, forward) => this.#counted(openState(partition, forward), partition),
      openForward,
      logRanges: async (partition) => ({
        input: await this.#ofLeader('log', inputTopic, partition, ({ start, lastStable: end }) => ({
          start,
          end,
        })),
        state: await this.#ofLeader('log', stateTopic, partition, ({ start }) => start),
      }),
      deleteStateBefore: (partition, offset) =>
        this.#ofLeader('delete', stateTopic, partition, (log) => log.deleteBefore(offset)),
    }
  }

  /** The decision waits for the broker: time must pass. */
  #forward(ownInput: SharedAppend): Forward {
    const forward = new PartitionForward(ownInput)
    return {
      get below() {
        return forward.below
      },
      send: async (records, below) => {
        this.#process.trace(`sends ${records.length} records on`)
        const { timeline } = this.#world
        timeline.endWork()
        try {
          return await forward.send(records, below)
        } finally {
          await timeline.beginWork()
        }
      },
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

  /** Keeps what the writer acknowledges, for the judge. */
  #receipted(writer: TaskWriter, partition: number): TaskWriter {
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

  /** Time stops while a decision packs blocks on the machine's threads. Its look-ups tell the timeline when they wait. */
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

  #watchHalts(): void {
    for (const { partition, halt } of this.#pump.halts()) {
      const problem = `${this.#options.service} halted partition ${partition}: ${halt.reason}: ${halt.message}`
      if (!this.#world.problems.includes(problem)) this.#world.problems.push(problem)
    }
  }
}
