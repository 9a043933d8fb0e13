import { notedRows } from '../../../pipelines/clickhouse/queries/noted.ts'
import type { NotedQuery, NotedRow } from '../../../pipelines/clickhouse/queries/noted.ts'
import { AuditPage, AuditQuery } from '../../../schemas/http/audit.ts'
import type { AuditItem } from '../../../schemas/http/audit.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { WATERMARK_DELAY_MS } from '../../../schemas/usage.ts'
import { holderOf } from '../../http/caller.ts'
import { formatTime, formatTimeOrNull } from '../../http/times.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { isFirst, pageOf } from './pages.ts'
import { rangeOf } from './range.ts'

/** GET /api/audit: changes that no command requested and an operator should know of. */
export function auditRoutes(app: ReaderApp, parts: RouteParts & { readonly partitions: number }): void {
  app.get(
    '/api/audit',
    {
      config: { scope: 'admin' },
      schema: {
        summary:
          'Keys made and revoked, tiers, operators that a node named, credentials and nodes refused; newest first',
        description:
          'Without to: up to now. Without from: the day before to. Refusals are one row a minute, server and credential (or address, where no credential is known), with their number. Shown up to where every partition is loaded, so that nothing appears in between later. Writes of settings are in /api/settings/compute/history.',
        tags: ['audit'],
        querystring: AuditQuery,
        response: {
          200: { description: 'A page', content: { 'application/json': { schema: AuditPage } } },
          ...problemResponses('invalid_request', 'invalid_cursor', 'history_unavailable', 'overloaded'),
        },
      },
    },
    async (request, reply) => {
      const { limit, kind, cursor, from = '', to = '' } = request.query
      const scope = `audit\n${kind ?? ''}\n${from}\n${to}`
      const place = isFirst(cursor)
        ? { ...rangeOf(request.query, parts.clock.nowMs()), after: null }
        : placeOf(parts.cursors.open(scope, cursor, 6))
      const { rows, asOfMs } = await parts.history.ask(holderOf(request), async (client) => {
        const watermarkMs = await parts.history.smallestWatermark(client, 'audit', parts.partitions)
        if (watermarkMs === null) return { rows: [], asOfMs: null }
        // Records that a partition writes later have a log time after the newest receipt, which is its watermark plus the
        // delay.
        const beforeMs = Math.min(place.toMs, watermarkMs + WATERMARK_DELAY_MS)
        const { fromMs, after } = place
        const query = { fromMs, beforeMs, kind: kind ?? null, after, limit: limit + 1 }
        return { rows: await notedRows(client, query), asOfMs: watermarkMs }
      })
      const { shown, last } = pageOf(rows, limit)
      const next_cursor = last === null ? null : parts.cursors.seal(scope, positionOf(place, last))
      return reply.send({ items: shown.map(auditItem), next_cursor, as_of: formatTimeOrNull(asOfMs) })
    },
  )
}

/** The bounds of the first page hold for all pages: "up to now" moves. */
interface Place extends Pick<NotedQuery, 'fromMs' | 'after'> {
  readonly toMs: number
}

function placeOf(position: readonly string[]): Place {
  const [fromMs = '', toMs = '', notedMs = '', partition = '', seq = '', entryId = ''] = position
  return { fromMs: Number(fromMs), toMs: Number(toMs), after: { notedMs, partition, seq, entryId } }
}

function positionOf({ fromMs, toMs }: Place, row: NotedRow): string[] {
  return [String(fromMs), String(toMs), row.noted_ms, String(row.src_partition), row.src_seq, row.entry_id]
}

function auditItem(row: NotedRow): AuditItem {
  const orNull = (text: string): string | null => (text === '' ? null : text)
  return {
    id: row.entry_id,
    at: formatTime(Number(row.noted_ms)),
    kind: row.kind,
    subject: orNull(row.subject),
    node_id: orNull(row.node_id),
    address: orNull(row.address),
    before: orNull(row.value_before),
    after: orNull(row.value_after),
    count: BigInt(row.times),
    reason: row.reason,
  }
}
