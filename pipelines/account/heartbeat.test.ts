import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Account, InboxHeartbeat } from '../../schemas/records.ts'
import { KeptRows } from '../../test/support/oracles/account-rows.ts'
import { heartbeat as heartbeatOf } from '../../test/support/records/inbox-requests.ts'
import { openAccount } from './account.ts'
import { applyHeartbeat } from './heartbeat.ts'
import type { Taken } from './heartbeat-memory.ts'
import { HEARTBEATS_REMEMBERED_MAX, HEARTBEAT_MEMORY_MS, HeartbeatMemory } from './heartbeat-memory.ts'
import { recentImpressions } from './rewards.ts'
import { RULES_DEFAULT } from './rules.ts'
import { livenessOf, uptimeObservedPpm, uptimeSnapshotPpm } from './uptime.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2026, 1, 20, 12)

/** A heartbeat under an id of any text. */
function heartbeat(id: string, fields: Partial<InboxHeartbeat> = {}): InboxHeartbeat {
  const heartbeat_hash = createHash('sha256').update(id).digest().subarray(0, 8)
  return heartbeatOf(0, { node_id: 'n', heartbeat_hash, ...fields })
}

/** Each account has a memory of its own. */
const memories = new WeakMap<Account, HeartbeatMemory>()

function beat(
  account: Account,
  rows: KeptRows,
  id: string,
  nowMs: number,
  fields: Partial<InboxHeartbeat> = {},
): Taken {
  const memory = memories.get(account) ?? new HeartbeatMemory()
  memories.set(account, memory)
  return applyHeartbeat(account, heartbeat(id, fields), RULES_DEFAULT, nowMs, rows, memory)
}

test('silence makes a node stale and dead: above the thresholds of its profile, never at them', () => {
  const account = openAccount('n', NOW_MS)
  assert.equal(livenessOf(account, RULES_DEFAULT, NOW_MS), null)
  assert.equal(uptimeSnapshotPpm(account, RULES_DEFAULT, NOW_MS), 0)
  const rows = new KeptRows()
  for (const [profile, staleMin, deadMin] of [
    ['full', 5, 15],
    ['constrained', 15, 45],
    ['minimal', 45, 120],
  ] as const) {
    beat(account, rows, profile, NOW_MS, { profile })
    const after = (ms: number) => livenessOf(account, RULES_DEFAULT, NOW_MS + ms)
    assert.deepEqual(
      [
        after(staleMin * MINUTE_MS),
        after(staleMin * MINUTE_MS + 1),
        after(deadMin * MINUTE_MS),
        after(deadMin * MINUTE_MS + 1),
      ],
      ['active', 'stale', 'stale', 'dead'],
    )
  }
  assert.equal(uptimeSnapshotPpm(account, RULES_DEFAULT, NOW_MS + 46 * MINUTE_MS), 500_000)
})

test('a repeated heartbeat changes nothing for an hour, however many came since', () => {
  const account = openAccount('n', NOW_MS)
  const rows = new KeptRows()
  assert.equal(beat(account, rows, '0', NOW_MS, { ad_impressions: 5, operator_id: 'op' }), 'new')
  for (let count = 1; count < HEARTBEATS_REMEMBERED_MAX; count++) beat(account, rows, String(count), NOW_MS)
  const before = structuredClone({ ...account, uptime: null, heartbeat_hashes: null })
  const lastMs = NOW_MS + HEARTBEAT_MEMORY_MS - 1
  for (let count = 0; count < HEARTBEATS_REMEMBERED_MAX; count++) {
    assert.equal(beat(account, rows, String(count), lastMs, { ad_impressions: 5 }), 'repeat')
  }
  assert.deepEqual(structuredClone({ ...account, uptime: null, heartbeat_hashes: null }), before)
  assert.equal(beat(account, rows, '0', lastMs + 1), 'new')
})

test('one heartbeat too many within the hour is a contact that earns nothing', () => {
  const account = openAccount('n', NOW_MS)
  const rows = new KeptRows()
  for (let count = 0; count < HEARTBEATS_REMEMBERED_MAX; count++) beat(account, rows, String(count), NOW_MS)
  const fields = { ad_impressions: 500, operator_id: 'op', agent_count: 500, tier: 'regional' } as const
  assert.equal(beat(account, rows, 'more', NOW_MS + MINUTE_MS, fields), 'too_many')
  assert.equal(account.last_contact_at, NOW_MS + MINUTE_MS)
  assert.deepEqual([account.ad_unpaid, account.operators, account.agent_count], [0, [], 0])
  assert.deepEqual([account.tier, rows.rewards], ['flat', []])
})

test('heartbeats that an account remembered by number are known to its new memory', () => {
  const account = openAccount('n', NOW_MS)
  const rows = new KeptRows()
  account.heartbeat_hashes = Buffer.concat(['a', 'b'].map((id) => heartbeat(id).heartbeat_hash))
  assert.equal(beat(account, rows, 'b', NOW_MS), 'repeat')
  assert.equal(beat(account, rows, 'c', NOW_MS), 'new')
  assert.equal(account.heartbeat_hashes.length, 0)
  for (const id of ['a', 'b', 'c']) assert.equal(beat(account, rows, id, NOW_MS + 1), 'repeat')
})

test('the memory comes back from its records, and forgets nodes an hour after their newest heartbeat', () => {
  const memory = new HeartbeatMemory()
  const none = Buffer.alloc(0)
  const hash = (id: string): Buffer => heartbeat(id).heartbeat_hash
  memory.take('one', hash('a'), NOW_MS, none)
  memory.take('two', hash('a'), NOW_MS + 1, none)
  memory.take('one', hash('b'), NOW_MS + 2, none)
  const written = memory.changes()
  assert.deepEqual(written.map(({ key }) => key).toSorted(), ['!beats/one', '!beats/two'])
  assert.deepEqual(memory.changes(), [])
  const restored = new HeartbeatMemory()
  for (const { key, value } of written.toSorted((left, right) => (left.key > right.key ? -1 : 1))) {
    restored.restore(key, value)
  }
  assert.equal(restored.take('one', hash('a'), NOW_MS + 3, none), 'repeat')
  restored.forgetDue(NOW_MS + HEARTBEAT_MEMORY_MS)
  assert.deepEqual(restored.changes(), [])
  restored.forgetDue(NOW_MS + HEARTBEAT_MEMORY_MS + 2)
  assert.deepEqual(
    restored.changes().map(({ key, value }) => [key, value]),
    [
      ['!beats/two', null],
      ['!beats/one', null],
    ],
  )
})

test('to and from central only an admin changes the tier', () => {
  const account = openAccount('n', NOW_MS)
  const rows = new KeptRows()
  const tiers: [tier: 'flat' | 'regional' | 'central', by_admin: boolean, becomes: string][] = [
    ['regional', false, 'regional'],
    ['central', false, 'regional'],
    ['central', true, 'central'],
    ['flat', false, 'central'],
    ['flat', true, 'flat'],
  ]
  for (const [at, [tier, by_admin, becomes]] of tiers.entries()) {
    beat(account, rows, String(at), NOW_MS, { tier, by_admin })
    assert.equal(account.tier, becomes)
  }
})

test('uptime is the share of the last 7 days: a node that is up for a minute is not up for a week', () => {
  const account = openAccount('n', NOW_MS)
  const rows = new KeptRows()
  for (let minute = 0; minute <= 60; minute++)
    beat(account, rows, String(minute), NOW_MS + minute * MINUTE_MS)
  const endMs = NOW_MS + HOUR_MS
  assert.equal(uptimeObservedPpm(account, RULES_DEFAULT, endMs), Math.floor((60 / (167 * 60)) * 1e6))
  // The time after the last contact counts until the node is stale.
  assert.equal(
    uptimeObservedPpm(account, RULES_DEFAULT, endMs + HOUR_MS),
    Math.floor((65 / (167 * 60)) * 1e6),
  )
  assert.equal(uptimeObservedPpm(account, RULES_DEFAULT, endMs + 8 * DAY_MS), 0)
})

test('however the contacts fall, uptime is the number of minutes that began while the node was up', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 12 * 60_000 }), { minLength: 1, maxLength: 60 }),
      (silencesMs) => {
        const account = openAccount('n', NOW_MS)
        const rows = new KeptRows()
        const up = new Set<number>()
        let atMs = NOW_MS
        for (const [at, silenceMs] of silencesMs.entries()) {
          beat(account, rows, String(at), atMs)
          const untilMs = Math.min(atMs + silenceMs, atMs + 5 * MINUTE_MS)
          for (let minute = Math.ceil(atMs / MINUTE_MS); minute * MINUTE_MS < untilMs; minute++)
            up.add(minute)
          atMs += silenceMs
        }
        const firstMs = (Math.floor(atMs / HOUR_MS) - 167) * HOUR_MS
        const elapsed = Math.ceil(atMs / MINUTE_MS) - firstMs / MINUTE_MS
        assert.equal(uptimeObservedPpm(account, RULES_DEFAULT, atMs), Math.floor((1e6 * up.size) / elapsed))
        assert.ok(account.uptime.length <= 168)
      },
    ),
  )
})

test('rewards come with the heartbeat that earns them, once each', () => {
  const account = openAccount('n', NOW_MS)
  const rows = new KeptRows()
  beat(account, rows, 'a', NOW_MS, { agent_count: 60 })
  assert.deepEqual(rows.rewards, [])
  beat(account, rows, 'b', NOW_MS + 1, { operator_id: 'op' })
  beat(account, rows, 'c', NOW_MS + 2, { agent_count: 100 })
  beat(account, rows, 'd', NOW_MS + 3, { agent_count: 5 })
  beat(account, rows, 'e', NOW_MS + 4, { agent_count: 600 })
  beat(account, rows, 'f', NOW_MS + DAY_MS)
  assert.deepEqual(
    rows.rewards.map(({ kind, key, microSpark }) => [
      kind,
      kind === 'uptime_bonus' ? 'day' : key,
      microSpark,
    ]),
    [
      ['uptime_bonus', 'day', 10_000_000n],
      ['milestone', 10, 50_000_000n],
      ['milestone', 50, 50_000_000n],
      ['milestone', 100, 50_000_000n],
      ['milestone', 500, 50_000_000n],
      ['uptime_bonus', 'day', 10_000_000n],
    ],
  )
  assert.deepEqual([account.rewards, account.reward_micro_spark], [6, 220_000_000n])
  assert.deepEqual(account.operators[0]?.micro_spark, 220_000_000n)
})

test('ad revenue is 0.09 Spark an impression and 1 for each hundred: none is lost or paid twice', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 250 }), { maxLength: 30 }),
      fc.nat(10),
      (counts, operatorFrom) => {
        const account = openAccount('n', NOW_MS)
        const rows = new KeptRows()
        for (const [at, ad_impressions] of [...counts, 0].entries()) {
          const operator_id = at >= Math.min(operatorFrom, counts.length) ? 'op' : null
          beat(account, rows, String(at), NOW_MS + at, { ad_impressions, operator_id })
        }
        const total = counts.reduce((sum, count) => sum + count, 0)
        const paid = (kind: string) =>
          rows.rewards
            .filter((one) => one.kind === kind)
            .reduce((sum, { microSpark }) => sum + microSpark, 0n)
        assert.equal(paid('ad_revenue') + BigInt(account.ad_remainder_micro_spark), BigInt(total) * 90_000n)
        assert.equal(paid('ad_bonus'), BigInt(Math.floor(total / 100)) * 1_000_000n)
        const keys = rows.rewards.map(({ kind, key }) => `${kind} ${key}`)
        assert.equal(new Set(keys).size, keys.length)
        assert.equal(recentImpressions(account, NOW_MS, Infinity), total)
      },
    ),
  )
})

test('impressions count for the score for 7 days', () => {
  const account = openAccount('n', NOW_MS)
  const rows = new KeptRows()
  for (let day = 0; day < 10; day++)
    beat(account, rows, String(day), NOW_MS + day * DAY_MS, { ad_impressions: 1 })
  assert.equal(recentImpressions(account, NOW_MS + 9 * DAY_MS, 1), 7)
  assert.equal(recentImpressions(account, NOW_MS + 12 * DAY_MS, 1), 4)
  assert.equal(account.ad_days.length, 7)
})
