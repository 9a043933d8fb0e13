import { PartitionForward } from '../../../pipelines/task/forward.ts'
import { ProduceError } from '../../../pipelines/log/producer.ts'
import { aggregatorTaskCodec, inboxUsageCodec, STATE_KEY, usageEventsCodec } from '../../../schemas/avro.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import type { Metrics } from '../../../schemas/metrics.ts'
import type { AggregatorTask, InboxUsage } from '../../../schemas/records.ts'
import type { UsageEvent } from '../../../schemas/usage.ts'
import type { DecidePoint } from '../../../pipelines/failpoints.ts'
import type { LogAppend, LogRecord } from '../../../pipelines/log/records.ts'
import { contentWords, lookupName } from '../../../pipelines/dedupe/lookup.ts'
import type { Found, LookupKey } from '../../../pipelines/dedupe/lookup.ts'
import { COMPILED_TABLES } from '../../../pipelines/usage/model-tables.ts'
import type { ModelTables } from '../../../pipelines/usage/model-tables.ts'
import { AggregatorState } from '../../../pipelines/usage/pipeline.ts'
import type { Row } from '../oracles/row-reader.ts'
import { TaskLog } from './task-log.ts'
import { VirtualClock } from '../memory/virtual-clock.ts'
import { emptyStoreGate } from '../memory/stored-marks.ts'

export const AGGREGATOR_TOPICS = {
  usageMetered: 'usage.metered',
  usageIds: 'usage.ids',
  usageBlocks: 'usage.blocks',
  accountInbox: 'account.inbox',
}

export const ID_KEY = Buffer.alloc(32, 7)

export interface AggregatorLogOptions {
  readonly input?: readonly LogRecord[]
  readonly partitions?: number
  readonly idsMax?: number
  readonly idKey?: Buffer
  readonly decidePoint?: DecidePoint
  readonly metrics?: Metrics
  readonly models?: ModelTables
}

/** A record of usage.metered. */
export function usageRecord(offset: number, timestampMs: number, events: readonly UsageEvent[]): LogRecord {
  const value = usageEventsCodec.encode({ events: [...events] })
  return { partition: 0, offset: BigInt(offset), timestampMs, key: null, value, headers: {} }
}

/** An aggregator's task on logs in memory; its look-ups find what the loaded blocks contain. */
export class AggregatorLog extends TaskLog {
  /** ClickHouse does not answer look-ups. */
  away = false
  /** The broker acknowledges no record that is sent on. */
  forwardFails = false
  /** The records that were sent on to other partitions and acknowledged. */
  readonly forwarded: LogAppend[] = []
  /** How often records had to be sent on. */
  forwards = 0
  /** The record that ends this version of the topics. */
  endToken: Buffer | null = null
  /** Look-ups end with this error. */
  lookupFails: Error | undefined
  /** The keys of every look-up, answered or not. */
  readonly lookups: (readonly LookupKey[])[] = []
  readonly pool: { held: number; readonly max: number }

  constructor(options: AggregatorLogOptions = {}) {
    const { input = [], partitions = 1, idsMax = 1_000_000, idKey = ID_KEY, decidePoint } = options
    const { metrics = noMetrics, models = COMPILED_TABLES } = options
    const pool = { held: 0, max: idsMax }
    const clock = new VirtualClock()
    super(
      AGGREGATOR_TOPICS.usageIds,
      (loadedSeq) =>
        new AggregatorState({
          partition: 0,
          partitions,
          topics: AGGREGATOR_TOPICS,
          idKey,
          idPool: pool,
          lookup: async (_partition, evictedSeq, keys) => await this.#lookUp(evictedSeq, loadedSeq(), keys),
          models,
          loadedSeq,
          gate: emptyStoreGate(),
          // Opened with each state: what a test calls a restart is that of a process.
          forward: new PartitionForward({ append: (records) => this.#sendOn(records) }),
          endToken: () => this.endToken,
          decidePoint,
          clock,
          metrics,
        }),
      input,
    )
    this.pool = pool
  }

  async #sendOn(records: readonly LogAppend[]): Promise<void> {
    this.forwards++
    if (this.forwardFails) throw new ProduceError('the broker is away')
    this.forwarded.push(...records)
  }

  task(): AggregatorTask | undefined {
    const value = this.values(AGGREGATOR_TOPICS.usageIds, STATE_KEY.task).at(-1)
    return value && aggregatorTaskCodec.decode(value)
  }

  inbox(): InboxUsage[] {
    return this.values(AGGREGATOR_TOPICS.accountInbox, null).map((value) => inboxUsageCodec.decode(value))
  }

  async #lookUp(evictedSeq: number, loadedSeq: number, keys: readonly LookupKey[]): Promise<Found | null> {
    this.lookups.push(keys)
    if (this.lookupFails !== undefined) throw this.lookupFails
    if (this.away || loadedSeq < evictedSeq) return null
    const loaded = this.blocks().filter(({ table, seq }) => table === 'usage_events' && seq <= loadedSeq)
    const rows = loaded.flatMap((block) => block.rows)
    const found = new Map<string, { low: number; high: number }>()
    for (const { nodeId, occurredAtMs, eventId, kind } of keys) {
      const id = eventId.toString('hex')
      const isIt = (row: Row): boolean =>
        row['node_id'] === nodeId &&
        row['occurred_at'] === occurredAtMs &&
        row['event_id'] === id &&
        row['id_kind'] === kind
      const hash = rows.find(isIt)?.['content_hash']
      if (typeof hash !== 'bigint') continue
      found.set(lookupName(nodeId, id, kind), contentWords(hash))
    }
    return found
  }
}
