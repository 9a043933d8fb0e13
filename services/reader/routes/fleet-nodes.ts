import { liveContacts } from '../../../pipelines/fleet/contacts.ts'
import { OUTCOMES } from '../../../schemas/fleet/outcomes.ts'
import { FleetNodeSelf, NO_CONFIGURATION } from '../../../schemas/http/fleet-nodes.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { Problem } from '../../http/problem.ts'
import { formatTime, formatTimeOrNull } from '../../http/times.ts'
import type { PresentFleet, PresentNode } from '../present/fleet-nodes.ts'
import type { ReaderApp } from '../parts.ts'

/** GET /api/fleet/nodes/self: what the log has of the node whose key asks, and of no other. */
export function fleetNodesRoutes(app: ReaderApp, { fleet }: { readonly fleet: PresentFleet }): void {
  app.get(
    '/api/fleet/nodes/self',
    {
      config: { scope: 'fleet:telemetry' },
      schema: {
        summary: 'The node of a fleet that the key stands for: what came of it, and what became of that',
        description:
          'A node asks it to see which of its numbers have come, what was refused or lost, and whether another program has its key. With a key that stands for no node: 403.',
        tags: ['fleet'],
        response: {
          200: { description: 'The node', content: { 'application/json': { schema: FleetNodeSelf } } },
          ...problemResponses('no_fleet_node', 'node_not_registered', 'state_loading'),
        },
      },
    },
    async ({ caller }, reply) => {
      if (caller.fleetNode === null)
        throw new Problem('no_fleet_node', 'This credential stands for no node of a hosting fleet.')
      return reply.send(viewOf(await fleet.node(caller.fleetNode)))
    },
  )
}

function viewOf({ node, nowMs }: PresentNode) {
  const { provider_id, location_id, node_id, software_version, interval_s } = node
  const { epochs, low, lost, clone_contacts, quarantined } = node
  return {
    provider_id,
    location_id,
    node_id,
    as_of: formatTimeOrNull(nowMs),
    first_seen_at: formatTime(node.first_seen_at),
    last_heartbeat_at: formatTimeOrNull(node.last_heartbeat_at),
    last_data_at: formatTimeOrNull(node.last_data_at),
    software_version,
    interval_s,
    newest_epoch: node.epoch,
    epochs_live: nowMs === null ? 0 : liveContacts(node, nowMs).length,
    clone_contacts,
    low,
    epochs,
    lost,
    outcomes: outcomesOf(node.outcomes),
    quarantined: quarantined.map(({ hour, reason, items }) => ({ hour: formatTime(hour), reason, items })),
    config_version: NO_CONFIGURATION,
  }
}

/** Every outcome has its count, also one that no item has had. */
function outcomesOf(
  counts: readonly { readonly outcome: string; readonly items: number }[],
): Record<string, number> {
  return Object.fromEntries(
    Object.keys(OUTCOMES).map((word) => [word, counts.find(({ outcome }) => outcome === word)?.items ?? 0]),
  )
}
