/**
 * The settings of a node, ten of policy and two of identity (provider contract, 1.2), in one table: the values that each
 * may have, its default, and the environment variable of the original that overrides it for every node.
 */

import { NANO_DECIMALS } from './units.ts'

const COMPUTE_POLICIES = ['local_only', 'local_preferred', 'any', 'cloud_preferred', 'cloud_only'] as const
export type ComputePolicy = (typeof COMPUTE_POLICIES)[number]

const CAUSES = ['democratize_compute', 'frontier_training', 'thought_experiments'] as const
export type Cause = (typeof CAUSES)[number]

/** The cause of a node that joins without naming one. */
export const CAUSE_DEFAULT: Cause = 'democratize_compute'

/** A value as accounts keep it: amounts with decimals are whole numbers of 10^-9. */
export type SettingValue = boolean | number | string | null

interface Spec {
  /** Part of the node's policy, or of its identity towards its peers. */
  readonly of: 'policy' | 'peer'
  readonly type: 'flag' | 'integer' | 'amount' | 'word'
  readonly default: SettingValue
  readonly nullable: boolean
  /** Bounds of integers and, in units of 10^-9, of amounts; both ends are allowed. */
  readonly minimum?: number
  readonly maximum?: number
  readonly words?: readonly string[]
  readonly override?: string
}

/** Amounts are read and shown with this many decimals, exactly. */
export const AMOUNT_DECIMALS = NANO_DECIMALS

/** The integer that represents an amount of 1. */
export const AMOUNT_UNIT = 10 ** AMOUNT_DECIMALS

const flag = (byDefault: boolean, override?: string): Spec => ({
  of: 'policy',
  type: 'flag',
  default: byDefault,
  nullable: false,
  ...(override === undefined ? {} : { override }),
})

const policyWord = (override: string): Spec => ({
  of: 'policy',
  type: 'word',
  default: 'local_preferred',
  nullable: false,
  words: COMPUTE_POLICIES,
  override,
})

/** Every setting, in the order in which they are shown. */
export const SETTINGS = {
  compute_policy: policyWord('HEVOLVE_COMPUTE_POLICY'),
  hive_compute_policy: policyWord('HEVOLVE_HIVE_COMPUTE_POLICY'),
  max_hive_gpu_pct: {
    of: 'policy',
    type: 'integer',
    default: 50,
    nullable: false,
    minimum: 0,
    maximum: 100,
    override: 'HEVOLVE_MAX_HIVE_GPU_PCT',
  },
  allow_metered_for_hive: flag(false, 'HEVOLVE_ALLOW_METERED_HIVE'),
  metered_daily_limit_usd: {
    of: 'policy',
    type: 'amount',
    default: 0,
    nullable: true,
    minimum: 0,
    maximum: 1_000_000 * AMOUNT_UNIT,
    override: 'HEVOLVE_METERED_DAILY_LIMIT',
  },
  offered_gpu_hours_per_day: {
    of: 'policy',
    type: 'amount',
    default: 0,
    nullable: false,
    minimum: 0,
    maximum: 1_000_000 * AMOUNT_UNIT,
  },
  accept_thought_experiments: flag(true),
  accept_frontier_training: flag(false),
  auto_settle: flag(true),
  min_settlement_spark: {
    of: 'policy',
    type: 'integer',
    default: 10,
    nullable: false,
    minimum: 0,
    maximum: 1_000_000_000,
  },
  electricity_rate_kwh: {
    of: 'peer',
    type: 'amount',
    default: null,
    nullable: true,
    minimum: 0,
    maximum: 1_000 * AMOUNT_UNIT,
  },
  cause_alignment: { of: 'peer', type: 'word', default: null, nullable: false, words: CAUSES },
} as const satisfies Record<string, Spec>

export type SettingName = keyof typeof SETTINGS
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[]

/** The setting's row, in the form that checks and documents need. */
export const settingSpec = (name: SettingName): Spec => SETTINGS[name]

/** One setting and its value, as accounts, commands and rules keep it. */
export interface Setting {
  name: SettingName
  value: SettingValue
}

/** Whether a setting may have the value. */
export function isSettingValue(name: SettingName, value: SettingValue): boolean {
  const { type, nullable, minimum, maximum, words } = settingSpec(name)
  if (value === null) return nullable
  if (type === 'flag') return typeof value === 'boolean'
  if (type === 'word') return typeof value === 'string' && (words ?? []).includes(value)
  return Number.isSafeInteger(value) && Number(value) >= (minimum ?? 0) && Number(value) <= (maximum ?? 0)
}
