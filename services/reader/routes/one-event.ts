import { eventsById } from '../../../pipelines/clickhouse/queries/usage-events.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { EventItem, EventParams, OneEventQuery } from '../../../schemas/http/usage.ts'
import { holderOf, requestedNode } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import { eventItems } from '../history/event-items.ts'
import { identitiesOf } from '../sent-id.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'

/** GET /api/usage/events/{event_id}: one event, by the id that it was sent with. */
export function oneEventRoute(app: ReaderApp, parts: RouteParts): void {
  app.get(
    '/api/usage/events/:event_id',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'One event of a node, by the id that it was sent with',
        description: 'Kept 50 days. Of two that counted under one id, the one that was received last.',
        tags: ['usage'],
        params: EventParams,
        querystring: OneEventQuery,
        response: {
          200: { description: 'The event', content: { 'application/json': { schema: EventItem } } },
          ...problemResponses(
            'node_not_registered',
            'event_not_found',
            'invalid_url',
            'invalid_request',
            'state_loading',
            'history_unavailable',
            'overloaded',
          ),
        },
      },
    },
    async (request, reply) => {
      const { event_id } = request.params
      const node_id = requestedNode(request, request.query.node_id)
      await parts.present.seen(request.caller, node_id)
      const identities = identitiesOf(event_id, request.query.source ?? null)
      const items = await parts.history.ask(holderOf(request), async (client) =>
        eventItems(client, node_id, await eventsById(client, node_id, identities)),
      )
      const item = items.at(-1)
      if (item !== undefined) return reply.send(item)
      throw new Problem(
        'event_not_found',
        `No event "${event_id}" of ${node_id} has counted, as far as is loaded.`,
      )
    },
  )
}
