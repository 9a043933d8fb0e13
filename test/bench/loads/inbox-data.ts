import { systemRandom } from '../../../pipelines/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { RULES_DEFAULT } from '../../../pipelines/account/rules.ts'
import type { AccountRules } from '../../../pipelines/account/rules.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { COMPILED_TABLES } from '../../../pipelines/usage/model-tables.ts'
import { AggregatorState } from '../../../pipelines/usage/pipeline.ts'
import { inboxConfigureCodec, usageEventsCodec } from '../../../schemas/avro.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { topicNames } from '../../../schemas/topics.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import { Fleet, PACK } from './fleet.ts'
import { nothingForwarded } from '../../support/memory/nothing-forwarded.ts'
import { emptyStoreGate } from '../../support/memory/stored-marks.ts'

/**
 * The documented defaults, except that nodes pay for the calls of others: otherwise every cost would be refused and
 * nothing paid.
 */
export const INBOX_RULES: AccountRules = {
  ...RULES_DEFAULT,
  version: 1,
  overrides: [{ name: 'allow_metered_for_hive', value: true }],
}

/** The result that the settler must find. */
export interface InboxTruth {
  readonly costs: number
  readonly costNanoUsd: bigint
}

export interface InboxOptions {
  readonly brokers: readonly string[]
  /** The prefix of the topics. */
  readonly prefix: string
  readonly partitions: number
  readonly nodes: number
  readonly costs: number
  /** True: one node after the other, so that no batch has a node often. False: random ones. */
  readonly inTurn: boolean
  /** The number of UTC days over which the costs are spread, and so of spend days in an account; at most 35. */
  readonly days: number
}

/** Events of one transaction: about what a fetch of 2 MB holds. */
const BATCH = 20_000
/** Inbox records of a partition in one send: well below what the topic takes. */
const RECORDS_PER_SEND = 4
const DAY_MS = 86_400_000

/**
 * Fills account.inbox as the aggregator does: usage events that all cost something go through its own state, in
 * transactions of 20,000, and the result is appended. So the ranges tile, and costs and sums come as they do in
 * production. The first record of each partition is the rules.
 */
export async function fillInbox(options: InboxOptions): Promise<InboxTruth> {
  const { partitions, nodes, costs, inTurn, days } = options
  const fleet = new Fleet({ nodes, partitions, seed: 7 })
  const inboxes = Array.from({ length: partitions }, (_, partition) => new Inbox(options, partition))
  const nowMs = Date.now()
  let costNanoUsd = 0n
  for (const inbox of inboxes) await inbox.configure()
  for (let index = 0; index < costs; index++) {
    const occurredAtMs = nowMs - (index % days) * DAY_MS
    const node = inTurn ? { node: index % nodes } : {}
    const { partition, event } = fleet.event(index, occurredAtMs, { paid: true, ...node })
    costNanoUsd += BigInt(event.cost_nano_usd)
    await inboxes[partition]?.add(event)
  }
  for (const inbox of inboxes) await inbox.stop()
  return { costs, costNanoUsd }
}

/** One partition of account.inbox and the aggregator's state that writes it. */
class Inbox {
  readonly #partition: number
  readonly #topic: string
  readonly #producer: IdempotentProducer
  readonly #aggregator: AggregatorState
  #pack: UsageEvent[] = []
  #batch: LogRecord[] = []
  #offset = 0n

  constructor(options: InboxOptions, partition: number) {
    const topics = topicNames(options.prefix)
    this.#partition = partition
    this.#topic = topics.accountInbox
    this.#producer = new IdempotentProducer({
      brokers: options.brokers,
      clientId: 'hivemeter-bench',
      topic: topics.accountInbox,
      logger: silentLogger,
      clock: systemClock,
      random: systemRandom,
      metrics: noMetrics,
    })
    this.#aggregator = new AggregatorState({
      partition,
      partitions: options.partitions,
      topics,
      idKey: Buffer.alloc(32, 7),
      idPool: { held: 0, max: 20_000_000 },
      lookup: async () => null,
      models: COMPILED_TABLES,
      loadedSeq: () => 0,
      gate: emptyStoreGate(),
      forward: nothingForwarded,
      clock: systemClock,
      metrics: noMetrics,
    })
    this.#aggregator.restored(0n)
  }

  async configure(): Promise<void> {
    const value = inboxConfigureCodec.encode(INBOX_RULES)
    await this.#producer.append([{ partition: this.#partition, key: null, value }])
  }

  async add(event: UsageEvent): Promise<void> {
    this.#pack.push(event)
    if (this.#pack.length < PACK) return
    this.#endPack()
    if (this.#batch.length * PACK >= BATCH) await this.#endBatch()
  }

  async stop(): Promise<void> {
    if (this.#pack.length > 0) this.#endPack()
    if (this.#batch.length > 0) await this.#endBatch()
    this.#aggregator.dispose()
    await this.#producer.stop()
  }

  #endPack(): void {
    this.#batch.push({
      partition: this.#partition,
      offset: this.#offset++,
      timestampMs: Date.now(),
      key: null,
      value: usageEventsCodec.encode({ events: this.#pack }),
      headers: {},
    })
    this.#pack = []
  }

  async #endBatch(): Promise<void> {
    const { appends } = await this.#aggregator.decide({ records: this.#batch, nextOffset: this.#offset })
    this.#aggregator.committed([])
    this.#batch = []
    const records = appends.filter(({ topic }) => topic === this.#topic)
    for (let from = 0; from < records.length; from += RECORDS_PER_SEND) {
      await this.#producer.append(records.slice(from, from + RECORDS_PER_SEND))
    }
  }
}
