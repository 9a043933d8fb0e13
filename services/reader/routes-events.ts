import { eventsById, usageEvents } from '../../pipelines/clickhouse/queries/usage-events.ts'
import type {
  EventRow,
  EventsQuery as EventsToRead,
} from '../../pipelines/clickhouse/queries/usage-events.ts'
import { problemResponses } from '../../schemas/http/problem.ts'
import { EventItem, EventPage, EventParams, EventsQuery, OneEventQuery } from '../../schemas/http/usage.ts'
import { askedNode, holderOf } from '../http/caller.ts'
import { formatTimeOrNull } from '../http/times.ts'
import { Problem } from '../http/problem.ts'
import { eventItems } from './event-items.ts'
import { identitiesOf } from './sent-id.ts'
import type { ReaderApp, RouteParts } from './parts.ts'
import { labelsOf } from './label-query.ts'
import { isFirst, pageOf } from './pages.ts'
import { rangeOf } from './range.ts'

/** GET /api/usage/events: single events, each with what became of its cost. */
export function eventRoutes(app: ReaderApp, parts: RouteParts): void {
  app.get(
    '/api/usage/events',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: "A node's usage events, in the order in which they were received",
        description:
          'from and to are about occurred_at. Without to: up to now. Without from: the day before to. Kept 50 days.',
        tags: ['usage'],
        querystring: EventsQuery,
        response: {
          200: { description: 'A page', content: { 'application/json': { schema: EventPage } } },
          ...problemResponses(
            'node_not_registered',
            'invalid_request',
            'invalid_cursor',
            'state_loading',
            'history_unavailable',
            'overloaded',
          ),
        },
      },
    },
    async (request, reply) => {
      const { limit, from = '', to = '' } = request.query
      const node_id = askedNode(request, request.query.node_id)
      const labels = labelsOf(request.query)
      const scope = ['events', node_id, from, to, ...Object.entries(labels).flat()].join('\n')
      const place = placeOf(parts, scope, request.query)
      const { partition } = await parts.present.seen(request.caller, node_id)
      const answer = await parts.history.ask(holderOf(request), async (client) => {
        const source = parts.history.usageSource(partition)
        const loaded = await parts.history.loaded(source, client)
        if (loaded === null) return { items: [], last: null, asOfMs: null }
        const query = { nodeId: node_id, source, loaded, ...place, labels, limit: limit + 1 }
        const { shown, last } = pageOf(await usageEvents(client, query), limit)
        return { items: await eventItems(client, node_id, shown), last, asOfMs: loaded.watermarkMs }
      })
      const { items, last } = answer
      const next_cursor = last === null ? null : parts.cursors.seal(scope, positionOf(place, last))
      return reply.send({ items, next_cursor, as_of: formatTimeOrNull(answer.asOfMs) })
    },
  )

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
      const node_id = askedNode(request, request.query.node_id)
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

type Place = Pick<EventsToRead, 'fromMs' | 'toMs' | 'after'>

/** Where to read: as asked, or where the cursor goes on, with the bounds of the first page ("up to now" moves). */
function placeOf(
  parts: RouteParts,
  scope: string,
  query: { readonly cursor?: string; readonly from?: string; readonly to?: string },
): Place {
  if (isFirst(query.cursor)) return { ...rangeOf(query, parts.clock.nowMs()), after: null }
  const position = parts.cursors.open(scope, query.cursor, 5)
  const [fromMs = '', toMs = '', receivedMs = '', offset = '', index = ''] = position
  return { fromMs: Number(fromMs), toMs: Number(toMs), after: { receivedMs, offset, index } }
}

function positionOf(place: Place, row: EventRow): string[] {
  return [
    String(place.fromMs),
    String(place.toMs),
    row.received_ms,
    row.record_offset,
    String(row.record_index),
  ]
}
