import { CompactedTable } from '../../pipelines/kafka/kafkajs/table.ts'
import type { ModelTables } from '../../pipelines/usage/model-tables.ts'
import type { ModelTable } from '../../schemas/model-table.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import type { LayoutParts } from '../runtime/follow-layout.ts'
import { KnownModels } from './known-models.ts'
import type { KnownTable } from './known-models.ts'
import { ModelsNotWritten, writeModels } from './write-models.ts'
import type { TableRequest, WriteOutcome } from './write-models.ts'

/** Bytes of the group id of each process, so that each process follows every version. */
const GROUP_ID_BYTES = 8

/** How long it waits before it tries to read the versions again: Kafka may start later than this process. */
const RETRY_PAUSE_MS = 1_000

/** How long a start waits for them, so that no task has to wait. */
export const MODELS_LOAD_TIMEOUT_MS = 5_000

/** How long a write waits until everything that was written before it is read. */
const REACH_TIMEOUT_MS = 4_000
const REACH_STEP_MS = 5

/** The table of models as the routes see it. */
export interface InstallationModels {
  readonly loaded: boolean
  /** The newest table, as of now where the log answers soon. */
  newest(): Promise<KnownTable>
  /** Rejects with `ModelsNotWritten`. */
  write(request: TableRequest): Promise<WriteOutcome>
}

/** Follows hivemeter.models: a version that is written takes effect here within seconds. */
export class FollowedModels implements ModelTables, InstallationModels {
  readonly failed: Promise<Error>
  readonly #parts: LayoutParts
  readonly #service: string
  readonly #known = new KnownModels()
  readonly #stopping = new AbortController()
  /** Versions by which tasks have judged and that are not known here, by partition. */
  readonly #wanted = new Map<number, number>()
  readonly #firstLoad = Promise.withResolvers<void>()
  #table: CompactedTable

  constructor(parts: LayoutParts, service: string) {
    this.#parts = parts
    this.#service = service
    this.#table = this.#open()
    this.failed = this.#run()
  }

  get loaded(): boolean {
    return this.#table.loaded
  }

  /** Resolves when every version is read, or after a bounded time; `waitingFor` then reports what is missing. */
  async awaitLoad(): Promise<void> {
    const over = new AbortController()
    const timeout = this.#parts.clock.delay(MODELS_LOAD_TIMEOUT_MS, over.signal)
    await Promise.race([this.#firstLoad.promise, timeout])
    over.abort()
  }

  newestFor(partition: number, version: number): ModelTable | null {
    const { table } = this.#known.newest
    if (this.loaded && table.version >= version) {
      this.#wanted.delete(partition)
      return table
    }
    this.#wanted.set(partition, version)
    return null
  }

  /** What it and its tasks wait for, in words. */
  waitingFor(): string[] {
    if (!this.loaded) return this.#table.waitingFor()
    const { version } = this.#known.newest.table
    const wanted = [...this.#wanted].filter(([, one]) => one > version)
    return wanted.map(
      ([partition, one]) =>
        `version ${one} of the table of models in ${this.#topic}, by which partition ${partition} has judged`,
    )
  }

  /** What a person should check although nothing waits for it. */
  notes(): string[] {
    const { unreadable } = this.#known
    return unreadable === null ? [] : [`${unreadable}. Put the table anew, and find out who wrote it.`]
  }

  async newest(): Promise<KnownTable> {
    await this.#table.reach(0)
    return this.#known.newest
  }

  async write(request: TableRequest): Promise<WriteOutcome> {
    const { config, logger } = this.#parts
    return await writeModels(
      {
        kafka: kafkaOf(config, `hivemeter-${this.#service}`, logger),
        topicPrefix: config.topicPrefix,
        topic: this.#topic,
        instance: this.#service,
        newestThrough: (offset) => this.#through(offset),
      },
      request,
    )
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#table.stop()
  }

  get #topic(): string {
    return this.#parts.layout.topics.models
  }

  async #through(offset: bigint): Promise<ModelTable> {
    const { clock } = this.#parts
    const deadlineMs = clock.monotonicMs() + REACH_TIMEOUT_MS
    while (this.#known.lastOffset < offset) {
      if (clock.monotonicMs() >= deadlineMs)
        throw new ModelsNotWritten(`${this.#topic} was not read to its end in time.`, false)
      await clock.delay(REACH_STEP_MS)
    }
    return this.#known.newest.table
  }

  /** Reads until everything is loaded, however long Kafka is away. Resolves if it can no longer be followed. */
  async #run(): Promise<Error> {
    const { clock, logger } = this.#parts
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.#table.start()
        this.#firstLoad.resolve()
        return await this.#table.failed
      } catch (error) {
        logger.warn({ err: error }, 'the table of models cannot be read yet; tried again every second')
        await this.#table.stop()
        await clock.delay(RETRY_PAUSE_MS, signal)
        if (!signal.aborted) this.#table = this.#open()
      }
    }
    return await new Promise<Error>(() => {})
  }

  #open(): CompactedTable {
    const { config, layout, logger, clock, random } = this.#parts
    return new CompactedTable({
      ...kafkaOf(config, `hivemeter-${this.#service}`, logger),
      clock,
      topic: layout.topics.models,
      groupId: `${config.topicPrefix}${this.#service}-models-${random.bytes(GROUP_ID_BYTES).toString('hex')}`,
      partitions: 1,
      onRecord: (record) => this.#take(record),
    })
  }

  #take(record: Parameters<KnownModels['apply']>[0]): void {
    const { logger } = this.#parts
    const before = this.#known.newest
    const couldBeRead = this.#known.unreadable === null
    this.#known.apply(record)
    const { newest, unreadable } = this.#known
    if (newest !== before) logger.info({ version: newest.table.version }, 'table of models')
    if (couldBeRead && unreadable !== null) logger.error({}, unreadable)
  }
}
