import { rewardsOf } from '../../../pipelines/clickhouse/queries/rewards.ts'
import type { RewardRow } from '../../../pipelines/clickhouse/queries/rewards.ts'
import { pointsNumber, pointsText } from '../../../pipelines/account/score.ts'
import { livenessOf } from '../../../pipelines/account/uptime.ts'
import { Leaderboard, LeaderboardQuery, RewardsPage, RewardsQuery } from '../../../schemas/http/hosting.ts'
import type { RewardItem } from '../../../schemas/http/hosting.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { holderOf, maySee, requestedNode } from '../../http/caller.ts'
import { formatTime, formatTimeOrNull } from '../../http/times.ts'
import { sparkNumber } from '../amounts.ts'
import type { Ranking } from '../present/leaderboard.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import type { NodeState } from '../present/present.ts'
import { scoreIn } from '../present/provider-view.ts'

const TAGS = ['hosting']

/** GET /api/social/hosting/rewards and …/leaderboard. */
export function hostingRoutes(app: ReaderApp, parts: RouteParts & { readonly ranking: Ranking }): void {
  rewardsRoute(app, parts)
  leaderboardRoute(app, parts)
}

function rewardsRoute(app: ReaderApp, parts: RouteParts & { readonly ranking: Ranking }): void {
  app.get(
    '/api/social/hosting/rewards',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: "A node's rewards, the newest first, and what they come to",
        tags: TAGS,
        querystring: RewardsQuery,
        response: {
          200: { description: 'Rewards', content: { 'application/json': { schema: RewardsPage } } },
          ...problemResponses(
            'node_not_registered',
            'invalid_request',
            'state_loading',
            'history_unavailable',
            'overloaded',
          ),
        },
      },
    },
    async (request, reply) => {
      const { limit, offset } = request.query
      const nodeId = requestedNode(request, request.query.node_id)
      const state = await parts.present.seen(request.caller, nodeId)
      const wallets = state.account.operators.map(({ operator_id }) => operator_id)
      return await parts.history.ask(holderOf(request), async (client) => {
        const source = parts.history.source('walletLedger', state.partition)
        const loaded = await parts.history.loaded(source, client)
        const rows =
          loaded === null || wallets.length === 0
            ? []
            : await rewardsOf(client, { nodeId, wallets, source, loaded, limit, offset })
        return reply.send({
          node_id: nodeId,
          rewards: rows.map((row) => rewardItem(nodeId, row)),
          summary: summaryOf(state),
          as_of: formatTimeOrNull(loaded?.watermarkMs ?? null),
        })
      })
    },
  )
}

function leaderboardRoute(app: ReaderApp, parts: RouteParts & { readonly ranking: Ranking }): void {
  app.get(
    '/api/social/hosting/leaderboard',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Active and stale nodes by score',
        description: 'Other nodes than the caller may see stand here without their names.',
        tags: TAGS,
        querystring: LeaderboardQuery,
        response: {
          200: { description: 'The first of them', content: { 'application/json': { schema: Leaderboard } } },
          ...problemResponses('invalid_request', 'state_loading'),
        },
      },
    },
    async (request, reply) => {
      const { limit, mode } = request.query
      const { ranked, nodes, computedAtMs } = await parts.ranking.of(mode)
      return reply.send({
        items: ranked.slice(0, limit).map(({ nodeId, score, status }, index) => ({
          rank: index + 1,
          node_id: maySee(request.caller, nodeId) ? nodeId : null,
          score: pointsNumber(score.units, 2),
          score_exact: pointsText(score.units),
          visibility_tier: score.visibilityTier,
          status,
        })),
        nodes,
        computed_at: formatTime(computedAtMs),
        mode,
      })
    },
  )
}

function rewardItem(nodeId: string, row: RewardRow): RewardItem {
  const microSpark = BigInt(row.micro_spark)
  return {
    reward_id: row.reference_id,
    node_id: nodeId,
    operator_id: row.wallet_id,
    kind: row.kind,
    amount: sparkNumber(microSpark),
    micro_spark: microSpark,
    currency: 'spark',
    reason: row.detail,
    created_at: formatTime(Number(row.booked_ms)),
  }
}

function summaryOf(state: NodeState) {
  const { account, rules, nowMs } = state
  const earned = account.operators.reduce((sum, { micro_spark }) => sum + micro_spark, 0n)
  const score = scoreIn(state, 'compatible')
  return {
    total_spark_earned: sparkNumber(earned),
    total_micro_spark_earned: earned,
    total_rewards: account.rewards,
    last_reward_at: formatTimeOrNull(account.last_reward_at),
    reward_micro_spark: account.reward_micro_spark,
    capped: {
      impressions: account.capped_impressions,
      reward_micro_spark: account.capped_reward_micro_spark,
      minimum_micro_spark: account.capped_minimum_micro_spark,
    },
    contribution_score: pointsNumber(score.units, 2),
    visibility_tier: score.visibilityTier,
    agent_count: account.agent_count,
    post_count: account.post_count,
    status: livenessOf(account, rules, nowMs),
  }
}
