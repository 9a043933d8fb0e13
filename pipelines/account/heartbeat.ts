import { ownBytes } from '../../schemas/own-bytes.ts'
import type { Account, InboxHeartbeat } from '../../schemas/records.ts'
import { touch } from './account.ts'
import type { AccountRows } from './account.ts'
import { nameOperator } from './operators.ts'
import { addImpressions, reward } from './rewards.ts'
import type { AccountRules } from './rules.ts'
import { addUptime } from './uptime.ts'

/** Heartbeats that are remembered, so that a repeat changes nothing. */
export const HEARTBEATS_REMEMBERED = 16
const HASH_BYTES = 8

/**
 * A node was in contact: log time is the time of contact. A heartbeat that was taken in before changes nothing. Returns
 * whether this one was new.
 */
export function applyHeartbeat(
  account: Account,
  heartbeat: InboxHeartbeat,
  rules: AccountRules,
  nowMs: number,
  rows: AccountRows,
): boolean {
  if (!remember(account, heartbeat.heartbeat_hash)) return false
  addUptime(account, rules, nowMs)
  account.last_contact_at = nowMs
  const { tier, profile, software_version, agent_count, post_count } = heartbeat
  if (tier !== null && mayBecome(account, heartbeat)) account.tier = tier
  if (profile !== null) account.profile = profile
  if (software_version !== null) account.software_version = software_version
  if (agent_count !== null) account.agent_count = agent_count
  if (post_count !== null) account.post_count = post_count
  addImpressions(account, heartbeat.ad_impressions, nowMs)
  if (heartbeat.operator_id !== null) nameOperator(account, heartbeat.operator_id, nowMs, rows)
  reward(account, nowMs, rows)
  touch(account, nowMs)
  return true
}

/** Central is a matter of trust: only an admin makes a node central, or stops it from being that. */
function mayBecome(account: Account, { tier, by_admin }: InboxHeartbeat): boolean {
  return by_admin || (tier !== 'central' && account.tier !== 'central')
}

function remember(account: Account, hash: Buffer): boolean {
  const known = account.heartbeat_hashes
  for (let at = 0; at < known.length; at += HASH_BYTES) {
    if (known.subarray(at, at + HASH_BYTES).equals(hash)) return false
  }
  const kept = known.subarray(Math.max(0, known.length - (HEARTBEATS_REMEMBERED - 1) * HASH_BYTES))
  account.heartbeat_hashes = ownBytes(Buffer.concat([kept, hash]))
  return true
}
