import { statusChanges } from '../../../pipelines/clickhouse/queries/fleet-status.ts'
import type { StatusChangeRow } from '../../../pipelines/clickhouse/queries/fleet-status.ts'
import { StatusHistoryPage, StatusHistoryQuery, WorkerParams } from '../../../schemas/http/fleet-views.ts'
import type { FleetStatus, StatusChangeItem } from '../../../schemas/http/fleet-views.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { holderOf } from '../../http/caller.ts'
import { formatTime, formatTimeOrNull } from '../../http/times.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { isFirst, pageOf } from '../routes/pages.ts'
import type { InventoryPresent } from './inventory-present.ts'
import { ownSpans } from './own-spans.ts'

/** What the history of a worker's status is made of. */
export interface StatusHistoryParts extends Pick<RouteParts, 'history' | 'cursors'> {
  readonly inventory: InventoryPresent
}

/** GET /api/fleet/workers/{id}/status-history: every change of a worker's status, with its evidence. */
export function statusHistoryRoute(app: ReaderApp, parts: StatusHistoryParts): void {
  app.get(
    '/api/fleet/workers/:id/status-history',
    {
      config: { scope: 'fleet:read' },
      schema: {
        summary: 'What a worker’s status was, the newest first, and what each change was decided by',
        description: 'A customer sees the times in which the worker is or was assigned to it.',
        tags: ['fleet'],
        params: WorkerParams,
        querystring: StatusHistoryQuery,
        response: {
          200: { description: 'A page', content: { 'application/json': { schema: StatusHistoryPage } } },
          ...problemResponses(
            'invalid_request',
            'invalid_cursor',
            'unknown_worker',
            'state_loading',
            'history_unavailable',
            'overloaded',
          ),
        },
      },
    },
    async (request, reply) => {
      const { provider, cursor, limit } = request.query
      const { id } = request.params
      const scope = `fleet status history\n${provider}\n${id}`
      const [below = null] = isFirst(cursor) ? [] : parts.cursors.open(scope, cursor, 1)
      await parts.inventory.entity(request.caller, provider, 'worker', id)
      const { access, book, partition } = await parts.inventory.opened(request.caller, provider)
      const within = ownSpans(book, id, access.customers)
      const { rows, asOfMs } = await parts.history.ask(holderOf(request), async (client) => {
        const source = parts.history.source('fleetStatus', partition)
        const loaded = await parts.history.loaded(source, client)
        if (loaded === null) return { rows: [], asOfMs: null }
        const query = { providerId: provider, workerId: id, source, loaded, within, limit: limit + 1 }
        const found = await statusChanges(client, { ...query, below: below === null ? null : Number(below) })
        return { rows: found, asOfMs: loaded.watermarkMs }
      })
      const { shown, last } = pageOf(rows, limit)
      return reply.send({
        items: shown.map(changeItem),
        next_cursor: last === null ? null : parts.cursors.seal(scope, [String(last.version)]),
        as_of: formatTimeOrNull(asOfMs),
      })
    },
  )
}

function changeItem(row: StatusChangeRow): StatusChangeItem {
  const isOfItem = row.cause === 'sample' || row.cause === 'poll'
  return {
    change: row.version,
    changed_at: formatTime(Number(row.changed_ms)),
    status: row.status as FleetStatus,
    reason: row.reason,
    unknown: row.unknown === 1,
    status_since: formatTime(Number(row.status_since_ms)),
    reason_since: formatTime(Number(row.reason_since_ms)),
    before: {
      status: row.status_before === '' ? null : (row.status_before as FleetStatus),
      reason: row.status_before === '' ? null : row.reason_before,
      unknown: row.unknown_before === 1,
    },
    evidence: {
      cause: row.cause,
      timer: row.timer === '' ? null : row.timer,
      node: row.node_id === '' ? null : row.node_id,
      epoch: isOfItem ? Number(row.epoch) : null,
      seq: isOfItem ? Number(row.seq) : null,
      log_offset: row.record_offset === null ? null : Number(row.record_offset),
      log_index: row.record_offset === null ? null : row.record_index,
      observed_at: timeOrNull(row.observed_ms),
      rate_5m_hs: row.r5_hs,
      rate_10m_hs: row.r10_hs,
      intended_hs: row.intended_hs,
      delivered_pct: row.delivered_pct,
      shares: Number(row.shares),
      power_w: row.power_w,
      power_source: row.power_source === 'none' ? null : row.power_source,
      intended_w: row.intended_w,
      target_pct: row.target_pct,
      window_from: timeOrNull(row.window_from_ms),
      sample_at: timeOrNull(row.sample_ms),
      engine: row.engine,
      versions: JSON.parse(row.versions) as Record<string, number>,
    },
  }
}

function timeOrNull(ms: string | null): string | null {
  return ms === null ? null : formatTime(Number(ms))
}
