import type { InboxConfigure, NodeProfile } from '../../../schemas/records.ts'
import { SETTINGS } from '../../../schemas/settings.ts'
import type { SettingName, SettingValue } from '../../../schemas/settings.ts'
import type { ModelAccount } from './state.ts'

/** What the newest configure record says. */
export interface ModelRules {
  readonly version: number
  readonly sparkPerUsd: bigint
  readonly isExact: boolean
  readonly overrides: ReadonlyMap<SettingName, SettingValue>
  /** Silence up to which a node counts as up. */
  readonly staleMs: Readonly<Record<NodeProfile, number>>
  readonly caps: {
    readonly impressions: number
    readonly agents: number
    readonly rewardSpark: bigint
    readonly minimumSpark: bigint
  }
}

const MINUTE_MS = 60_000

/** The rules before the log has any. */
export const RULES_AT_FIRST: ModelRules = {
  version: 0,
  sparkPerUsd: 100n,
  isExact: false,
  overrides: new Map(),
  staleMs: { full: 5 * MINUTE_MS, constrained: 15 * MINUTE_MS, minimal: 45 * MINUTE_MS },
  caps: { impressions: 10_000, agents: 500, rewardSpark: 1_000n, minimumSpark: 1_000n },
}

export function rulesOf(configure: InboxConfigure): ModelRules {
  const [full, constrained, minimal] = configure.liveness
  return {
    version: configure.version,
    sparkPerUsd: BigInt(configure.spark_per_usd),
    isExact: configure.spark_mode === 'exact',
    overrides: new Map(configure.overrides.map(({ name, value }) => [name, value])),
    staleMs: {
      full: full?.stale_ms ?? RULES_AT_FIRST.staleMs.full,
      constrained: constrained?.stale_ms ?? RULES_AT_FIRST.staleMs.constrained,
      minimal: minimal?.stale_ms ?? RULES_AT_FIRST.staleMs.minimal,
    },
    caps: {
      impressions: configure.caps.impressions,
      agents: configure.caps.agents,
      rewardSpark: BigInt(configure.caps.reward_spark),
      minimumSpark: BigInt(configure.caps.minimum_spark),
    },
  }
}

/** What a node has set, or the documented default. */
export function storedValue(account: ModelAccount, name: SettingName): SettingValue {
  const value = account.settings.get(name)
  return value === undefined ? SETTINGS[name].default : value
}

/** The value in force: central allows nothing, then overrides, then what the node has set. */
export function valueInForce(account: ModelAccount, rules: ModelRules, name: SettingName): SettingValue {
  if (name === 'allow_metered_for_hive' && account.tier === 'central') return false
  const override = rules.overrides.get(name)
  return override === undefined ? storedValue(account, name) : override
}

/** The same as a number; 0 where there is none. */
export function numberInForce(account: ModelAccount, rules: ModelRules, name: SettingName): bigint {
  const value = valueInForce(account, rules, name)
  return typeof value === 'number' ? BigInt(value) : 0n
}
