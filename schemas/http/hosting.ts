import { Type } from 'typebox'
import type { Static } from 'typebox'
import { REWARD_KINDS } from '../tables.ts'
import {
  asOfField,
  nodeIdParameter,
  nullableTextField,
  nullableTimeField,
  parameters,
  roundedField,
  sumField,
  timeField,
  wordField,
} from './fields.ts'
import { PROVIDER_MODES } from './provider.ts'

export const REWARDS_LIMIT_MAX = 100
export const REWARDS_OFFSET_MAX = 100_000

export const RewardsQuery = parameters({
  node_id: Type.Optional(nodeIdParameter),
  limit: Type.Integer({ minimum: 1, maximum: REWARDS_LIMIT_MAX, default: 50 }),
  offset: Type.Integer({ minimum: 0, maximum: REWARDS_OFFSET_MAX, default: 0 }),
})

export const RewardItem = Type.Object({
  reward_id: Type.String(),
  node_id: Type.String(),
  operator_id: Type.String(),
  kind: wordField(REWARD_KINDS),
  amount: roundedField('Spark.'),
  micro_spark: sumField(),
  currency: Type.Literal('spark'),
  reason: Type.String(),
  created_at: timeField(),
})
export type RewardItem = Static<typeof RewardItem>

export const LIVENESS = ['active', 'stale', 'dead'] as const

export const RewardsPage = Type.Object({
  node_id: Type.String(),
  rewards: Type.Array(RewardItem, { description: 'Newest first.' }),
  summary: Type.Object({
    total_spark_earned: roundedField("All Spark of the node's ledger."),
    total_micro_spark_earned: sumField(),
    total_rewards: Type.Integer(),
    last_reward_at: nullableTimeField(),
    reward_micro_spark: sumField('Of rewards alone.'),
    capped: Type.Object(
      {
        impressions: Type.Integer(),
        reward_micro_spark: sumField(),
        minimum_micro_spark: sumField('Beyond USD × rate, by the least of 1 Spark a cost.'),
      },
      { description: 'Recorded and not paid, as it was above the caps of its day.' },
    ),
    contribution_score: Type.Number(),
    visibility_tier: wordField(['standard', 'featured', 'priority'] as const),
    agent_count: Type.Integer(),
    post_count: Type.Integer(),
    status: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      enum: [...LIVENESS, null],
      description: 'Null for a node without heartbeats.',
    }),
  }),
  as_of: asOfField,
})

export const LEADERBOARD_LIMIT_MAX = 100

export const LeaderboardQuery = parameters({
  limit: Type.Integer({ minimum: 1, maximum: LEADERBOARD_LIMIT_MAX, default: 20 }),
  mode: wordField(PROVIDER_MODES, { default: 'compatible' }),
})

export const Leaderboard = Type.Object({
  items: Type.Array(
    Type.Object({
      rank: Type.Integer(),
      node_id: nullableTextField('Null for a node that the caller may not see.'),
      score: Type.Number(),
      score_exact: Type.String(),
      visibility_tier: wordField(['standard', 'featured', 'priority'] as const),
      status: wordField(['active', 'stale'] as const),
    }),
    { description: 'Active and stale nodes, the highest score first.' },
  ),
  nodes: Type.Integer({ description: 'Active and stale nodes in all.' }),
  computed_at: timeField(),
  mode: wordField(PROVIDER_MODES),
})
