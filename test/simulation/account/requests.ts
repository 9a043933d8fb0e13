import { inboxCommandCodec, inboxHeartbeatCodec } from '../../../schemas/avro.ts'
import type { CommandKind, NodeTier } from '../../../schemas/records.ts'
import type { Setting } from '../../../schemas/settings.ts'
import { command, commandId, heartbeat } from '../../support/records/inbox-requests.ts'

/** A command in a schedule; the same `id` means the same command. */
export interface CommandDraft {
  readonly id: number
  readonly kind: CommandKind
  readonly changes: readonly Setting[]
  readonly operator: number | null
  readonly nanoUsd: number
  readonly ttlMs: number
  /** One of the reservations that clients name. */
  readonly reservation: number | null
}

export interface HeartbeatDraft {
  readonly id: number
  readonly tier: NodeTier | null
  readonly operator: number | null
  readonly agents: number
  readonly impressions: number
}

export const operatorName = (number: number | null): string | null =>
  number === null ? null : `op-${number}`
export const reservationName = (number: number | null): string | null =>
  number === null ? null : `reservation-${number}`

export function commandRecord(nodeId: string, draft: CommandDraft): Buffer {
  return inboxCommandCodec.encode(
    command(draft.kind, {
      command_id: commandId(draft.id),
      node_id: nodeId,
      changes: [...draft.changes],
      operator_id: operatorName(draft.operator),
      cost_nano_usd: draft.nanoUsd,
      ttl_ms: draft.ttlMs,
      reservation_id: reservationName(draft.reservation),
      // Chosen by the id, so that a repeated command is the same.
      by_admin: draft.id % 3 === 0,
      by_operator: draft.id % 4 === 0,
    }),
  )
}

export function heartbeatRecord(nodeId: string, draft: HeartbeatDraft): Buffer {
  const { id, tier, operator, agents, impressions } = draft
  return inboxHeartbeatCodec.encode(
    heartbeat(id, {
      node_id: nodeId,
      by_admin: true,
      tier,
      operator_id: operatorName(operator),
      agent_count: agents,
      ad_impressions: impressions,
    }),
  )
}
