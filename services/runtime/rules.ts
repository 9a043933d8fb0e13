import { LIVENESS_DEFAULT } from '../../schemas/older-records.ts'
import type { AccountRules } from '../../pipelines/account/rules.ts'
import { SettingsReader } from '../../pipelines/account/settings-reader.ts'
import { JsonItems, readJsonItems } from '../../pipelines/json/json-items.ts'
import type { Setting } from '../../schemas/settings.ts'
import type { Config } from './config.ts'
import { variableOf } from './config-schema.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** The rules of accounts that these settings request; they are in force once the log has them under a higher version. */
export function rulesOf(config: Config): AccountRules {
  const { overrides } = parseOverrides(config.settingOverrides)
  const full = { stale_ms: config.staleAfterS * SECOND_MS, dead_ms: config.deadAfterS * SECOND_MS }
  return {
    version: config.accountRulesVersion,
    spark_per_usd: config.sparkPerUsd,
    spark_mode: config.sparkMode,
    overrides: [...overrides],
    liveness: [full, ...LIVENESS_DEFAULT.slice(1)],
    caps: {
      impressions: config.capImpressions,
      agents: config.capAgents,
      posts: config.capPosts,
      reward_spark: config.capRewardSpark,
      minimum_spark: config.capMinimumSpark,
    },
  }
}

/**
 * What is wrong with the overrides of a configuration, in words; for `loadSettings`. It is not a part of `loadSettings`,
 * because `verify` reads the configuration too and must share no rule with what it checks.
 */
export function overrideProblems({ settingOverrides }: Config): readonly string[] {
  return parseOverrides(settingOverrides).problems.map(
    (problem) => `${variableOf('settingOverrides')} (with HEVOLVE_… over it): ${problem} Mend or remove it.`,
  )
}

/** The settings that a JSON text overrides for every node, and what is wrong with the text. */
function parseOverrides(json: string): { overrides: readonly Setting[]; problems: readonly string[] } {
  const items = readJsonItems(Buffer.from(json, 'utf8'), 1)
  if (!(items instanceof JsonItems)) return { overrides: [], problems: [items.detail] }
  const reader = new SettingsReader()
  const overrides = reader.read(items.isArray ? [] : items.read(0), 'refuse')
  return { overrides, problems: reader.errors.map(({ path, message }) => `${path.slice(1)}: ${message}`) }
}
