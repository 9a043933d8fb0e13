import type { Metrics } from '../../schemas/metrics.ts'
import type { Failpoint } from '../failpoints.ts'
import { SharedAppend } from '../log/shared-append.ts'
import { PartitionForward } from '../task/forward.ts'
import { TaskPump } from '../task/task-pump.ts'
import type { TaskSlotParts } from '../task/task-slot.ts'
import { TASK_BOUNDS } from '../task/task.ts'
import type { Forward, TaskState } from '../task/task.ts'
import { deleteRecordsBefore, logRanges, openAdmin } from './kafkajs/admin.ts'
import type { KafkaOptions } from './kafkajs/client.ts'
import { KafkaGroupConsumer } from './kafkajs/group-consumer.ts'
import { LogOffsets } from './log-offsets.ts'
import { IdempotentProducer } from './producer.ts'
import { StateReader } from './kafkajs/state-reader.ts'
import { TransactionalWriter } from './transaction.ts'

export interface TaskRunnerOptions extends KafkaOptions {
  /** Names of the group, transactional ids and log lines begin with it: "aggregator". */
  readonly service: string
  /** Version of the topics: each has a group and transactional ids of its own. Version 1 where it is not given. */
  readonly version?: number
  /**
   * The number of partitions that are used; others, which someone added, are left alone. All of them where it is not
   * given.
   */
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
  readonly metrics: Metrics
  readonly openState: (partition: number, forward: Forward) => TaskState
  readonly failpoint: Failpoint
}

/** The pump of a service's tasks over Kafka: opens the clients and connections that it needs, and closes them. */
export class TaskRunner {
  readonly #pump: TaskPump
  readonly #admin: ReturnType<typeof openAdmin>
  readonly #logOffsets: LogOffsets
  readonly #stateReader: StateReader
  readonly #ownInput: SharedAppend

  constructor(options: TaskRunnerOptions) {
    const { brokers, clientId, logger, security, clock, random, metrics } = options
    const { inputTopic, stateTopic, topicPrefix, version = 1 } = options
    const service = version === 1 ? options.service : `${options.service}-v${version}`
    const kafka = { brokers, clientId, logger, clock, random, security }
    this.#admin = openAdmin(options)
    this.#logOffsets = new LogOffsets(options)
    this.#stateReader = new StateReader({ ...kafka, topic: stateTopic })
    this.#ownInput = new SharedAppend(new IdempotentProducer({ ...kafka, metrics, topic: inputTopic }), clock)
    this.#pump = new TaskPump({
      consumer: new KafkaGroupConsumer({
        ...kafka,
        topics: [inputTopic],
        groupId: `${topicPrefix}${service}`,
        partitions: options.partitions,
        bounds: GROUP_BOUNDS,
      }),
      ownInput: this.#ownInput,
      tickWhenIdle: options.tickWhenIdle,
      slots: {
        inputTopic,
        stateTopic,
        outputTopics: options.outputTopics,
        instance: options.instance,
        clock,
        logger,
        metrics,
        failpoint: options.failpoint,
        stateReader: this.#stateReader,
        openState: options.openState,
        openForward: () => new PartitionForward(this.#ownInput),
        openWriter: (partition) =>
          new TransactionalWriter({
            ...kafka,
            transactionalId: `${topicPrefix}${service}-${partition}`,
            failpoint: options.failpoint,
          }),
        ...this.#logOf(inputTopic, stateTopic),
      },
    })
  }

  get failed(): Promise<Error> {
    return this.#pump.failed
  }

  /** Connects, joins the group and continues in the background. */
  async start(): Promise<void> {
    await this.#admin.connect()
    await this.#pump.start()
  }

  /** Ends the open groups of blocks, finishes the transactions under way, leaves the consumer group and disconnects. */
  async stop(): Promise<void> {
    await this.#pump.stop()
    await Promise.allSettled([this.#stateReader.stop(), this.#ownInput.stop(), this.#admin.disconnect()])
    this.#logOffsets.stop()
  }

  waitingFor(): ReturnType<TaskPump['waitingFor']> {
    return this.#pump.waitingFor()
  }

  halts(): ReturnType<TaskPump['halts']> {
    return this.#pump.halts()
  }

  #logOf(inputTopic: string, stateTopic: string): Pick<TaskSlotParts, 'logRanges' | 'deleteStateBefore'> {
    return {
      logRanges: async (partition) => ({
        input: await this.#logOffsets.rangeOf(inputTopic, partition),
        state: await this.#logOffsets.startOf(stateTopic, partition),
      }),
      deleteStateBefore: async (partition, offset) => {
        // kafkajs deletes records only from topics whose offsets it was queried for.
        await logRanges(this.#admin, stateTopic)
        await deleteRecordsBefore(this.#admin, stateTopic, partition, offset)
      },
    }
  }
}

const GROUP_BOUNDS = {
  sessionTimeout: TASK_BOUNDS.sessionTimeoutMs,
  heartbeatInterval: TASK_BOUNDS.heartbeatIntervalMs,
  rebalanceTimeout: TASK_BOUNDS.rebalanceTimeoutMs,
  maxWaitTimeInMs: TASK_BOUNDS.fetchWaitMs,
  maxBytes: TASK_BOUNDS.fetchBytesMax,
  maxBytesPerPartition: TASK_BOUNDS.partitionBytesMax,
  retry: { retries: TASK_BOUNDS.consumerRetriesMax },
} as const
