import { holderOf } from '../http/caller.ts'
import type { RequestCaller } from '../http/caller.ts'
import type { AuditSink } from '../audit/audit-log.ts'
import { Refusal } from '../../pipelines/json/refusal.ts'

/** Why an event or heartbeat is refused whose node the credential does not name. */
export const FOREIGN = new Refusal('node_not_permitted', '/node_id', 'Is no node that this credential names.')

/** The nodes of one request that its credential does not name. */
export interface Foreign {
  readonly count: number
  /** The first of the nodes. */
  readonly nodeId: string
}

export const NONE_FOREIGN: Foreign = { count: 0, nodeId: '' }

/** The same with one more node. */
export function withForeign({ count, nodeId }: Foreign, another: string): Foreign {
  return { count: count + 1, nodeId: count === 0 ? another : nodeId }
}

/** Reports them to the audit, where there are any. */
export function reportForeign(audit: AuditSink, request: RequestCaller, { count, nodeId }: Foreign): void {
  if (count === 0) return
  const subject = holderOf(request)
  audit.refused({ kind: 'foreign_node', subject, address: request.ip, nodeId, reason: FOREIGN.code }, count)
}
