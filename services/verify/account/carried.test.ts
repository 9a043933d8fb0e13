import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountCodec } from '../../../schemas/avro.ts'
import type { Account } from '../../../schemas/records.ts'
import { accountRow, modelRow } from './state-rows.ts'
import { carriedAccount, carriedTotals } from './carried.ts'

/** An account with something in every field. */
const ACCOUNT: Account = {
  node_id: 'node-1',
  first_seen_at: 1_000,
  version: 9,
  tier: 'regional',
  changed_at: 2_000,
  watermark: 1_500,
  rules_version: 3,
  operators: [
    {
      operator_id: 'op',
      since: 1_100,
      micro_spark: 29_000_000n,
      entries: 1,
      last_entry_at: 1_900,
      remainder: 17,
      confirmed: true,
    },
  ],
  events: 12,
  inferences: 11n,
  tokens_in: 5n,
  tokens_out: 6n,
  gpu_ms_measured: 7n,
  gpu_ms_estimated: 8n,
  gpu_ms_paid_estimated: 4n,
  set_aside: 5,
  energy_mwh_measured: 9n,
  energy_mwh_estimated: 10n,
  energy_mwh_compatible: 11n,
  cost_nano_usd: 12n,
  cost_seq: 4,
  settled_through: 3,
  pending_count: 1,
  pending_nano_usd: 20_000_000n,
  pending_micro_spark: 2_000_000n,
  pending_since: 1_800,
  unclaimed_count: 2,
  unclaimed_nano_usd: 3n,
  unclaimed_micro_spark: 4n,
  settlements: 1,
  settled_nano_usd: 290_000_000n,
  settled_micro_spark: 29_000_000n,
  unclaimed_remainder: 5,
  settings_version: 2,
  settings: [{ name: 'allow_metered_for_hive', value: true }],
  spend_days: [{ day: 20_000, nano_usd: 290_000_000n }],
  reservations: [
    { reservation_id: 'r', nano_usd: 400_000_000, day: 20_000, expires_at: 9_000, command_id: 'c' },
  ],
  last_contact_at: 7_200_000,
  profile: 'constrained',
  software_version: '1.2',
  heartbeat_hashes: Buffer.from('00000000000000010000000000000002', 'hex'),
  uptime_hour: 2,
  uptime: Buffer.from([60, 0, 5]),
  agent_count: 12,
  post_count: 3,
  ad_days: [{ day: 20_000, impressions: 7 }],
  ad_impressions: 107,
  ad_unpaid: 2,
  ad_remainder_micro_spark: 90_000,
  bonus_day: 20_000,
  milestone: 10,
  rewards: 3,
  reward_micro_spark: 60_000_000n,
  last_reward_at: 1_950,
  received_day: 20_001,
  day_reward_micro_spark: 60_000_000,
  day_minimum_micro_spark: 999_999,
  back_dated_day: 19_999,
  back_dated_nano_usd: 14n,
  capped_impressions: 11,
  capped_reward_micro_spark: 12n,
  capped_minimum_micro_spark: 13n,
}

test('an account is carried over with every field that is compared', () => {
  const account = accountCodec.decode(accountCodec.encode(ACCOUNT))
  const nowMs = Number(account.last_contact_at)
  const taken = Buffer.alloc(16, 7)
  taken.writeBigInt64BE(BigInt(nowMs))
  const heartbeats = { node_id: account.node_id, taken }
  const { version: _version, node_id: _nodeId, ...expected } = accountRow(account, heartbeats, nowMs)
  const carried = modelRow(carriedAccount(account, heartbeats), carriedTotals(account), nowMs)
  assert.equal(carried['heartbeats'], `0707070707070707@${nowMs}`)
  for (const [column, value] of Object.entries(carried)) {
    assert.equal(String(value), String(expected[column]), column)
  }
  assert.deepEqual(Object.keys(carried).toSorted(), Object.keys(expected).toSorted())
})
