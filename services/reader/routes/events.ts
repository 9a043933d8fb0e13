import { usageEvents } from '../../../pipelines/clickhouse/queries/usage-events.ts'
import type {
  EventRow,
  EventsQuery as EventsToRead,
} from '../../../pipelines/clickhouse/queries/usage-events.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { PAGE_HEADERS } from '../../../schemas/http/fields.ts'
import { EventItem, EventPage, EventsQuery } from '../../../schemas/http/usage.ts'
import { holderOf, requestedNode } from '../../http/caller.ts'
import { varyBy } from '../../http/codings.ts'
import { negotiate } from '../../http/negotiate.ts'
import { PARQUET_TYPE } from '../../http/parquet/write.ts'
import { formatTimeOrNull } from '../../http/times.ts'
import { eventItems } from '../history/event-items.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { COLUMN_FORMATS, sendTable } from '../history/formats.ts'
import { labelsOf } from './label-query.ts'
import { isFirst, nextAddress, pageOf } from './pages.ts'
import { rangeOf } from './range.ts'

/** GET /api/usage/events: single events, each with the decision on its cost. */
export function eventRoutes(app: ReaderApp, parts: RouteParts): void {
  app.get(
    '/api/usage/events',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: "A node's usage events, in the order in which they were received",
        description:
          'from and to are about occurred_at. Without to: up to now. Without from: the day before to. Kept 50 days. CSV and Parquet: the next page is in the Link header.',
        tags: ['usage'],
        querystring: EventsQuery,
        response: {
          200: {
            description: 'A page',
            headers: PAGE_HEADERS,
            content: {
              'application/json': { schema: EventPage },
              'text/csv': { schema: { type: 'string' } },
              [PARQUET_TYPE]: { schema: { type: 'string', format: 'binary' } },
            },
          },
          ...problemResponses(
            'node_not_registered',
            'not_acceptable',
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
      varyBy(reply, 'Accept')
      const format = negotiate(request.headers.accept, COLUMN_FORMATS)
      const { limit, from = '', to = '' } = request.query
      const node_id = requestedNode(request, request.query.node_id)
      const labels = labelsOf(request.query)
      const scope = ['events', node_id, from, to, ...Object.entries(labels).flat()].join('\n')
      const place = placeOf(parts, scope, request.query)
      const { partition } = await parts.present.seen(request.caller, node_id)
      const answer = await parts.history.ask(holderOf(request), async (client) => {
        const source = parts.history.source('usageEvents', partition)
        const loaded = await parts.history.loaded(source, client)
        if (loaded === null) return { items: [], last: null, asOfMs: null }
        const query = { nodeId: node_id, source, loaded, ...place, labels, limit: limit + 1 }
        const { shown, last } = pageOf(await usageEvents(client, query), limit)
        return { items: await eventItems(client, node_id, shown), last, asOfMs: loaded.watermarkMs }
      })
      const { items, last } = answer
      const next_cursor = last === null ? null : parts.cursors.seal(scope, positionOf(place, last))
      const as_of = formatTimeOrNull(answer.asOfMs)
      if (format === 'application/json') return reply.send({ items, next_cursor, as_of })
      const name = { parts: ['events', node_id], range: place, zone: 'UTC', asOf: as_of }
      const next = nextAddress(request, next_cursor)
      // A cell cannot hold an object: labels are written in it as JSON.
      const rows = items.map((item) => Object.assign(item, { labels: JSON.stringify(item.labels) }))
      const table = { item: EventItem, rows, integers: 'integer', name, next } as const
      return await sendTable(reply, format, table, () => parts.turns.pause(holderOf(request)))
    },
  )
}

type Place = Pick<EventsToRead, 'fromMs' | 'toMs' | 'after'>

/** What to read: as requested, or from the position of the cursor, with the bounds of the first page ("up to now" moves). */
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
