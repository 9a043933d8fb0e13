import { decisionsOf } from '../../pipelines/clickhouse/queries/costs.ts'
import type { CostRow } from '../../pipelines/clickhouse/queries/costs.ts'
import { settlementsOver } from '../../pipelines/clickhouse/queries/settlements.ts'
import type { SettlementRow } from '../../pipelines/clickhouse/queries/settlements.ts'
import { usageEvents } from '../../pipelines/clickhouse/queries/usage-events.ts'
import type {
  EventRow,
  EventsQuery as EventsToRead,
} from '../../pipelines/clickhouse/queries/usage-events.ts'
import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { problemResponses } from '../../schemas/http/problem.ts'
import { EventPage, EventsQuery } from '../../schemas/http/usage.ts'
import { askedNode, holderOf } from '../http/caller.ts'
import { formatTimeOrNull } from '../http/times.ts'
import { eventItem } from './event-item.ts'
import type { PaidCost } from './event-item.ts'
import type { ReaderApp, RouteParts } from './parts.ts'
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
      const scope = `events\n${node_id}\n${from}\n${to}`
      const place = placeOf(parts, scope, request.query)
      const { partition } = await parts.present.seen(request.caller, node_id)
      const answer = await parts.history.ask(holderOf(request), async (client) => {
        const source = parts.history.usageSource(partition)
        const loaded = await parts.history.loaded(source, client)
        if (loaded === null) return { rows: [], costs: [], asOfMs: null }
        const query = { nodeId: node_id, source, loaded, ...place, limit: limit + 1 }
        const rows = await usageEvents(client, query)
        return { rows, costs: await paidCosts(client, node_id, rows), asOfMs: loaded.watermarkMs }
      })
      const { shown, last } = pageOf(answer.rows, limit)
      const costs = new Map(answer.costs.map((paid) => [costKey(paid.cost), paid]))
      const items = shown.map((row) => eventItem(node_id, row, costs.get(costKey(row)) ?? null))
      const next_cursor = last === null ? null : parts.cursors.seal(scope, positionOf(place, last))
      return reply.send({ items, next_cursor, as_of: formatTimeOrNull(answer.asOfMs) })
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

/** The same id may count again after its first copy has left memory; its time tells the two apart. */
function costKey(row: Pick<EventRow, 'event_id' | 'id_kind' | 'occurred_ms'>): string {
  return `${row.id_kind} ${row.event_id} ${row.occurred_ms}`
}

/** The decisions on the events' costs, and the settlements that paid them. */
async function paidCosts(
  client: ClickhouseClient,
  nodeId: string,
  events: readonly EventRow[],
): Promise<PaidCost[]> {
  const charged = events.filter((event) => event.task_source !== 'own' && event.cost_nano_usd !== '0')
  const costs = await decisionsOf(
    client,
    nodeId,
    charged.map((event) => event.event_id),
  )
  const payable = costs.filter(({ decision }) => decision === 'pending' || decision === 'written_off')
  if (payable.length === 0) return costs.map((cost) => ({ cost, settlement: null }))
  const seqs = payable.map((cost) => BigInt(cost.cost_seq)).sort((a, b) => (a < b ? -1 : Number(a > b)))
  const settlements = await settlementsOver(client, nodeId, seqs[0] as bigint, seqs.at(-1) as bigint)
  return costs.map((cost) => ({
    cost,
    settlement: payable.includes(cost) ? paidBy(cost, settlements) : null,
  }))
}

/** The settlement whose range (from_seq, to_seq] holds the cost. */
function paidBy(cost: CostRow, settlements: readonly SettlementRow[]): SettlementRow | null {
  const seq = BigInt(cost.cost_seq)
  return settlements.find(({ from_seq, to_seq }) => BigInt(from_seq) < seq && seq <= BigInt(to_seq)) ?? null
}
