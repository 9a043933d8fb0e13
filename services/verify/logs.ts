import { readPartition, readRanges } from '../../pipelines/kafka/read.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { STATE_KEY } from '../../schemas/avro.ts'
import { topicNames } from '../../schemas/topics.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import type { Config } from '../config.ts'
import { kafkaOf } from '../kafka.ts'
import type { SourceRecord } from './source.ts'

/** Offsets that a partition holds, `[start, end)`. */
export interface Range {
  readonly start: bigint
  readonly end: bigint
}

/** Records from the end of a state topic that are read first to find the newest task record. */
const TAIL_RECORDS = 64n

/** Reads the logs of one installation, and writes nothing. */
export class Logs {
  readonly topics: Record<TopicRole, string>
  readonly #options: ReturnType<typeof kafkaOf>
  readonly #groupBase: string

  constructor(config: Config) {
    this.topics = topicNames(config.topicPrefix)
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
    const reading = { groupBase: this.#groupBase, topic: this.topics[role], partition, ...bounds }
    const batches = readPartition({ ...this.#options, ...reading })
    for await (const batch of batches) yield* batch
  }

  /** The newest task record of a state topic's partition; null where no transaction was ever committed. */
  async newestTask(role: 'usageIds' | 'nodeState', partition: number): Promise<SourceRecord | null> {
    const { start, end } = await this.range(role, partition)
    for (let records = TAIL_RECORDS; ; records *= 16n) {
      const from = end - records > start ? end - records : start
      let newest: SourceRecord | null = null
      for await (const record of this.read(role, partition, { from, to: end })) {
        if (record.key?.toString('latin1') === STATE_KEY.task) newest = record
      }
      if (newest !== null || from === start) return newest
    }
  }
}
