import { recentImpressions } from '../../../pipelines/account/rewards.ts'
import { effective } from '../../../pipelines/account/rules.ts'
import { FORMULA_VERSION, pointsNumber, pointsText, scoreOf } from '../../../pipelines/account/score.ts'
import type { Score } from '../../../pipelines/account/score.ts'
import { livenessOf, uptimeObservedPpm, uptimeSnapshotPpm } from '../../../pipelines/account/uptime.ts'
import type { Account } from '../../../schemas/records.ts'
import type { Period, ProviderMode, ProviderView } from '../../../schemas/http/provider.ts'
import type { SettingName, SettingValue } from '../../../schemas/settings.ts'
import { formatTimeOrNull } from '../../http/times.ts'
import { hoursNumber, kwhNumber, shareNumber, sparkNumber, usdNumber, usdText } from '../amounts.ts'
import type { NodeState } from './present.ts'
import { shownValue } from './settings-view.ts'

/** Hive and idle work of a node over some time. */
export interface SharedWork {
  readonly inferences: bigint
  readonly gpuMsMeasured: bigint
  readonly gpuMsEstimated: bigint
  /** The part of the estimate that comes from paid calls. */
  readonly gpuMsPaidEstimated: bigint
  readonly energyMwhMeasured: bigint
  readonly energyMwhEstimated: bigint
  readonly energyMwhCompatible: bigint
  readonly costNanoUsd: bigint
}

/** The time that the stats are about: null for lifetime. */
export interface ViewPeriod {
  readonly name: Period
  readonly startMs: number | null
  readonly endMs: number | null
}

export const LIFETIME: ViewPeriod = { name: 'lifetime', startMs: null, endMs: null }

/** Work since the first event, from the account. */
export function lifetimeWork(account: Account): SharedWork {
  return {
    inferences: account.inferences,
    gpuMsMeasured: account.gpu_ms_measured,
    gpuMsEstimated: account.gpu_ms_estimated,
    gpuMsPaidEstimated: account.gpu_ms_paid_estimated,
    energyMwhMeasured: account.energy_mwh_measured,
    energyMwhEstimated: account.energy_mwh_estimated,
    energyMwhCompatible: account.energy_mwh_compatible,
    costNanoUsd: account.cost_nano_usd,
  }
}

export interface ViewInput {
  readonly state: NodeState
  readonly mode: ProviderMode
  readonly period: ViewPeriod
  /** The work of the period. */
  readonly work: SharedWork
  /** How far the history that was read goes, in milliseconds. */
  readonly asOfMs: number | null
}

/**
 * The provider view: every documented field, and the additional ones. Score, pending and rewards are always for the lifetime.
 */
export function providerView({ state, mode, period, work, asOfMs }: ViewInput): ProviderView {
  const { account } = state
  const gpuMs = gpuMsOf(work, mode)
  const energyMwh = energyOf(work, mode)
  const microSpark = account.operators.reduce((sum, operator) => sum + operator.micro_spark, 0n)
  return {
    node_id: account.node_id,
    node_tier: account.tier,
    contribution: contribution(state, mode),
    compute_stats: {
      gpu_hours_served: hoursNumber(gpuMs),
      gpu_ms: gpuMs,
      total_inferences: work.inferences,
      energy_kwh_contributed: kwhNumber(energyMwh),
      energy_mwh: energyMwh,
      metered_api_costs_absorbed: usdNumber(work.costNanoUsd),
      metered_api_costs_absorbed_exact: usdText(work.costNanoUsd),
    },
    provider_identity: {
      cause_alignment: shownSetting(state, 'cause_alignment') as string | null,
      electricity_rate_kwh: shownSetting(state, 'electricity_rate_kwh') as number | null,
    },
    pending_settlements: {
      count: account.pending_count,
      total_usd: usdNumber(account.pending_nano_usd),
      total_usd_exact: usdText(account.pending_nano_usd),
      oldest_at: formatTimeOrNull(account.pending_since),
      written_off_count: account.unclaimed_count,
      written_off_usd: usdNumber(account.unclaimed_nano_usd),
      written_off_usd_exact: usdText(account.unclaimed_nano_usd),
    },
    reward_summary: {
      total_spark_earned: sparkNumber(microSpark),
      total_micro_spark_earned: microSpark,
      total_rewards: account.rewards,
      last_reward_at: formatTimeOrNull(account.last_reward_at),
    },
    status: livenessOf(account, state.rules, state.nowMs),
    last_contact_at: formatTimeOrNull(account.last_contact_at),
    set_aside_events: account.set_aside,
    mode,
    period: period.name,
    period_start: formatTimeOrNull(period.startMs),
    period_end: formatTimeOrNull(period.endMs),
    as_of: formatTimeOrNull(asOfMs),
    final: asOfMs !== null && period.endMs !== null && asOfMs >= period.endMs,
    sources: sources(work, mode),
  }
}

function shownSetting({ account, rules }: NodeState, name: SettingName): SettingValue {
  return shownValue(name, effective(account, rules, name))
}

function energyOf(work: SharedWork, mode: ProviderMode): bigint {
  return mode === 'compatible' ? work.energyMwhCompatible : work.energyMwhMeasured + work.energyMwhEstimated
}

/** What was estimated: a call of a paid API used no GPU here, and earns no GPU time in the corrected mode. */
function estimatedGpuMs(work: SharedWork, mode: ProviderMode): bigint {
  return mode === 'compatible' ? work.gpuMsEstimated : work.gpuMsEstimated - work.gpuMsPaidEstimated
}

function gpuMsOf(work: SharedWork, mode: ProviderMode): bigint {
  return work.gpuMsMeasured + estimatedGpuMs(work, mode)
}

const BELIEVED = {
  agents: Number.POSITIVE_INFINITY,
  posts: Number.POSITIVE_INFINITY,
  impressions: Number.POSITIVE_INFINITY,
}

/** The score of a node as of its log time: lifetime counters, impressions of the last 7 days, uptime by the mode. */
export function scoreIn({ account, rules, nowMs }: NodeState, mode: ProviderMode): Score {
  const lifetime = lifetimeWork(account)
  const uptime = mode === 'compatible' ? uptimeSnapshotPpm : uptimeObservedPpm
  // The original's score believes whatever a node says.
  const most = mode === 'compatible' ? BELIEVED : rules.caps
  return scoreOf({
    uptimePpm: uptime(account, rules, nowMs),
    agents: Math.min(account.agent_count, most.agents),
    posts: Math.min(account.post_count, most.posts),
    adImpressions: recentImpressions(account, nowMs, most.impressions),
    gpuMs: gpuMsOf(lifetime, mode),
    inferences: lifetime.inferences,
    energyMwh: energyOf(lifetime, mode),
    costNanoUsd: lifetime.costNanoUsd,
  })
}

function contribution(state: NodeState, mode: ProviderMode): ProviderView['contribution'] {
  const { units, weights, visibilityTier } = scoreIn(state, mode)
  return {
    score: pointsNumber(units, 2),
    score_exact: pointsText(units),
    visibility_tier: visibilityTier,
    formula_version: FORMULA_VERSION,
    breakdown: {
      uptime_weight: pointsNumber(weights.uptime, 4),
      gpu_hours_weight: pointsNumber(weights.gpuHours, 4),
      inference_weight: pointsNumber(weights.inferences, 4),
      energy_weight: pointsNumber(weights.energy, 4),
      api_cost_weight: pointsNumber(weights.apiCosts, 4),
      agent_weight: pointsNumber(weights.agents, 4),
      post_weight: pointsNumber(weights.posts, 4),
      ad_weight: pointsNumber(weights.adImpressions, 4),
    },
  }
}

function sources(work: SharedWork, mode: ProviderMode): ProviderView['sources'] {
  const estimated = estimatedGpuMs(work, mode)
  const gpuMs = work.gpuMsMeasured + estimated
  const energyMwh = work.energyMwhMeasured + work.energyMwhEstimated
  return {
    gpu_time: {
      measured_gpu_ms: work.gpuMsMeasured,
      estimated_gpu_ms: estimated,
      measured_share: shareNumber(work.gpuMsMeasured, gpuMs),
      estimated_share: shareNumber(estimated, gpuMs),
    },
    energy: {
      measured_energy_mwh: work.energyMwhMeasured,
      estimated_energy_mwh: work.energyMwhEstimated,
      measured_share: shareNumber(work.energyMwhMeasured, energyMwh),
      estimated_share: shareNumber(work.energyMwhEstimated, energyMwh),
    },
  }
}
