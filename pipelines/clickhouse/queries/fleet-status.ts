import type { ClickhouseClient } from '../client.ts'
import { withinSql } from './fleet-sums.ts'
import type { TimeRange } from './usage-windows.ts'
import type { BlockSource, Loaded } from './watermarks.ts'

/** A change of a worker's status, with what it was decided by: a row of `fleet_status`. */
export interface StatusChangeRow {
  readonly version: number
  readonly changed_ms: string
  readonly status: string
  readonly reason: string
  readonly unknown: number
  readonly status_before: string
  readonly reason_before: string
  readonly unknown_before: number
  readonly status_since_ms: string
  readonly reason_since_ms: string
  readonly cause: 'sample' | 'poll' | 'timer' | 'command'
  readonly timer: string
  readonly node_id: string
  readonly epoch: string
  readonly seq: string
  readonly record_offset: string | null
  readonly record_index: number
  readonly observed_ms: string | null
  readonly r5_hs: number | null
  readonly r10_hs: number | null
  readonly intended_hs: number | null
  readonly delivered_pct: number | null
  readonly shares: string
  readonly power_w: number | null
  readonly power_source: string
  readonly intended_w: number | null
  readonly target_pct: number
  readonly window_from_ms: string | null
  readonly sample_ms: string | null
  readonly engine: number
  readonly versions: string
}

export interface StatusChangesQuery {
  readonly providerId: string
  readonly workerId: string
  readonly source: BlockSource
  readonly loaded: Loaded
  /** Only changes within these; null: all. */
  readonly within: readonly TimeRange[] | null
  /** Only changes with a lower number; null: from the newest on. */
  readonly below: number | null
  readonly limit: number
}

const U32_MAX = 2 ** 32 - 1

/** Changes of a worker's status, the newest first. */
export async function statusChanges(
  client: ClickhouseClient,
  { providerId, workerId, source, loaded, below, limit, ...query }: StatusChangesQuery,
): Promise<StatusChangeRow[]> {
  const within = withinSql('changed_ms', query.within)
  return await client.rows<StatusChangeRow>(
    `SELECT version, toUnixTimestamp64Milli(changed_at) AS changed_ms, status, reason, unknown,
            status_before, reason_before, unknown_before,
            toUnixTimestamp64Milli(status_since) AS status_since_ms, toUnixTimestamp64Milli(reason_since) AS reason_since_ms,
            cause, timer, node_id, epoch, seq, record_offset, record_index,
            toUnixTimestamp64Milli(observed_at) AS observed_ms, r5_hs, r10_hs, intended_hs, delivered_pct, shares,
            power_w, power_source, intended_w, target_pct, toUnixTimestamp64Milli(window_from) AS window_from_ms,
            toUnixTimestamp64Milli(sample_at) AS sample_ms, engine, versions
     FROM fleet_status
     WHERE provider_id = {provider:String} AND worker_id = {worker:String} AND version < {below:UInt32}
       AND NOT (src_topic = {topic:String} AND src_seq > {loaded:UInt64}) ${within.sql}
     ORDER BY version DESC
     LIMIT {limit:UInt32}`,
    {
      provider: providerId,
      worker: workerId,
      below: below ?? U32_MAX,
      topic: source.topic,
      loaded: loaded.seq,
      limit,
      ...within.params,
    },
  )
}
