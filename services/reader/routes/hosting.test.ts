import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  LEADERBOARD_LIMIT_MAX,
  REWARDS_LIMIT_MAX,
  REWARDS_OFFSET_MAX,
} from '../../../schemas/http/hosting.ts'
import { startWholeReader } from '../../../test/support/memory/whole-reader.ts'

const LEADERBOARD = '/api/social/hosting/leaderboard'
const VIEW = '/api/settings/compute/provider'
const MINUTE_MS = 60_000

interface Ranked {
  readonly rank: number
  readonly node_id: string
  readonly score: number
  readonly visibility_tier: string
  readonly status: string
}

test('the vectors of the score: active with 10 agents and 20 posts 130, stale with 5 agents 60', async () => {
  await using reader = await startWholeReader()
  await reader.heartbeat('stale', { agent_count: 5 })
  reader.settler.nowMs += 5 * MINUTE_MS + 1
  await reader.heartbeat('active', { agent_count: 10, post_count: 20 })
  await reader.heartbeat('beside', {})
  // The other partition's log time advances as well.
  await reader.tick()
  const { body } = await reader.ask('GET', LEADERBOARD)
  const rows = (body['items'] as Ranked[]).map((row) => [
    row.rank,
    row.node_id,
    row.score,
    row.visibility_tier,
    row.status,
  ])
  assert.deepEqual(rows, [
    [1, 'active', 130, 'featured', 'active'],
    [2, 'beside', 100, 'featured', 'active'],
    [3, 'stale', 60, 'standard', 'stale'],
  ])
  assert.equal(body['nodes'], 3)
})

test('a dead node leaves the board and loses its uptime; reading changes nothing', async () => {
  await using reader = await startWholeReader()
  await reader.heartbeat('n', { agent_count: 250 })
  const view = async () => (await reader.ask('GET', `${VIEW}?node_id=n`)).body
  const contribution = async () =>
    (await view())['contribution'] as { score: number; visibility_tier: string }
  assert.deepEqual([(await contribution()).score, (await contribution()).visibility_tier], [600, 'priority'])
  const version = reader.accounts.account('n')?.version
  reader.settler.nowMs += 15 * MINUTE_MS + 1
  await reader.tick()
  assert.equal((await view())['status'], 'dead')
  assert.deepEqual([(await contribution()).score, (await contribution()).visibility_tier], [500, 'priority'])
  assert.deepEqual((await reader.ask('GET', LEADERBOARD)).body['items'], [])
  assert.equal(reader.accounts.account('n')?.version, version)
})

test('the parts add up to the score, in both modes', async () => {
  await using reader = await startWholeReader()
  await reader.heartbeat('n', { agent_count: 3, post_count: 5, ad_impressions: 7, operator_id: 'op' })
  reader.settler.nowMs += MINUTE_MS
  await reader.heartbeat('n', {})
  for (const mode of ['compatible', 'corrected']) {
    const { body } = await reader.ask('GET', `${VIEW}?node_id=n&mode=${mode}`)
    const { score, breakdown, formula_version } = body['contribution'] as {
      score: number
      formula_version: number
      breakdown: Record<string, number>
    }
    const sum = Object.values(breakdown).reduce((total, weight) => total + weight, 0)
    assert.ok(Math.abs(sum - score) < 0.006, `${mode}: ${sum} and ${score}`)
    assert.equal(formula_version, 1)
    assert.equal(breakdown['ad_weight'], 0.7)
    if (mode === 'corrected') assert.ok((breakdown['uptime_weight'] ?? 1) < 0.1)
    else assert.equal(breakdown['uptime_weight'], 100)
  }
})

test('the view sums all Spark of the ledger, and counts rewards apart', async () => {
  await using reader = await startWholeReader({
    rules: { overrides: [{ name: 'allow_metered_for_hive', value: true }] },
  })
  await reader.heartbeat('n', { operator_id: 'op', agent_count: 10 })
  await reader.cost('n', 290_000_000)
  const { body } = await reader.ask('GET', `${VIEW}?node_id=n`)
  assert.deepEqual(body['reward_summary'], {
    total_spark_earned: 89,
    total_micro_spark_earned: 89_000_000,
    total_rewards: 2,
    last_reward_at: '2026-02-20T12:00:00.000Z',
  })
})

test('parameters have bounds: REWARDS_LIMIT_MAX, REWARDS_OFFSET_MAX, LEADERBOARD_LIMIT_MAX', async () => {
  await using reader = await startWholeReader()
  const status = async (url: string) => (await reader.ask('GET', url)).status
  const rewards = '/api/social/hosting/rewards?node_id=n'
  assert.equal(await status(`${rewards}&limit=${REWARDS_LIMIT_MAX}&offset=${REWARDS_OFFSET_MAX}`), 404)
  assert.equal(await status(`${rewards}&limit=${REWARDS_LIMIT_MAX + 1}`), 422)
  assert.equal(await status(`${rewards}&offset=${REWARDS_OFFSET_MAX + 1}`), 422)
  assert.equal(await status(`${LEADERBOARD}?limit=${LEADERBOARD_LIMIT_MAX}`), 200)
  assert.equal(await status(`${LEADERBOARD}?limit=${LEADERBOARD_LIMIT_MAX + 1}`), 422)
})
