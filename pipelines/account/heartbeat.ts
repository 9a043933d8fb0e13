import type { Account, InboxHeartbeat } from '../../schemas/records.ts'
import { touch } from './account.ts'
import type { AccountRows } from './account.ts'
import type { HeartbeatMemory, Taken } from './heartbeat-memory.ts'
import { changeTier, nameOperatorNoted } from './noted.ts'
import { addImpressions, reward } from './rewards.ts'
import type { AccountRules } from './rules.ts'
import { addUptime } from './uptime.ts'

const NONE = Buffer.alloc(0)

/**
 * A node was in contact: log time is the time of contact. A heartbeat that was accepted before changes nothing; one too
 * many within the hour is a contact that earns nothing. Returns which of these it was.
 */
export function applyHeartbeat(
  account: Account,
  heartbeat: InboxHeartbeat,
  rules: AccountRules,
  nowMs: number,
  rows: AccountRows,
  memory: HeartbeatMemory,
): Taken {
  const { node_id, heartbeat_hash, tier, profile, software_version, agent_count, post_count } = heartbeat
  const taken = memory.take(node_id, heartbeat_hash, nowMs, account.heartbeat_hashes)
  if (taken === 'repeat') return taken
  account.heartbeat_hashes = NONE
  addUptime(account, rules, nowMs)
  account.last_contact_at = nowMs
  touch(account, nowMs)
  if (taken === 'too_many') return taken
  if (tier !== null && mayBecome(account, heartbeat)) changeTier(account, tier, heartbeat, nowMs, rows)
  if (profile !== null) account.profile = profile
  if (software_version !== null) account.software_version = software_version
  if (agent_count !== null) account.agent_count = agent_count
  if (post_count !== null) account.post_count = post_count
  addImpressions(account, heartbeat.ad_impressions, rules, nowMs, rows)
  if (heartbeat.operator_id !== null)
    nameOperatorNoted(account, heartbeat.operator_id, 'heartbeat', nowMs, rows)
  reward(account, rules, nowMs, rows)
  return taken
}

/** Being central is a matter of trust: only an admin makes a node central, or ends that. */
function mayBecome(account: Account, { tier, by_admin }: InboxHeartbeat): boolean {
  return by_admin || (tier !== 'central' && account.tier !== 'central')
}
