import { CAP_MAX, SPARK_PER_USD_MAX } from '../../../pipelines/account/inbox-bounds.ts'
import { HEARTBEAT_BOUNDS } from '../../../pipelines/account/accept-heartbeat.ts'
import { HEARTBEATS_REMEMBERED_MAX } from '../../../pipelines/account/heartbeat-memory.ts'
import { MILESTONES } from '../../../pipelines/account/rewards.ts'
import { EVENTS_PER_BATCH_MAX, LARGE } from '../../../pipelines/windows/deltas.ts'
import { SEQ_MAX } from '../../../schemas/fleet/bounds.ts'
import { TDP_WATTS_MAX } from '../../../schemas/models.ts'
import { energyOfGpuTime, USAGE_BOUNDS } from '../../../schemas/usage.ts'

/** What every sum must hold: a million events a second of one node, each at every upper bound, for a hundred years. */

const DAYS = 36_525n
const SECONDS_PER_DAY = 86_400n
const HOURS_PER_DAY = 24n
const MICRO = 1_000_000n
const NANO = 1_000_000_000n

export const EVENTS = 1_000_000n * SECONDS_PER_DAY * DAYS

const TOKENS = BigInt(USAGE_BOUNDS.tokensMax)
const DURATION_MS = BigInt(USAGE_BOUNDS.durationMsMax)
const GPU_MS = DURATION_MS * BigInt(USAGE_BOUNDS.gpusMax)
const INFERENCES = BigInt(USAGE_BOUNDS.inferencesMax)
const ENERGY_MWH = BigInt(USAGE_BOUNDS.energyMwhMax)
const COST_NANO_USD = BigInt(USAGE_BOUNDS.costNanoUsdMax)
const GPU_MS_BY_TOKENS = 2n * TOKENS
const ENERGY_BY_TOKENS = BigInt(energyOfGpuTime(Number(GPU_MS_BY_TOKENS), TDP_WATTS_MAX))
const ENERGY_ESTIMATED = ENERGY_BY_TOKENS > ENERGY_MWH ? ENERGY_BY_TOKENS : ENERGY_MWH

/** The most that one event adds to each sum of its node, and to each of its windows. */
export const EVENT_MOST: Readonly<Record<string, bigint>> = {
  events: 1n,
  late_events: 1n,
  inferences: INFERENCES,
  tokens_in: TOKENS,
  tokens_out: TOKENS,
  duration_ms: DURATION_MS,
  gpu_ms_measured: GPU_MS,
  gpu_ms_estimated: GPU_MS_BY_TOKENS,
  gpu_ms_paid_estimated: GPU_MS_BY_TOKENS,
  energy_mwh_measured: ENERGY_MWH,
  energy_mwh_estimated: ENERGY_ESTIMATED,
  energy_mwh_compatible: ENERGY_ESTIMATED,
  cost_nano_usd: COST_NANO_USD,
}

/** The Spark that the largest cost earns. */
const COST_MICRO_SPARK = (COST_NANO_USD * BigInt(SPARK_PER_USD_MAX) * MICRO) / NANO

/**
 * An inbox record is cut before the event that follows a sum of this size: one more event may be in it, and everything
 * that the other events of a batch have, each below 2^32.
 */
const handedOver = (most: bigint): bigint => 2n ** 51n + most + BigInt(EVENTS_PER_BATCH_MAX) * BigInt(LARGE)
const isCut = (name: string): boolean => (EVENT_MOST[name] ?? 0n) >= BigInt(LARGE)

/** The number of heartbeats of a node that have any effect. */
const HEARTBEATS_A_DAY = BigInt(HEARTBEATS_REMEMBERED_MAX) * HOURS_PER_DAY
const HEARTBEATS = HEARTBEATS_A_DAY * DAYS
const IMPRESSIONS = BigInt(HEARTBEAT_BOUNDS.impressionsMax)
/** Rewards of a heartbeat: two for impressions, one for the day, one for each number of agents. */
const REWARDS = HEARTBEATS * BigInt(3 + MILESTONES.length)
/** Each impression earns 0.1 Spark and a hundredth of another Spark, before caps. */
const REWARD_MICRO_SPARK = HEARTBEATS * IMPRESSIONS * MICRO
const CAPPED_A_DAY = BigInt(CAP_MAX) * MICRO

const lifetime = (names: readonly string[]): [string, bigint][] =>
  names.map((name) => [name, EVENTS * (EVENT_MOST[name] ?? 0n)])

const NODE_SUMS = Object.keys(EVENT_MOST).filter((name) => !['late_events', 'duration_ms'].includes(name))
const NANO_USD = EVENTS * COST_NANO_USD
const MICRO_SPARK = EVENTS * COST_MICRO_SPARK

/** By schema and path: the most that a sum in a record may come to. */
export const RECORD_SUMS: Readonly<Record<string, Readonly<Record<string, bigint>>>> = {
  Account: {
    ...Object.fromEntries(lifetime(NODE_SUMS)),
    set_aside: EVENTS,
    // An event and its settlement are one change each, and each range of them is one more.
    version: (EVENTS * 5n) / 2n,
    'operators[].micro_spark': MICRO_SPARK + REWARD_MICRO_SPARK,
    'operators[].entries': EVENTS + REWARDS,
    cost_seq: EVENTS,
    settled_through: EVENTS,
    pending_count: EVENTS,
    pending_nano_usd: NANO_USD,
    pending_micro_spark: MICRO_SPARK,
    unclaimed_count: EVENTS,
    unclaimed_nano_usd: NANO_USD,
    unclaimed_micro_spark: MICRO_SPARK,
    settlements: EVENTS,
    settled_nano_usd: NANO_USD,
    settled_micro_spark: MICRO_SPARK,
    // The whole hundred years in one day.
    'spend_days[].nano_usd': NANO_USD,
    back_dated_nano_usd: NANO_USD,
    'ad_days[].impressions': HEARTBEATS_A_DAY * IMPRESSIONS,
    ad_impressions: HEARTBEATS * IMPRESSIONS,
    ad_unpaid: HEARTBEATS * IMPRESSIONS,
    capped_impressions: HEARTBEATS * IMPRESSIONS,
    rewards: REWARDS,
    reward_micro_spark: REWARD_MICRO_SPARK,
    day_reward_micro_spark: CAPPED_A_DAY,
    day_minimum_micro_spark: CAPPED_A_DAY,
    capped_reward_micro_spark: REWARD_MICRO_SPARK,
    capped_minimum_micro_spark: EVENTS * MICRO,
  },
  FleetNode: {
    lost: BigInt(SEQ_MAX),
    'outcomes[].items': EVENTS,
    'quarantined[].items': EVENTS,
    clone_contacts: EVENTS,
  },
  InboxUsage: {
    'sums[].set_aside': BigInt(EVENTS_PER_BATCH_MAX),
    ...Object.fromEntries(
      NODE_SUMS.map((name) => [
        `sums[].${name}`,
        isCut(name)
          ? handedOver(EVENT_MOST[name] ?? 0n)
          : BigInt(EVENTS_PER_BATCH_MAX) * (EVENT_MOST[name] ?? 0n),
      ]),
    ),
  },
  Outcome: { account_version: (EVENTS * 5n) / 2n },
}

/** Of the workers of a group, who are fewer than this; each second of each of them is counted once. */
const WORKERS = 1_000_000n
const MINUTE_SECONDS = WORKERS * 60n
const MINUTE_SLOTS = WORKERS * 2n
const MINUTE_JOULES = MINUTE_SECONDS * 1_000_000n
/** From the coldest to the hottest temperature, tenths of a degree. */
const MINUTE_DECI_C = MINUTE_SLOTS * 12_730n
/** A counter of 32 bits, and one that a double holds exactly. */
const MINUTE_SHARES = MINUTE_SLOTS * 2n ** 32n
const MINUTE_DIFFICULTY = MINUTE_SLOTS * 2n ** 53n

const each = (names: string, most: bigint): Record<string, bigint> =>
  Object.fromEntries(names.split(' ').map((name) => [name, most]))

/** The sums of a minute of a group of workers. */
const MINUTE_SUMS = {
  ...each('hashing_s idle_s resting_s unreachable_s unheard_s unreadable_s bridged_s', MINUTE_SECONDS),
  ...each(
    'commissioned_s miner_psu_s miner_s miner_estimate_s gpu_sum_s nameplate_s meter_s',
    MINUTE_SECONDS,
  ),
  hashes: MINUTE_SECONDS * 2n ** 53n,
  ...each('miner_psu_j miner_j miner_estimate_j gpu_sum_j nameplate_j meter_j', MINUTE_JOULES),
  ...each('billed_reading_j billed_meter_j estimated_j', MINUTE_JOULES),
  ...each('chip_slots board_slots inlet_slots restarts', MINUTE_SLOTS),
  ...each('chip_sum_dc board_sum_dc inlet_sum_dc', MINUTE_DECI_C),
  ...each('shares_accepted shares_rejected shares_stale shares_accepted_across_gap', MINUTE_SHARES),
  ...each('difficulty difficulty_across_gap', MINUTE_DIFFICULTY),
  // Four counters of each reading.
  unknown_counters: MINUTE_SLOTS * 4n,
}

const WINDOW_SUMS = Object.fromEntries(lifetime(Object.keys(EVENT_MOST)))

/** By table and column: the most that a sum may come to, in one row and over all of them. */
export const TABLE_SUMS: Readonly<Record<string, Readonly<Record<string, bigint>>>> = {
  usage_1m: WINDOW_SUMS,
  usage_15m: WINDOW_SUMS,
  fleet_1m: MINUTE_SUMS,
  cost_decisions: { day_spent_nano_usd: NANO_USD },
  settlements: {
    costs: EVENTS,
    cost_nano_usd: NANO_USD,
    spark: MICRO_SPARK / MICRO,
    micro_spark: MICRO_SPARK,
  },
  wallet_ledger: { micro_spark: MICRO_SPARK + REWARD_MICRO_SPARK },
  audit_log: { account_version: (EVENTS * 5n) / 2n },
}
