import type {
  AccessKey,
  Account,
  Caps,
  Cost,
  InboxConfigure,
  InboxUsage,
  NodeSum,
  SettlerTask,
  Thresholds,
  UsageEvents,
} from './records.ts'
import type { UsageEvent } from './usage.ts'
import { MICRO_SPARK_PER_SPARK, MINUTE_MS } from './units.ts'

/** Reads records of older schemas as those of today: what they did not contain yet gets the value that was in force then. */

/** Silence after which a node is stale and dead, by profile: the original's thresholds. */
export const LIVENESS_DEFAULT: readonly Thresholds[] = [
  { stale_ms: 5 * MINUTE_MS, dead_ms: 15 * MINUTE_MS },
  { stale_ms: 15 * MINUTE_MS, dead_ms: 45 * MINUTE_MS },
  { stale_ms: 45 * MINUTE_MS, dead_ms: 120 * MINUTE_MS },
]

/** The most that a node can earn with numbers that it reports, unless the operator sets something else. */
export const CAPS_DEFAULT: Caps = {
  impressions: 10_000,
  agents: 500,
  posts: 1_000,
  reward_spark: 1_000,
  minimum_spark: 1_000,
}

/** What an account of today has in addition to one of version 2. */
export const nothingCapped = () =>
  ({
    received_day: 0,
    day_reward_micro_spark: 0,
    day_minimum_micro_spark: 0,
    back_dated_day: 0,
    back_dated_nano_usd: 0n,
    capped_impressions: 0,
    capped_reward_micro_spark: 0n,
    capped_minimum_micro_spark: 0n,
  }) satisfies Partial<Account>

/** An account before operators were confirmed: who had named them was not recorded. */
export interface AccountV3
  extends Omit<Account, 'operators' | 'inferences' | 'gpu_ms_paid_estimated' | 'set_aside'> {
  readonly inferences: number
  readonly operators: Omit<Account['operators'][number], 'confirmed'>[]
}

export function accountOfV3({ operators, ...account }: AccountV3): Account {
  return {
    ...account,
    operators: operators.map((operator) => Object.assign(operator, { confirmed: false })),
    inferences: BigInt(account.inferences),
    gpu_ms_paid_estimated: 0n,
    set_aside: 0,
  }
}

export type AccountV2 = Omit<AccountV3, keyof ReturnType<typeof nothingCapped>>

/**
 * What an account of today has in addition to one of version 1. It is created anew each time, as accounts are changed in
 * place.
 */
export const nothingYet = () =>
  ({
    unclaimed_remainder: 0,
    settings_version: 0,
    settings: [],
    spend_days: [],
    reservations: [],
    last_contact_at: null,
    profile: 'full',
    software_version: null,
    heartbeat_hashes: Buffer.alloc(0),
    uptime_hour: 0,
    uptime: Buffer.alloc(0),
    agent_count: 0,
    post_count: 0,
    ad_days: [],
    ad_impressions: 0,
    ad_unpaid: 0,
    ad_remainder_micro_spark: 0,
    bonus_day: 0,
    milestone: 0,
    rewards: 0,
    reward_micro_spark: 0n,
    last_reward_at: null,
    ...nothingCapped(),
  }) satisfies Partial<Account>

type Later = keyof ReturnType<typeof nothingYet>
type SparkSums = 'pending_micro_spark' | 'unclaimed_micro_spark' | 'settled_micro_spark'

export interface AccountV1
  extends Omit<
    Account,
    Later | SparkSums | 'operators' | 'inferences' | 'gpu_ms_paid_estimated' | 'set_aside'
  > {
  readonly inferences: number
  readonly operators: Omit<Account['operators'][number], 'remainder' | 'confirmed'>[]
  readonly pending_spark: bigint
  readonly unclaimed_spark: bigint
  readonly settled_spark: bigint
}

export function accountOfV1(account: AccountV1): Account {
  const { pending_spark, unclaimed_spark, settled_spark, operators, ...rest } = account
  return {
    ...rest,
    ...nothingYet(),
    operators: operators.map((operator) => Object.assign(operator, { remainder: 0, confirmed: false })),
    pending_micro_spark: pending_spark * MICRO_SPARK_PER_SPARK,
    unclaimed_micro_spark: unclaimed_spark * MICRO_SPARK_PER_SPARK,
    settled_micro_spark: settled_spark * MICRO_SPARK_PER_SPARK,
    inferences: BigInt(account.inferences),
    gpu_ms_paid_estimated: 0n,
    set_aside: 0,
  }
}

/** Events without a source: their texts belong to no particular source. */
export function usageEventsOfV1({
  events,
}: {
  readonly events: readonly Omit<UsageEvent, 'event_source' | 'more'>[]
}): UsageEvents {
  return { events: events.map((event) => ({ ...event, event_source: null, more: null })) }
}

type UsageOf<OlderCost> = Omit<InboxUsage, 'entries' | 'sums'> & {
  readonly sums: readonly Omit<NodeSum, 'gpu_ms_paid_estimated' | 'set_aside'>[]
  readonly entries: (Omit<InboxUsage['entries'][number], 'cost'> & { readonly cost: OlderCost | null })[]
}
type CostV2 = Omit<Cost, 'id_kind'>
type CostV1 = Omit<CostV2, 'received_at'>
export type InboxUsageV2 = UsageOf<CostV2>
export type InboxUsageV1 = UsageOf<CostV1>

/**
 * The estimate for paid APIs was a part of the whole estimate, and not kept apart; what was set aside was attributed to no
 * node.
 */
function withoutPaid(sum: Omit<NodeSum, 'gpu_ms_paid_estimated' | 'set_aside'>): NodeSum {
  return { ...sum, gpu_ms_paid_estimated: 0, set_aside: 0 }
}

/** Receipts were not handed over: such costs count as received when their work was done. */
export function usageOfV1({ entries, sums, ...usage }: InboxUsageV1): InboxUsage {
  return {
    ...usage,
    sums: sums.map(withoutPaid),
    entries: entries.map(({ cost, ...entry }) => ({
      ...entry,
      cost: cost === null ? null : { ...cost, received_at: cost.occurred_at, id_kind: 'id' },
    })),
  }
}

/** Every identity was 16 bytes as they came, which are those of ids. */
export function usageOfV2({ entries, sums, ...usage }: InboxUsageV2): InboxUsage {
  return {
    ...usage,
    sums: sums.map(withoutPaid),
    entries: entries.map(({ cost, ...entry }) => ({
      ...entry,
      cost: cost === null ? null : { ...cost, id_kind: 'id' },
    })),
  }
}

/** A key that names no operators and was made from no other key. */
export function accessKeyOfV1(
  key: Omit<AccessKey, 'operators' | 'parent' | 'fleet_node' | 'grants'>,
): AccessKey {
  return accessKeyOfV2({ ...key, operators: [], parent: null })
}

/** A key of no fleet's node. */
export function accessKeyOfV2(key: Omit<AccessKey, 'fleet_node' | 'grants'>): AccessKey {
  return accessKeyOfV3({ ...key, fleet_node: null })
}

/** A key without grants. */
export function accessKeyOfV3(key: Omit<AccessKey, 'grants'>): AccessKey {
  return { ...key, grants: [] }
}

/** Metered work counted as allowed for every node before there were settings. */
export function configureOfV1(configure: Pick<InboxConfigure, 'version' | 'spark_per_usd'>): InboxConfigure {
  return {
    ...configure,
    spark_mode: 'compatible',
    overrides: [{ name: 'allow_metered_for_hive', value: true }],
    liveness: [...LIVENESS_DEFAULT],
    caps: CAPS_DEFAULT,
  }
}

export interface SettlerTaskV1 extends Omit<SettlerTask, 'rules' | 'ended' | 'since'> {
  readonly rules_version: number
  readonly spark_per_usd: number
}
