import { LIVENESS_DEFAULT } from '../../schemas/older-records.ts'
import type { AccountRules } from '../../pipelines/account/rules.ts'
import type { Config } from './config.ts'
import { parseOverrides } from './setting-overrides.ts'

const MS_PER_S = 1_000

/** The rules of accounts that these settings ask for; in force once the log has them under a higher version. */
export function rulesOf(config: Config): AccountRules {
  const { overrides } = parseOverrides(config.settingOverrides)
  const full = { stale_ms: config.staleAfterS * MS_PER_S, dead_ms: config.deadAfterS * MS_PER_S }
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
