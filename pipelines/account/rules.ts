import { CAPS_DEFAULT, LIVENESS_DEFAULT } from '../../schemas/older-records.ts'
import { NODE_PROFILES } from '../../schemas/records.ts'
import type { Account, InboxConfigure, NodeProfile, Thresholds } from '../../schemas/records.ts'
import { SETTINGS } from '../../schemas/settings.ts'
import type { Setting, SettingName, SettingValue } from '../../schemas/settings.ts'

/** The rules in force for every account of a partition, by the version that the log gave them. */
export type AccountRules = Readonly<InboxConfigure>

/** The documented defaults, before the log has said anything. */
export const RULES_DEFAULT: AccountRules = {
  version: 0,
  spark_per_usd: 100,
  spark_mode: 'compatible',
  overrides: [],
  liveness: [...LIVENESS_DEFAULT],
  caps: CAPS_DEFAULT,
}

/** The value in force for a node: an override comes before what the node stored, and that before the default. */
export function effective(account: Account, rules: AccountRules, name: SettingName): SettingValue {
  // A central node never pays for calls of others, whatever was stored before it became central.
  if (name === 'allow_metered_for_hive' && account.tier === 'central') return false
  const override = find(rules.overrides, name)
  if (override !== undefined) return override.value
  return stored(account, name)
}

/** What a node has stored, or the default. */
export function stored(account: Account, name: SettingName): SettingValue {
  return find(account.settings, name)?.value ?? (isStored(account, name) ? null : SETTINGS[name].default)
}

/** True where the node has set it, even to null. */
export function isStored(account: Account, name: SettingName): boolean {
  return find(account.settings, name) !== undefined
}

/** The silences after which a node of this profile is stale and dead. */
export function thresholdsOf(rules: AccountRules, profile: NodeProfile): Thresholds {
  const at = NODE_PROFILES.indexOf(profile)
  const thresholds = rules.liveness[at] ?? LIVENESS_DEFAULT[at]
  if (thresholds === undefined) throw new Error(`The profile ${profile} has no thresholds.`)
  return thresholds
}

/** This is a plain loop because it runs four times for every cost. */
function find(settings: readonly Setting[], name: SettingName): Setting | undefined {
  for (const setting of settings) if (setting.name === name) return setting
  return undefined
}
