import type { Model, TaskSource, UsageEvent } from './usage.ts'

/** The values of the Avro schemas, field by field as the files under `avro/` name and document them. */

export interface UsageEvents {
  events: UsageEvent[]
}

export interface Tick {
  written_by: string
}

export interface Models {
  version: number
  models: Model[]
}

export interface Cost {
  event_id: Buffer
  task_source: TaskSource
  occurred_at: number
  cost_nano_usd: number
  reservation_id: string | null
}

export interface InboxEntry {
  node_id: string
  operator_id: string | null
  cost: Cost | null
}

export interface NodeSum {
  node_id: string
  events: number
  inferences: number
  tokens_in: number
  tokens_out: number
  gpu_ms_measured: number
  gpu_ms_estimated: number
  energy_mwh_measured: number
  energy_mwh_estimated: number
  energy_mwh_compatible: number
  cost_nano_usd: number
}

export interface InboxUsage {
  from_offset: number
  from_index: number
  to_offset: number
  to_index: number
  watermark: number
  entries: InboxEntry[]
  sums: NodeSum[]
}

export interface InboxConfigure {
  version: number
  spark_per_usd: number
}

export interface AccountOperator {
  operator_id: string
  since: number
  micro_spark: bigint
  entries: number
  last_entry_at: number | null
}

export type NodeTier = 'flat' | 'regional' | 'central'

export interface Account {
  node_id: string
  version: number
  tier: NodeTier
  first_seen_at: number
  changed_at: number
  watermark: number
  rules_version: number
  operators: AccountOperator[]
  events: number
  inferences: number
  tokens_in: bigint
  tokens_out: bigint
  gpu_ms_measured: bigint
  gpu_ms_estimated: bigint
  energy_mwh_measured: bigint
  energy_mwh_estimated: bigint
  energy_mwh_compatible: bigint
  cost_nano_usd: bigint
  cost_seq: number
  settled_through: number
  pending_count: number
  pending_nano_usd: bigint
  pending_spark: bigint
  pending_since: number | null
  unclaimed_count: number
  unclaimed_nano_usd: bigint
  unclaimed_spark: bigint
  settlements: number
  settled_nano_usd: bigint
  settled_spark: bigint
}

export interface SettlerTask {
  position: number
  next_seq: number
  now: number
  watermark: number
  handed_offset: number
  handed_index: number
  rules_version: number
  spark_per_usd: number
  loaded_seq: number
  oldest_unloaded_at: number | null
}

export interface AggregatorTask {
  position: number
  next_seq: number
  watermark: number
  id_key_fingerprint: Buffer
  low: number | null
  evicted_seq: number
  models_version: number
  models: Model[]
  loaded_seq: number
  oldest_unloaded_at: number | null
}

export interface Ids {
  newest_occurred_at: number
  last_seq: number
  ids: Buffer
}

export interface Fence {
  instance: string
}
