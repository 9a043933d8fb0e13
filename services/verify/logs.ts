import { newestRecord, readPartition, readRanges } from '../../pipelines/kafka/read.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { STATE_KEY } from '../../schemas/avro.ts'
import { TOPICS } from '../../schemas/topics.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import type { Config } from '../runtime/config.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import type { SourceRecord } from './source.ts'

/** Offsets that a partition holds, `[start, end)`. */
export interface Range {
  readonly start: bigint
  readonly end: bigint
}

/** Reads the logs of one installation, and writes nothing. */
export class Logs {
  readonly topics: Readonly<Record<TopicRole, string>>
  readonly #options: ReturnType<typeof kafkaOf>
  readonly #groupBase: string

  /** For one version of the topics. */
  constructor(config: Config, topics: Readonly<Record<TopicRole, string>>) {
    this.topics = topics
    this.#options = kafkaOf(config, 'hivemeter-verify', silentLogger)
    this.#groupBase = `${config.topicPrefix}verify`
  }

  async range(role: TopicRole, partition: number): Promise<Range> {
    const topic = this.topics[role]
    const range = (await readRanges({ ...this.#options, topic })).get(partition)
    if (range === undefined) throw new Error(`Topic ${topic} has no partition ${partition}.`)
    return range
  }

  /** The committed records in `[from, to)`, one by one. */
  async *read(
    role: TopicRole,
    partition: number,
    bounds: { readonly from?: bigint; readonly to: bigint },
  ): AsyncGenerator<SourceRecord> {
    // In a log of input an unreadable record becomes a letter; in every other log nothing can be concluded after it.
    const takesUnreadable = TOPICS[role].kind === 'log'
    const reading = {
      groupBase: this.#groupBase,
      topic: this.topics[role],
      partition,
      takesUnreadable,
      ...bounds,
    }
    const batches = readPartition({ ...this.#options, ...reading })
    for await (const batch of batches) yield* batch
  }

  /** The newest task record of a state topic's partition; null where no transaction was ever committed. */
  async newestTask(state: TopicRole, partition: number): Promise<Buffer | null> {
    const reading = { groupBase: this.#groupBase, topic: this.topics[state], partition }
    return (await newestRecord({ ...this.#options, ...reading }, STATE_KEY.task))?.value ?? null
  }
}
