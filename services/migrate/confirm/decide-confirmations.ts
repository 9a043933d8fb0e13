import { createHash } from 'node:crypto'
import type { AuditOperatorRow } from '../../../pipelines/clickhouse/queries/audit.ts'
import { formatUuid, hashToUuid } from '../../../schemas/ids.ts'
import type { InboxCommand } from '../../../schemas/records.ts'

const HASH_BYTES = 16

/** How the audit names a key; the id follows this prefix. */
const OF_KEY = 'key:'

/** An operator that a node has or had. */
export interface NamedOperator {
  readonly nodeId: string
  readonly operatorId: string
  readonly isConfirmed: boolean
  /** Named before the settlers recorded who had named an operator. */
  readonly isOfBefore: boolean
}

/** An operator that may be confirmed, and why. */
export interface Confirmation {
  readonly nodeId: string
  readonly operatorId: string
  readonly because: 'an admin named it' | 'no other node has ever named it'
}

const nameOf = (nodeId: string, operatorId: string): string => `${nodeId} ${operatorId}`

/**
 * Decides which operators may be confirmed although it was not recorded at the time who had named them: those that an
 * admin's join, claim or transfer named and, of those from before the recording, the ones that no other node has named,
 * today or ever. An operator that a node named without right occurs on two nodes; so in that case a person decides.
 *
 * @param byAdmins as `namedByAdmins` gives them.
 */
export function decideConfirmations(
  named: readonly NamedOperator[],
  byAdmins: ReadonlySet<string>,
): Confirmation[] {
  const nodes = new Map<string, number>()
  for (const { operatorId } of named) nodes.set(operatorId, (nodes.get(operatorId) ?? 0) + 1)
  return named.flatMap(({ nodeId, operatorId, isConfirmed, isOfBefore }): Confirmation[] => {
    if (isConfirmed) return []
    if (byAdmins.has(nameOf(nodeId, operatorId)))
      return [{ nodeId, operatorId, because: 'an admin named it' }]
    if (!isOfBefore || nodes.get(operatorId) !== 1) return []
    return [{ nodeId, operatorId, because: 'no other node has ever named it' }]
  })
}

/**
 * The nodes and operators that an admin has named, from the audit: only an admin can claim or transfer; a join counts
 * where its key is an admin's. For a token it is no longer known what it was allowed to do.
 */
export function namedByAdmins(
  rows: readonly AuditOperatorRow[],
  adminKeyIds: ReadonlySet<string>,
): ReadonlySet<string> {
  const isAdmins = ({ kind, caller }: AuditOperatorRow): boolean =>
    kind !== 'join' ||
    caller === 'loopback' ||
    (caller.startsWith(OF_KEY) && adminKeyIds.has(caller.slice(OF_KEY.length)))
  return new Set(
    rows.filter(isAdmins).flatMap((row) => {
      const { operator_id } = JSON.parse(row.asked) as { readonly operator_id?: string | null }
      return operator_id == null ? [] : [nameOf(row.node_id, operator_id)]
    }),
  )
}

/** The command that confirms it: an admin's command, and the same one each time, so that a repeat changes nothing more. */
export function confirmCommand({
  nodeId,
  operatorId,
}: Pick<Confirmation, 'nodeId' | 'operatorId'>): InboxCommand {
  const body = `confirm/${nodeId}/${operatorId}`
  return {
    command_id: formatUuid(hashToUuid(body)),
    node_id: nodeId,
    caller: 'migrate',
    body_hash: createHash('sha256').update(body).digest().subarray(0, HASH_BYTES),
    kind: 'confirm',
    expected: null,
    changes: [],
    operator_id: operatorId,
    cost_nano_usd: 0,
    ttl_ms: 0,
    reservation_id: null,
    older_id: null,
    by_admin: true,
    by_operator: false,
  }
}
