import { hashToUuid } from '../../schemas/ids.ts'
import type { Account, InboxAudit, InboxHeartbeat, NodeTier } from '../../schemas/records.ts'
import type { AccountRows } from './account.ts'
import { nameOperator } from './operators.ts'

/**
 * Changes of an account that no command requested, as rows of the audit. Their ids follow from the log, as everything
 * else does.
 */

/** Calls `nameOperator` for an event or a heartbeat; the first name becomes a row. */
export function nameOperatorNoted(
  account: Account,
  operatorId: string,
  by: 'event' | 'heartbeat',
  nowMs: number,
  rows: AccountRows,
): void {
  if (!nameOperator(account, operatorId, nowMs, rows)) return
  const { node_id } = account
  rows.noted({
    // A node gets its first operator only once.
    entryId: hashToUuid(`audit/operator_named/${node_id}`),
    kind: 'operator_named',
    subject: '',
    nodeId: node_id,
    address: '',
    before: '',
    after: operatorId,
    count: 1,
    reason: by,
    atMs: nowMs,
  })
}

/** Gives the node another tier, and writes a row where the tier differs. */
export function changeTier(
  account: Account,
  tier: NodeTier,
  { heartbeat_hash, by_admin }: InboxHeartbeat,
  nowMs: number,
  rows: AccountRows,
): void {
  const before = account.tier
  if (tier === before) return
  account.tier = tier
  rows.noted({
    // The time is part of the id because the id of a forgotten heartbeat may come again.
    entryId: hashToUuid(`audit/tier_changed/${account.node_id}/${heartbeat_hash.toString('hex')}/${nowMs}`),
    kind: 'tier_changed',
    subject: '',
    nodeId: account.node_id,
    address: '',
    before,
    after: tier,
    count: 1,
    reason: by_admin ? 'heartbeat of an admin' : 'heartbeat',
    atMs: nowMs,
  })
}

/** Writes the row for what a server or a command observed. */
export function noteSeen({ entry_id, node_id, ...seen }: InboxAudit, nowMs: number, rows: AccountRows): void {
  rows.noted({ ...seen, entryId: entry_id, nodeId: node_id, atMs: nowMs })
}
