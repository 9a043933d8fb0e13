import { DEFAULT_THRESHOLDS } from '../../../pipelines/fleet/status/thresholds.ts'
import { textIn } from '../../../pipelines/fleet/inventory/body.ts'
import { FleetNodesPage, NodesQuery } from '../../../schemas/http/fleet-views.ts'
import type { FleetNodeItem } from '../../../schemas/http/fleet-views.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import { holderOf } from '../../http/caller.ts'
import { formatTimeOrNull } from '../../http/times.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import type { PresentFleet, PresentNode } from '../present/fleet-nodes.ts'
import { isFirst, pageOf } from '../routes/pages.ts'
import type { InventoryPresent, PresentEntity } from './inventory-present.ts'
import type { Fleets } from './standing/fleets.ts'

/** What the list of nodes is made of. */
export interface NodeListParts extends Pick<RouteParts, 'cursors' | 'turns'> {
  readonly inventory: InventoryPresent
  readonly fleets: Fleets
  readonly fleet: PresentFleet
}

/** GET /api/fleet/nodes: the nodes of a provider, and whether they are heard. */
export function nodeListRoute(app: ReaderApp, parts: NodeListParts): void {
  app.get(
    '/api/fleet/nodes',
    {
      config: { scope: 'fleet:read' },
      schema: {
        summary: 'The nodes of a provider, by id, and whether they are heard',
        tags: ['fleet'],
        querystring: NodesQuery,
        response: {
          200: { description: 'A page', content: { 'application/json': { schema: FleetNodesPage } } },
          ...problemResponses('invalid_request', 'invalid_cursor', 'unknown_provider', 'state_loading'),
        },
      },
    },
    async (request, reply) => {
      const { provider, cursor, limit } = request.query
      const scope = `fleet nodes\n${provider}`
      const after = isFirst(cursor) ? '' : (parts.cursors.open(scope, cursor, 1)[0] ?? '')
      const found = await parts.inventory.after(request.caller, provider, 'node', after, limit + 1)
      const holder = holderOf(request)
      const pause = (): Promise<void> => parts.turns.pause(holder)
      const { standings } = await parts.fleets.of(request.caller, provider, {}, pause)
      const workers = Map.groupBy(standings, ({ registered: { node } }) => node)
      const { shown, last } = pageOf(found, limit)
      return reply.send({
        items: shown.map((entity) => {
          const location = textIn(entity.version.body, 'location') ?? ''
          const name = { provider_id: provider, location_id: location, node_id: entity.id }
          return nodeItem(entity, location, parts.fleet.known(name), workers.get(entity.id)?.length ?? 0)
        }),
        next_cursor: last === null ? null : parts.cursors.seal(scope, [last.id]),
      })
    },
  )
}

function nodeItem(
  { id, version }: PresentEntity,
  location: string,
  present: PresentNode | null,
  workers: number,
): FleetNodeItem {
  const node = present?.node ?? null
  return {
    id,
    version: version.version,
    name: textIn(version.body, 'name') ?? id,
    location,
    workers,
    online: present === null ? false : isHeard(present),
    first_seen_at: formatTimeOrNull(node?.first_seen_at ?? null),
    last_heartbeat_at: formatTimeOrNull(node?.last_heartbeat_at ?? null),
    last_data_at: formatTimeOrNull(node?.last_data_at ?? null),
    software_version: node?.software_version ?? null,
    interval_s: node?.interval_s ?? null,
    epoch: node?.epoch ?? null,
    lost: node?.lost ?? null,
    clone_contacts: node?.clone_contacts ?? null,
  }
}

/** By the same time as statuses: three of its intervals, and five minutes at least, since it was heard last. */
function isHeard({ node, nowMs }: PresentNode): boolean {
  const heardMs = Math.max(node.last_heartbeat_at ?? 0, node.last_data_at ?? 0)
  const { silenceMs, silenceIntervals } = DEFAULT_THRESHOLDS
  const lastsMs = Math.max(silenceMs, silenceIntervals * node.interval_s * SECOND_MS)
  return nowMs !== null && nowMs - heardMs < lastsMs
}
