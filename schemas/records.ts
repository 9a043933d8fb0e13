import type { SeenKind } from './audit.ts'
import type { FleetGrant, FleetNodeName } from './fleet/records.ts'
import type { IdKind } from './identity.ts'
import type { ModelRow } from './models.ts'
import type { Since } from './since.ts'
import type { Setting } from './settings.ts'
import type { Model, TaskSource, UsageEvent } from './usage.ts'

/** The values of the Avro schemas, field by field as the files under `avro/` name and document them. */

export interface UsageEvents {
  events: UsageEvent[]
}

export interface Installation {
  installation_id: string
  made_at: number
}

/** A version of the topics that took its last record; lists are by partition. */
export interface EndedVersion {
  version: number
  partitions: number
  ended_at: number
  usage_positions: number[]
  inbox_positions: number[]
  usage_watermark: number
  accounts_now: number
}

export interface Layout {
  version: number
  partitions: number
  keys_partitions: number
  before: EndedVersion[]
  growing: { partitions: number; token: Buffer } | null
}

export interface End {
  token: Buffer
}

export interface Tick {
  written_by: string
}

/** A record of usage.metered, until rules 2. */
export interface Models {
  version: number
  models: Model[]
}

/** A version of the installation's table of models, in hivemeter.models. */
export interface ModelsTable {
  readonly version: number
  readonly written_by: string
  readonly rows: readonly ModelRow[]
}

export interface Cost {
  event_id: Buffer
  task_source: TaskSource
  occurred_at: number
  cost_nano_usd: number
  reservation_id: string | null
  /** Receipt; for a replay, that of the original. */
  received_at: number
  id_kind: IdKind
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
  /** The part of gpu_ms_estimated for calls of paid APIs. */
  gpu_ms_paid_estimated: number
  /** Events that could not be counted. */
  set_aside: number
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

export type SparkMode = 'compatible' | 'exact'

export interface Thresholds {
  stale_ms: number
  dead_ms: number
}

export interface InboxConfigure {
  version: number
  spark_per_usd: number
  spark_mode: SparkMode
  overrides: Setting[]
  /** In the order of NODE_PROFILES. */
  liveness: Thresholds[]
  readonly caps: Caps
}

/** The most that a node can earn with numbers that it reports, by UTC day of receipt (log time). */
export interface Caps {
  /** Impressions of a day that are paid. */
  readonly impressions: number
  readonly agents: number
  readonly posts: number
  /** Rewards of a day. */
  readonly reward_spark: number
  /** Of a day: what the minimum of 1 Spark for each cost adds beyond USD × rate. */
  readonly minimum_spark: number
}

export const COMMAND_KINDS = [
  'settings',
  'join',
  'claim',
  'transfer',
  'reserve',
  'release',
  'settle',
  'confirm',
] as const
export type CommandKind = (typeof COMMAND_KINDS)[number]

export interface InboxCommand {
  command_id: string
  node_id: string
  caller: string
  body_hash: Buffer
  kind: CommandKind
  expected: string | null
  changes: Setting[]
  operator_id: string | null
  cost_nano_usd: number
  ttl_ms: number
  reservation_id: string | null
  /** The id that an earlier version gave to the same request. */
  older_id: string | null
  by_admin: boolean
  /** The credential itself names `operator_id`. */
  by_operator: boolean
}

export const NODE_PROFILES = ['full', 'constrained', 'minimal'] as const
export type NodeProfile = (typeof NODE_PROFILES)[number]

export interface InboxHeartbeat {
  node_id: string
  heartbeat_hash: Buffer
  sent_at: number
  by_admin: boolean
  tier: NodeTier | null
  profile: NodeProfile | null
  operator_id: string | null
  software_version: string | null
  agent_count: number | null
  post_count: number | null
  ad_impressions: number
}

export interface InboxAudit {
  entry_id: Buffer
  kind: SeenKind
  subject: string
  node_id: string
  address: string
  before: string
  after: string
  count: number
  reason: string
}

export interface Outcome {
  body_hash: Buffer
  status: number
  code: string | null
  detail: string
  result: string
  account_version: number
  until: number
  is_counted: boolean
  /** The credential for which it is counted; admins are counted separately. */
  caller: string
  by_admin: boolean
}

export interface AccountOperator {
  operator_id: string
  since: number
  micro_spark: bigint
  entries: number
  last_entry_at: number | null
  remainder: number
  /**
   * Named by an admin, or by a credential that names the operator. What only the node reports gives no right to its
   * wallet.
   */
  confirmed: boolean
}

export const NODE_TIERS = ['flat', 'regional', 'central'] as const
export type NodeTier = (typeof NODE_TIERS)[number]

export interface SpendDay {
  day: number
  nano_usd: bigint
}

export interface Reservation {
  reservation_id: string
  nano_usd: number
  day: number
  expires_at: number
  command_id: string
}

export interface AdDay {
  day: number
  impressions: number
}

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
  inferences: bigint
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
  pending_micro_spark: bigint
  pending_since: number | null
  unclaimed_count: number
  unclaimed_nano_usd: bigint
  unclaimed_micro_spark: bigint
  settlements: number
  settled_nano_usd: bigint
  settled_micro_spark: bigint
  unclaimed_remainder: number
  settings_version: number
  settings: Setting[]
  spend_days: SpendDay[]
  reservations: Reservation[]
  last_contact_at: number | null
  profile: NodeProfile
  software_version: string | null
  /** Used before heartbeats had a record of their own (`Heartbeats`); empty from the first heartbeat after that on. */
  heartbeat_hashes: Buffer
  uptime_hour: number
  uptime: Buffer
  agent_count: number
  post_count: number
  ad_days: AdDay[]
  ad_impressions: number
  ad_unpaid: number
  ad_remainder_micro_spark: number
  bonus_day: number
  milestone: number
  rewards: number
  reward_micro_spark: bigint
  last_reward_at: number | null
  /** UTC day of log time to which the sums of the day belong. */
  received_day: number
  day_reward_micro_spark: number
  /** Paid beyond USD × rate. */
  day_minimum_micro_spark: number
  /** UTC day of receipt to which the next sum belongs. */
  back_dated_day: number
  /** Payable costs that were received on it more than a day after their work. */
  back_dated_nano_usd: bigint
  /** Recorded and not paid, over all days. */
  capped_impressions: number
  capped_reward_micro_spark: bigint
  capped_minimum_micro_spark: bigint
  /** The part of gpu_ms_estimated for calls of paid APIs. */
  gpu_ms_paid_estimated: bigint
  /** Events that could not be counted, since events that are set aside are shown to their nodes. */
  set_aside: number
}

export interface SettlerTask {
  position: number
  next_seq: number
  now: number
  watermark: number
  handed_offset: number
  handed_index: number
  rules: Buffer | null
  loaded_seq: number
  oldest_unloaded_at: number | null
  ended: boolean
  since: readonly Since[]
}

export interface AccessKey {
  key_id: string
  client: string
  secret_hash: Buffer
  scopes: string[]
  nodes: string[]
  created_at: number
  expires_at: number | null
  revoked_at: number | null
  /** The operators that it represents. */
  operators: string[]
  /** The key from which it was made, and with which it ends. */
  parent: string | null
  /** The one node of a hosting fleet that it stands for. */
  fleet_node: FleetNodeName | null
  /** What it may do with the inventories of hosting providers. */
  grants: FleetGrant[]
}

export interface AggregatorTask {
  position: number
  next_seq: number
  watermark: number
  id_key_fingerprint: Buffer
  low: number | null
  evicted_seq: number
  models_version: number
  /** In rules before 3: the table itself; since then it is in hivemeter.models. */
  models: Model[]
  loaded_seq: number
  oldest_unloaded_at: number | null
  ended: boolean
  since: readonly Since[]
  texts_until: number | null
}

export interface Ids {
  newest_occurred_at: number
  last_seq: number
  ids: Buffer
}

export interface Fence {
  instance: string
}

/** The value of node.state under `STATE_KEY.heartbeats` and the node: the node's heartbeats of the last hour. */
export interface Heartbeats {
  readonly node_id: string
  /** 16 bytes each, oldest first: log time (UTC ms, 64 bits, big-endian), hash. */
  readonly taken: Buffer
}
