import type { FleetNodeName } from '../../../schemas/fleet/records.ts'
import type { AuditSink } from '../../audit/audit-log.ts'
import { holderOf, isAdmin } from '../../http/caller.ts'
import type { RequestCaller } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'

/** Throws a Problem (403), and reports it to the audit, unless the caller's credential stands for this node of a fleet. */
export function requireOwnNode(request: RequestCaller, audit: AuditSink, node: FleetNodeName): void {
  const { caller } = request
  if (isAdmin(caller)) return
  const own = caller.fleetNode
  const isOwn =
    own !== null &&
    own.provider_id === node.provider_id &&
    own.location_id === node.location_id &&
    own.node_id === node.node_id
  if (isOwn) return
  const problem = new Problem('not_own_node', 'This credential does not stand for the node that is named.')
  const subject = holderOf(request)
  const { node_id: nodeId } = node
  audit.refused({ kind: 'foreign_node', subject, address: request.ip, nodeId, reason: problem.code })
  throw problem
}
