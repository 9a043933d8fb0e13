import { FLEET_1M_COLUMNS, FLEET_5M_COLUMNS, FLEET_STATUS_COLUMNS } from './fleet/worker-tables.ts'
import type { BlockRole } from './topics.ts'

/**
 * Tables that blocks name, with the column list that this version writes. A block has its list in a header, so blocks of
 * older versions are loaded as they were written; migrations only add columns with defaults.
 */
export interface TableSpec {
  readonly name: string
  /** The topic whose blocks fill the table; `every` where each topic of blocks has rows for its own partitions. */
  readonly filledBy: BlockRole | 'every'
  /** As the INSERT names them; rows of RowBinary have them in this order. */
  readonly columns: readonly string[]
  /** Columns that the table fills itself from the others, and that no block names. */
  readonly filled: readonly string[]
}

/** The provenance of every row: the block of a topic that it came in. These are the first columns of every table. */
export const SOURCE_COLUMNS = ['src_topic', 'src_partition', 'src_seq'] as const

const table = <FilledBy extends TableSpec['filledBy']>(
  name: string,
  filledBy: FilledBy,
  columns: readonly string[],
  filled: readonly string[] = [],
): TableSpec & { readonly filledBy: FilledBy } => ({
  name,
  filledBy,
  columns: [...SOURCE_COLUMNS, ...columns],
  filled,
})

const ROLLUP_COLUMNS = [
  'node_id',
  'window_start',
  'model_id',
  'task_source',
  'late_at',
  'events',
  'late_events',
  'tokens_in',
  'tokens_out',
  'duration_ms',
  'gpu_ms_measured',
  'gpu_ms_estimated',
  'energy_mwh_measured',
  'energy_mwh_estimated',
  'energy_mwh_compatible',
  'inferences',
  'gpu_ms_paid_estimated',
  'cost_nano_usd',
] as const

/**
 * Sums of windows that do not fit into 64 bits: 35 days of one window at a million events a second, each at its bound,
 * exceed 2^64. A block has the sums of one batch, which do fit; the table also keeps each sum in 128 bits, filled on
 * insert. Queries that add up windows read these: `sumColumn` names the column.
 */
export const WIDENED_SUMS = [
  'tokens_in',
  'tokens_out',
  'duration_ms',
  'gpu_ms_measured',
  'gpu_ms_estimated',
  'energy_mwh_measured',
  'energy_mwh_estimated',
  'energy_mwh_compatible',
] as const

const WIDENED: ReadonlySet<string> = new Set(WIDENED_SUMS)

/** The column of a table of windows that holds the whole sum. */
export function sumColumn(sum: string): string {
  return WIDENED.has(sum) ? `wide_${sum}` : sum
}

const WIDE_COLUMNS = WIDENED_SUMS.map(sumColumn)

export const TABLES = {
  usageEvents: table('usage_events', 'usageBlocks', [
    // The same for all events of a record, of a node, or of a kind of work.
    'received_at',
    'record_offset',
    'models_version',
    'node_id',
    'operator_id',
    'model_id',
    'task_source',
    // Absent in most events.
    'event_text',
    'goal_id',
    'requester_node_id',
    'reservation_id',
    'event_id',
    'content_hash',
    'occurred_at',
    'record_index',
    'tokens_in',
    'tokens_out',
    'duration_ms',
    'gpu_ms',
    'gpu_ms_estimated',
    'energy_mwh',
    'energy_source',
    'energy_mwh_estimated',
    'energy_mwh_compatible',
    'cost_nano_usd',
    'late',
    'id_kind',
    // Left out of blocks in which all rows have the default.
    'wide_tokens_in',
    'wide_tokens_out',
    'wide_gpu_ms',
    'gpus',
    'inferences',
    'tokens_cached',
    'tokens_reasoning',
    'execution',
    'labels',
  ]),
  usage1m: table('usage_1m', 'usageBlocks', ROLLUP_COLUMNS, WIDE_COLUMNS),
  usage15m: table('usage_15m', 'usageBlocks', ROLLUP_COLUMNS, WIDE_COLUMNS),
  costDecisions: table('cost_decisions', 'settlementBlocks', [
    'node_id',
    'cost_seq',
    'event_id',
    'operator_id',
    'task_source',
    'occurred_at',
    'decided_at',
    'decision',
    'cost_nano_usd',
    'spark',
    'spark_per_usd',
    'rules_version',
    'reservation_id',
    'micro_spark',
    'budget_day',
    'day_spent_nano_usd',
    'day_limit_nano_usd',
    'day_spent_before_nano_usd',
    'id_kind',
  ]),
  settlements: table('settlements', 'settlementBlocks', [
    'node_id',
    'settlement_id',
    'operator_id',
    'from_seq',
    'to_seq',
    'costs',
    'cost_nano_usd',
    'spark',
    'settled_at',
    'reason',
    'micro_spark',
    'paid_micro_spark',
  ]),
  walletLedger: table('wallet_ledger', 'settlementBlocks', [
    'wallet_id',
    'entry_id',
    'counter_wallet_id',
    'node_id',
    'kind',
    'reference_id',
    'micro_spark',
    'booked_at',
    'detail',
    'amount_micro_spark',
  ]),
  auditLog: table('audit_log', 'settlementBlocks', [
    'node_id',
    'command_id',
    'caller',
    'kind',
    'status',
    'code',
    'asked',
    'changes',
    'result',
    'account_version',
    'decided_at',
  ]),
  audit: table('audit', 'settlementBlocks', [
    'noted_at',
    'entry_id',
    'kind',
    'subject',
    'node_id',
    'address',
    'value_before',
    'value_after',
    'times',
    'reason',
  ]),
  fleetSamples: table('fleet_samples', 'fleetBlocks', [
    // The same for all samples of a batch.
    'provider_id',
    'location_id',
    'node_id',
    'received_at',
    'record_offset',
    'epoch',
    'lane',
    'interval_s',
    'record_index',
    'seq',
    'outcome',
    'worker_id',
    'fingerprint',
    'observed_at',
    'address',
    'algorithm',
    'hashrate_now_hs',
    'hashrate_5m_hs',
    'hashrate_avg_hs',
    'hashrate_nominal_hs',
    'hw_errors',
    'power_w',
    'power_limit_w',
    'power_source',
    'energy_wh_total',
    'uptime_s',
    'temp_inlet_c',
    'temp_outlet_c',
    'temp_board_max_c',
    'temp_chip_max_c',
    'fan_rpm_min',
    'boards_online',
    'boards_expected',
    'chips_online',
    'shares_accepted',
    'shares_rejected',
    'shares_stale',
    'mode',
    'is_mining',
  ]),
  fleetVersions: table('fleet_versions', 'fleetBlocks', [
    'provider_id',
    'entity',
    'entity_id',
    'version',
    'valid_from',
    'valid_to',
    'known_at',
    'known_offset',
    'changed_by',
    'body',
  ]),
  fleetCommands: table('fleet_commands', 'fleetBlocks', [
    'provider_id',
    'command_id',
    'caller',
    'action',
    'entity',
    'entity_id',
    'code',
    'asked',
    'result',
    'decided_at',
    'record_offset',
  ]),
  fleet5m: table('fleet_5m', 'fleetBlocks', FLEET_5M_COLUMNS),
  fleet1m: table('fleet_1m', 'fleetBlocks', FLEET_1M_COLUMNS),
  fleetStatus: table('fleet_status', 'fleetBlocks', FLEET_STATUS_COLUMNS),
  deadLetters: table('dead_letters', 'every', [
    'topic',
    'partition',
    'record_offset',
    'received_at',
    'set_aside_at',
    'key',
    'value',
    'header_names',
    'header_values',
    'reasons',
    'indexes',
    'details',
  ]),
  setAside: table('set_aside', 'usageBlocks', [
    'node_id',
    'event_id',
    'reason',
    'detail',
    'topic',
    'partition',
    'record_offset',
    'record_index',
    'received_at',
    'set_aside_at',
    'event',
  ]),
  watermarks: table('watermarks', 'every', ['watermark', 'position', 'blocks_end']),
} as const satisfies Record<string, TableSpec>

export type TableRole = keyof typeof TABLES

/** The tables that only one topic fills. */
export type FilledTable = {
  [Table in TableRole]: (typeof TABLES)[Table]['filledBy'] extends BlockRole ? Table : never
}[TableRole]

/** The tables that only this topic of blocks fills. */
export function tablesFilledBy(role: BlockRole): readonly TableSpec[] {
  return Object.values(TABLES).filter(({ filledBy }) => filledBy === role)
}

/** All tables but the one that says how far the others are loaded. */
export const ROW_TABLES: readonly string[] = Object.values(TABLES)
  .map(({ name }) => name)
  .filter((name) => name !== TABLES.watermarks.name)

/** Enum8 values as the migrations define them. */
export const DECISIONS = { pending: 1, written_off: 2, not_allowed: 3, over_limit: 4 } as const
export type Decision = keyof typeof DECISIONS
export const DECISION_NAMES = Object.keys(DECISIONS) as readonly Decision[]

/** What caused a settlement. */
export const SETTLEMENT_REASONS = { threshold: 1, claimed: 2, requested: 3, transferred: 4 } as const
export type SettlementReason = keyof typeof SETTLEMENT_REASONS

/** The wallet that issues Spark: the other leg of every payment. No operator id can have this name. */
export const ISSUER_WALLET = '!issuer'

/** The kind of a ledger entry that pays for costs; the other kinds are rewards. */
export const COST_RECOVERY = 'api_cost_recovery'

/** Rewards, each given once for its key: the UTC day, the number of agents, the impressions paid so far. */
export const REWARD_KINDS = ['uptime_bonus', 'milestone', 'ad_revenue', 'ad_bonus'] as const
export type RewardKind = (typeof REWARD_KINDS)[number]

/** The format of the rows in a block, as ClickHouse names it. */
export const BLOCK_FORMATS = ['RowBinary', 'Native'] as const
export type BlockFormat = (typeof BLOCK_FORMATS)[number]

/** The headers of a block's record. */
export const BLOCK_HEADER = {
  table: 'table',
  columns: 'columns',
  /** Month of the table's partition as `YYYYMM`, empty where the table has none. */
  tablePartition: 'table-partition',
  seq: 'seq',
  /** One of `BLOCK_FORMATS`; RowBinary where it is absent. */
  format: 'format',
  /** How the value is packed: "zstd". */
  encoding: 'encoding',
  /** "1" on the first block after a restore: the group before it ends there. */
  groupBegins: 'group-begins',
  /** "1" on the `watermarks` block with which a group ends. */
  groupEnds: 'group-ends',
  /** On a transaction's first block: what the transaction before it ended with (`historyOf`). */
  after: 'after',
} as const
