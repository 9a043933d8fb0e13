import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CAPS_DEFAULT } from '../../schemas/older-records.ts'
import type { Account } from '../../schemas/records.ts'
import { KeptRows } from '../../test/support/oracles/account-rows.ts'
import { cost as inboxCost } from '../../test/support/records/inbox.ts'
import { heartbeat } from '../../test/support/records/inbox-requests.ts'
import { testRules } from '../../test/support/records/rules.ts'
import { openAccount } from './account.ts'
import { decideCost } from './decide.ts'
import { applyHeartbeat } from './heartbeat.ts'
import { HeartbeatMemory } from './heartbeat-memory.ts'
import { nameOperator } from './operators.ts'
import { recentImpressions } from './rewards.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2026, 1, 20, 12)
const SPARK = 1_000_000n

function opened(): { account: Account; rows: KeptRows; memory: HeartbeatMemory } {
  const account = openAccount('n', NOW_MS)
  const rows = new KeptRows()
  nameOperator(account, 'op', NOW_MS, rows)
  return { account, rows, memory: new HeartbeatMemory() }
}

let sent = 0

function beat(at: ReturnType<typeof opened>, nowMs: number, impressions: number): void {
  const said = heartbeat(++sent, { node_id: 'n', ad_impressions: impressions })
  applyHeartbeat(at.account, said, testRules(), nowMs, at.rows, at.memory)
}

const paid = ({ rows }: ReturnType<typeof opened>): bigint =>
  rows.rewards.reduce((sum, { microSpark }) => sum + microSpark, 0n)

test('a thousand heartbeats of a million impressions are paid as the day’s impressions, and recorded', () => {
  const at = opened()
  for (let beats = 0; beats < 1_000; beats++) beat(at, NOW_MS + beats, 1_000_000)
  // 10,000 impressions at 0.09 Spark and 100 for their hundreds; of the bonus of the day, the limit of 1,000 in all leaves
  // nothing.
  assert.equal(paid(at), 1_000n * SPARK)
  assert.equal(at.account.capped_impressions, 999_990_000)
  assert.equal(at.account.capped_reward_micro_spark, 10n * SPARK)
  assert.equal(recentImpressions(at.account, NOW_MS, Number.POSITIVE_INFINITY), 1_000_000_000)
  assert.equal(recentImpressions(at.account, NOW_MS, CAPS_DEFAULT.impressions), CAPS_DEFAULT.impressions)
  assert.equal(at.rows.anomalies.filter((kind) => kind === 'capped_impressions').length, 1_000)
  assert.match(at.rows.rewards.at(-1)?.detail ?? '', /; the cap of the day was reached$/)
})

test('the next day of receipt has caps of its own', () => {
  const at = opened()
  beat(at, NOW_MS, 1_000_000)
  const first = paid(at)
  beat(at, NOW_MS + DAY_MS, 1_000_000)
  assert.equal(paid(at), 2n * first)
})

test('however many costs of a nano-USD come, a day pays 1,000 Spark beyond their worth, and then their worth', () => {
  const { account, rows } = opened()
  const cost = (index: number, costNanoUsd: number, nowMs = NOW_MS): void => {
    const event_id = Buffer.alloc(16)
    event_id.writeUInt32BE(index)
    const times = { occurred_at: nowMs, received_at: nowMs }
    decideCost(account, inboxCost(costNanoUsd, { event_id, ...times }), testRules(), nowMs, rows)
  }
  for (let index = 0; index < 10_000; index++) cost(index, 1)
  const earned = () => rows.decisions.reduce((sum, { microSpark }) => sum + microSpark, 0n)
  // Each adds a little less than one Spark: the thousandth fits, the next one does not.
  assert.equal(earned(), 1_000n * SPARK)
  assert.equal(account.capped_minimum_micro_spark, 9_000n * SPARK)
  cost(10_000, 5_000_000)
  assert.equal(rows.decisions.at(-1)?.microSpark, 500_000n)
  cost(10_001, 10_000_000)
  assert.equal(rows.decisions.at(-1)?.microSpark, SPARK)
  cost(10_002, 1, NOW_MS + DAY_MS)
  assert.equal(rows.decisions.at(-1)?.microSpark, SPARK)
  const count = (wanted: string): number => rows.anomalies.filter((kind) => kind === wanted).length
  assert.deepEqual([count('minimum_paid'), count('minimum_capped')], [1_001, 9_001])
})

test('back-dated costs share the day’s limit on the day of their receipt, and use up nothing of its own', () => {
  const { account, rows } = opened()
  const rules = testRules({
    overrides: [
      { name: 'allow_metered_for_hive', value: true },
      { name: 'metered_daily_limit_usd', value: 1_000_000_000 },
    ],
  })
  const decide = (daysBefore: number): string => {
    const occurred_at = NOW_MS - daysBefore * DAY_MS
    const cost = inboxCost(500_000_000, { occurred_at, received_at: NOW_MS })
    decideCost(account, cost, rules, NOW_MS, rows)
    return rows.decisions.at(-1)?.decision ?? ''
  }
  const decided = Array.from({ length: 36 }, (_, day) => decide(day + 2))
  assert.deepEqual(decided, ['pending', 'pending', ...Array.from({ length: 34 }, () => 'over_limit')])
  assert.equal(account.back_dated_nano_usd, 1_000_000_000n)
  const ofItsDay = [decide(1), decide(1), decide(0), decide(0), decide(0)]
  assert.deepEqual(ofItsDay, ['pending', 'pending', 'pending', 'pending', 'over_limit'])
  const anomalies = Map.groupBy(rows.anomalies, (kind) => kind)
  assert.deepEqual(
    [anomalies.get('back_dated')?.length, anomalies.get('back_dated_over_limit')?.length],
    [2, 34],
  )
})

test('the next day of receipt has room for back-dated costs again, and a replay counts on the newest day', () => {
  const { account, rows } = opened()
  const rules = testRules({
    overrides: [
      { name: 'allow_metered_for_hive', value: true },
      { name: 'metered_daily_limit_usd', value: 1_000_000_000 },
    ],
  })
  const decide = (receivedDay: number): string => {
    const received_at = NOW_MS + receivedDay * DAY_MS
    const occurred_at = received_at - (3 + rows.decisions.length) * DAY_MS
    decideCost(account, inboxCost(1_000_000_000, { occurred_at, received_at }), rules, received_at, rows)
    return rows.decisions.at(-1)?.decision ?? ''
  }
  assert.deepEqual([0, 0, 1, 0, 2].map(decide), ['pending', 'over_limit', 'pending', 'over_limit', 'pending'])
})
