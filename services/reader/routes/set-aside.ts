import { lettersOf, setAsideOf } from '../../../pipelines/clickhouse/queries/set-aside.ts'
import type { SetAsideRow } from '../../../pipelines/clickhouse/queries/set-aside.ts'
import { eventsById } from '../../../pipelines/clickhouse/queries/usage-events.ts'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { SetAsidePage, SetAsideQuery } from '../../../schemas/http/set-aside.ts'
import type { SetAsideItem } from '../../../schemas/http/set-aside.ts'
import type { EventItem } from '../../../schemas/http/usage.ts'
import { formatUuid } from '../../../schemas/ids.ts'
import type { Identity } from '../../../schemas/identity.ts'
import { holderOf, isAdmin, requestedNode } from '../../http/caller.ts'
import type { RequestCaller } from '../../http/caller.ts'
import { formatTimeOrNull } from '../../http/times.ts'
import { eventItems } from '../history/event-items.ts'
import { isFirst, pageOf } from './pages.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { rangeOf } from './range.ts'
import { identitiesOf } from '../sent-id.ts'
import { letterItem, ownItem } from '../history/set-aside-item.ts'

/** The parts of a request that determine the list and its page. */
interface ListRequest extends RequestCaller {
  readonly query: {
    readonly from?: string
    readonly to?: string
    readonly cursor?: string
    readonly limit: number
  }
}

interface Page {
  readonly items: SetAsideItem[]
  readonly next_cursor: string | null
  readonly as_of: string | null
}

/** GET /api/usage/set-aside: a node's own records, or everything for admins. */
export function setAsideRoutes(app: ReaderApp, parts: RouteParts): void {
  app.get(
    '/api/usage/set-aside',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'Events that came in and do not count, the newest first, each with why',
        description:
          "A node's own, by receipt; without to: up to now, without from: the day before to. An admin that names no node gets everything that was set aside, records without a node and their bytes included.",
        tags: ['usage'],
        querystring: SetAsideQuery,
        response: {
          200: { description: 'A page', content: { 'application/json': { schema: SetAsidePage } } },
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
      const { node_id } = request.query
      const isAll = node_id === undefined && isAdmin(request.caller)
      return reply.send(
        isAll ? await all(parts, request) : await ofNode(parts, request, requestedNode(request, node_id)),
      )
    },
  )
}

async function ofNode(parts: RouteParts, request: ListRequest, nodeId: string): Promise<Page> {
  const { limit, from = '', to = '' } = request.query
  const scope = `set aside\n${nodeId}\n${from}\n${to}`
  const { fromMs, toMs, position } = placeOf(parts, scope, request.query, 3)
  const [receivedMs = '', offset = '', index = ''] = position ?? []
  const after = position === null ? null : { receivedMs, offset, index }
  const { partition } = await parts.present.seen(request.caller, nodeId)
  return await parts.history.ask(holderOf(request), async (client) => {
    const source = parts.history.source('setAside', partition)
    const loaded = await parts.history.loaded(source, client)
    if (loaded === null) return { items: [], next_cursor: null, as_of: null }
    const query = { nodeId, source, loaded, fromMs, toMs, after, limit: limit + 1 }
    const { shown, last } = pageOf(await setAsideOf(client, query), limit)
    const counted = await countedInstead(client, nodeId, shown)
    const next = last === null ? null : [last.received_ms, last.record_offset, String(last.record_index)]
    return {
      items: shown.map((row) => ownItem(row, insteadOf(row, counted))),
      next_cursor: next === null ? null : parts.cursors.seal(scope, [String(fromMs), String(toMs), ...next]),
      as_of: formatTimeOrNull(loaded.watermarkMs),
    }
  })
}

async function all(parts: RouteParts, request: ListRequest): Promise<Page> {
  const { limit, from = '', to = '' } = request.query
  const scope = `set aside of all\n${from}\n${to}`
  const { fromMs, toMs, position } = placeOf(parts, scope, request.query, 5)
  const [receivedMs = '', topic = '', partition = '', offset = '', index = ''] = position ?? []
  const after = position === null ? null : { receivedMs, topic, partition, offset, index }
  return await parts.history.ask(holderOf(request), async (client) => {
    const rows = await lettersOf(client, { fromMs, toMs, after, limit: limit + 1 })
    const { shown, last } = pageOf(rows, limit)
    const next =
      last === null
        ? null
        : [
            last.received_ms,
            last.topic,
            String(last.partition),
            last.record_offset,
            String(last.record_index),
          ]
    return {
      items: shown.map(letterItem),
      next_cursor: next === null ? null : parts.cursors.seal(scope, [String(fromMs), String(toMs), ...next]),
      as_of: null,
    }
  })
}

/** The range as requested, or as the first page had it ("up to now" moves), and where the list continues. */
function placeOf(
  parts: RouteParts,
  scope: string,
  query: ListRequest['query'],
  positionParts: number,
): { readonly fromMs: number; readonly toMs: number; readonly position: readonly string[] | null } {
  if (isFirst(query.cursor)) return { ...rangeOf(query, parts.clock.nowMs()), position: null }
  const [fromMs = '', toMs = '', ...position] = parts.cursors.open(scope, query.cursor, 2 + positionParts)
  return { fromMs: Number(fromMs), toMs: Number(toMs), position }
}

/** For conflicts: the events that count under their ids, by identity. */
async function countedInstead(
  client: ClickhouseClient,
  nodeId: string,
  rows: readonly SetAsideRow[],
): Promise<ReadonlyMap<string, EventItem>> {
  const conflicts = rows.filter(({ reason }) => reason === 'conflict')
  const events = await eventsById(client, nodeId, conflicts.flatMap(sentIdentities))
  const items = await eventItems(client, nodeId, events)
  return new Map(items.map((item, at) => [`${events[at]?.id_kind} ${events[at]?.event_id}`, item] as const))
}

function sentIdentities(row: SetAsideRow): readonly Identity[] {
  const { source } = JSON.parse(row.event) as { readonly source?: string }
  return identitiesOf(row.event_id, source ?? null)
}

/** The event that counts in place of a row of the list, under any of that row's identities. */
function insteadOf(row: SetAsideRow, counted: ReadonlyMap<string, EventItem>): EventItem | null {
  const items = sentIdentities(row).map(({ kind, bytes }) => counted.get(`${kind} ${formatUuid(bytes)}`))
  return items.find((item) => item !== undefined) ?? null
}
