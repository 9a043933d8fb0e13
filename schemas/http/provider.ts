import { Type } from 'typebox'
import type { Static } from 'typebox'
import {
  asOfField,
  exactMoneyField,
  nodeIdParameter,
  nullableNumberField,
  nullableTextField,
  nullableTimeField,
  page,
  pageParameters,
  parameters,
  roundedField,
  sumField,
  wordField,
} from './fields.ts'

export const PROVIDER_MODES = ['compatible', 'corrected'] as const
export type ProviderMode = (typeof PROVIDER_MODES)[number]

/** Rolling periods by their length in hours; lifetime has none. */
export const PERIOD_HOURS = { '24h': 24, '7d': 7 * 24, '30d': 30 * 24 } as const
export type RollingPeriod = keyof typeof PERIOD_HOURS
export const PERIODS = ['lifetime', '24h', '7d', '30d'] as const
export type Period = (typeof PERIODS)[number]

const modeParameter = wordField<ProviderMode>(PROVIDER_MODES, {
  default: 'compatible',
  description:
    'compatible counts a flat 0.001 kWh for a call of a paid API and uptime as it is now (1, 0.5, 0); corrected counts energy as given or by GPU time, and uptime as the share of the last 7 days.',
})

export const ProviderQuery = parameters({
  node_id: Type.Optional(nodeIdParameter),
  mode: modeParameter,
  period: wordField<Period>(PERIODS, {
    default: 'lifetime',
    description: 'Of compute_stats and sources; rolling ones end at as_of, on a whole minute.',
  }),
})

export const ProvidersQuery = parameters({ mode: modeParameter, ...pageParameters })

const shares = (unit: 'gpu_ms' | 'energy_mwh', description: string) =>
  Type.Object(
    {
      [`measured_${unit}`]: sumField(),
      [`estimated_${unit}`]: sumField(),
      measured_share: nullableNumberField('0 to 1; null where there is nothing.'),
      estimated_share: nullableNumberField(),
    },
    { description },
  )

export const ProviderView = Type.Object({
  node_id: Type.String(),
  node_tier: wordField(['flat', 'regional', 'central'] as const),
  contribution: Type.Object({
    score: Type.Number({ description: 'Sum of the breakdown, 2 decimals. Lifetime, whatever the period.' }),
    score_exact: Type.String({ description: 'To 12 decimals.' }),
    visibility_tier: wordField(['standard', 'featured', 'priority'] as const),
    formula_version: Type.Integer({
      description: 'Weights, windows and rounding; raised with every change of them.',
    }),
    breakdown: Type.Object({
      uptime_weight: roundedField(),
      gpu_hours_weight: roundedField(),
      inference_weight: roundedField(),
      energy_weight: roundedField(),
      api_cost_weight: roundedField(),
      agent_weight: roundedField(),
      post_weight: roundedField(),
      ad_weight: roundedField(),
    }),
  }),
  compute_stats: Type.Object(
    {
      gpu_hours_served: roundedField(),
      gpu_ms: sumField(),
      total_inferences: sumField(),
      energy_kwh_contributed: roundedField(),
      energy_mwh: sumField('Milliwatt-hours.'),
      metered_api_costs_absorbed: roundedField('USD; every hive and idle cost, whatever its decision.'),
      metered_api_costs_absorbed_exact: exactMoneyField(),
    },
    { description: 'Hive and idle work only.' },
  ),
  provider_identity: Type.Object({
    cause_alignment: nullableTextField(),
    electricity_rate_kwh: nullableNumberField(),
  }),
  pending_settlements: Type.Object({
    count: Type.Integer(),
    total_usd: roundedField(),
    total_usd_exact: exactMoneyField(),
    oldest_at: nullableTimeField('Since when the oldest of them is pending.'),
    written_off_count: Type.Integer({
      description: 'Without an operator; paid to the first one that is named.',
    }),
    written_off_usd: roundedField(),
    written_off_usd_exact: exactMoneyField(),
  }),
  reward_summary: Type.Object({
    total_spark_earned: roundedField("All Spark of the node's ledger."),
    total_micro_spark_earned: sumField(),
    total_rewards: Type.Integer(),
    last_reward_at: nullableTimeField(),
  }),
  status: Type.Unsafe<'active' | 'stale' | 'dead' | null>({
    type: ['string', 'null'],
    enum: ['active', 'stale', 'dead', null],
    description: 'By the time since its last heartbeat; null for a node without heartbeats.',
  }),
  last_contact_at: nullableTimeField(),
  set_aside_events: Type.Integer({
    description:
      'That could not be counted, since its first one; GET /api/usage/set-aside says which and why.',
  }),
  mode: wordField(PROVIDER_MODES),
  period: wordField(PERIODS),
  period_start: nullableTimeField('Null for lifetime.'),
  period_end: nullableTimeField('Null for lifetime.'),
  as_of: asOfField,
  final: Type.Boolean({
    description: 'The period is over and nothing unmarked changes it; never for lifetime.',
  }),
  sources: Type.Object({
    gpu_time: shares('gpu_ms', 'Given with the event, or 1 GPU-second per 1,000 tokens.'),
    energy: shares(
      'energy_mwh',
      'Given with the event as metered or by the device, or by GPU time. As in mode corrected.',
    ),
  }),
})
export type ProviderView = Static<typeof ProviderView>

export const ProviderPage = page(ProviderView, {})
