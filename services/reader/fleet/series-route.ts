import { fleetCells } from '../../../pipelines/clickhouse/queries/fleet-cells.ts'
import type { FleetCellRow } from '../../../pipelines/clickhouse/queries/fleet-cells.ts'
import { EDGE_MS } from '../../../schemas/fleet/inventory/bounds.ts'
import { SeriesQuery, WorkerParams, WorkerSeries } from '../../../schemas/http/fleet-views.ts'
import type { SeriesCell } from '../../../schemas/http/fleet-views.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { DAY_MS, MINUTE_MS } from '../../../schemas/units.ts'
import { holderOf } from '../../http/caller.ts'
import { invalidParameter } from '../../http/refusal.ts'
import { formatTime, formatTimeOrNull } from '../../http/times.ts'
import { inDegrees } from './charts/bands.ts'
import { perSecond } from './charts/buckets.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { rangeOf } from '../routes/range.ts'
import { WHOLE_AFTER_MS } from './charts/chart-range.ts'
import type { InventoryPresent } from './inventory-present.ts'
import { ownSpans } from './own-spans.ts'

/** The longest range of a worker's series. */
export const SERIES_DAYS_MAX = 7

/** The rows of a worker's five minutes leave so much later than its minutes, spread over the workers. */
const SPREAD_MS = 4 * MINUTE_MS

/** What the series of a worker is made of. */
export interface SeriesParts extends Pick<RouteParts, 'history' | 'clock'> {
  readonly inventory: InventoryPresent
}

/** GET /api/fleet/workers/{id}/series: what a worker did, by five minutes. */
export function seriesRoute(app: ReaderApp, parts: SeriesParts): void {
  app.get(
    '/api/fleet/workers/:id/series',
    {
      config: { scope: 'fleet:read' },
      schema: {
        summary: 'What a worker did, by five minutes',
        description: `At most ${SERIES_DAYS_MAX} days. Seconds that no field has are unknown. A customer sees the times in which the worker is or was assigned to it.`,
        tags: ['fleet'],
        params: WorkerParams,
        querystring: SeriesQuery,
        response: {
          200: { description: 'The series', content: { 'application/json': { schema: WorkerSeries } } },
          ...problemResponses(
            'invalid_request',
            'unknown_worker',
            'state_loading',
            'history_unavailable',
            'overloaded',
          ),
        },
      },
    },
    async (request, reply) => {
      const { provider, temperature } = request.query
      const { id } = request.params
      const asked = rangeOf(request.query, parts.clock.nowMs())
      if (asked.toMs - asked.fromMs > SERIES_DAYS_MAX * DAY_MS)
        throw invalidParameter(
          'from',
          `The range is longer than ${SERIES_DAYS_MAX} days: ask for a shorter one.`,
        )
      const range = {
        fromMs: Math.floor(asked.fromMs / EDGE_MS) * EDGE_MS,
        toMs: Math.ceil(asked.toMs / EDGE_MS) * EDGE_MS,
      }
      await parts.inventory.entity(request.caller, provider, 'worker', id)
      const { access, book, partition } = await parts.inventory.opened(request.caller, provider)
      const within = ownSpans(book, id, access.customers)
      const { rows, watermarkMs } = await parts.history.ask(holderOf(request), async (client) => {
        const source = parts.history.source('fleet5m', partition)
        const loaded = await parts.history.loaded(source, client)
        if (loaded === null) return { rows: [], watermarkMs: null }
        const query = { providerId: provider, workerId: id, source, loaded, range, within, temperature }
        return { rows: await fleetCells(client, query), watermarkMs: loaded.watermarkMs }
      })
      return reply.send({
        from: formatTime(range.fromMs),
        to: formatTime(range.toMs),
        temperature,
        as_of: formatTimeOrNull(watermarkMs === null ? null : watermarkMs - WHOLE_AFTER_MS - SPREAD_MS),
        cells: rows.map(cellBody),
      })
    },
  )
}

function cellBody(row: FleetCellRow): SeriesCell {
  const { temperature } = row
  return {
    start: formatTime(row.cellMs),
    commissioned_s: row.commissionedS,
    hashing_s: row.hashingS,
    idle_s: row.idleS,
    resting_s: row.restingS,
    unreachable_s: row.unreachableS,
    unheard_s: row.unheardS,
    unreadable_s: row.unreadableS,
    hashrate_hs: meanOf(row.hashes, row.hashingS + row.idleS + row.restingS),
    power_w: meanOf(row.joules, row.joulesS),
    temperature_c: inDegrees(
      temperature && {
        min: temperature.minTenths,
        mean: Math.round(temperature.sumTenths / temperature.slots),
        max: temperature.maxTenths,
      },
    ),
    shares_accepted: row.sharesAccepted,
    shares_refused: row.sharesRefused,
  }
}

/** A sum over seconds as its mean, rounded half up; null where no second is known. */
function meanOf(sum: bigint, seconds: number): number | null {
  return seconds === 0 ? null : Number(perSecond(sum, seconds))
}
