import { fleetMinutes } from '../../../pipelines/clickhouse/queries/fleet-minutes.ts'
import type { TemperatureKind } from '../../../pipelines/clickhouse/queries/fleet-sums.ts'
import type { FleetMinuteRow } from '../../../pipelines/clickhouse/queries/fleet-minutes.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import { ChartsQuery, FleetCharts, FleetUptime, UptimeQuery } from '../../../schemas/http/fleet-views.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { SECOND_MS } from '../../../schemas/units.ts'
import { holderOf } from '../../http/caller.ts'
import { Problem } from '../../http/problem.ts'
import { formatTime, formatTimeOrNull } from '../../http/times.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { rangeOf } from '../routes/range.ts'
import { bandBody, inDegrees } from './charts/bands.ts'
import { bucketsOf, CHART_BUCKETS } from './charts/buckets.ts'
import type { Bucket } from './charts/buckets.ts'
import { CHART_DAYS_MAX, chartRange, wholeTo } from './charts/chart-range.ts'
import { minutesOfRows } from './charts/minutes-of-rows.ts'
import type { InventoryPresent } from './inventory-present.ts'
import { containersIn } from './standing/fleet-filter.ts'
import { uptimeOf } from './uptime/uptime.ts'

const TAGS = ['fleet']

/** What the views of the past are made of. */
export interface ChartRouteParts extends Pick<RouteParts, 'history' | 'clock'> {
  readonly inventory: InventoryPresent
  readonly partitions: number
}

/** GET /api/fleet/charts and /api/fleet/uptime: what a fleet did. */
export function chartRoutes(app: ReaderApp, parts: ChartRouteParts): void {
  app.get(
    '/api/fleet/charts',
    {
      config: { scope: 'fleet:read' },
      schema: {
        summary: 'Power, hashrate and temperature of a fleet over time',
        description: `${CHART_BUCKETS} buckets, or fewer of a minute each; at most ${CHART_DAYS_MAX} days. A minute counts where nine tenths of it are covered; nothing is scaled up to machines of which nothing is known. For those who run the site.`,
        tags: TAGS,
        querystring: ChartsQuery,
        response: {
          200: { description: 'The charts', content: { 'application/json': { schema: FleetCharts } } },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const { temperature } = request.query
      const asked = rangeOf(request.query, parts.clock.nowMs())
      const { range, lengthMs } = chartRange(asked)
      const { rows, asOfMs } = await minutesOf(parts, request, range, temperature)
      const buckets = bucketsOf(minutesOfRows(rows), { ...range, lengthMs })
      return reply.send({
        from: formatTime(range.fromMs),
        to: formatTime(range.toMs),
        bucket_s: lengthMs / SECOND_MS,
        temperature,
        as_of: formatTimeOrNull(asOfMs),
        buckets: buckets.map((bucket) => bucketBody(bucket, bucket.startMs + lengthMs > (asOfMs ?? 0))),
      })
    },
  )
  app.get(
    '/api/fleet/uptime',
    {
      config: { scope: 'fleet:read' },
      schema: {
        summary: 'Which part of the time machines hashed, and answered',
        description: `Over at most ${CHART_DAYS_MAX} days. For those who run the site.`,
        tags: TAGS,
        querystring: UptimeQuery,
        response: {
          200: { description: 'The uptime', content: { 'application/json': { schema: FleetUptime } } },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const { range } = chartRange(rangeOf(request.query, parts.clock.nowMs()))
      const { rows, asOfMs } = await minutesOf(parts, request, range, 'chip')
      const { hashing, reachability, coverage, isProvisional } = uptimeOf(rows)
      return reply.send({
        from: formatTime(range.fromMs),
        to: formatTime(range.toMs),
        as_of: formatTimeOrNull(asOfMs),
        hashing,
        reachability,
        coverage,
        provisional: isProvisional,
      })
    },
  )
}

const PROBLEMS = problemResponses(
  'invalid_request',
  'unknown_provider',
  'insufficient_role',
  'state_loading',
  'history_unavailable',
  'overloaded',
)

type ChartRequest = Parameters<typeof holderOf>[0] & {
  readonly query: {
    readonly provider: string
    readonly algorithm?: string
    readonly location?: string
    readonly container?: string
  }
}

async function minutesOf(
  { inventory, history, partitions, clock }: ChartRouteParts,
  request: ChartRequest,
  range: { readonly fromMs: number; readonly toMs: number },
  temperature: TemperatureKind,
): Promise<{ readonly rows: FleetMinuteRow[]; readonly asOfMs: number | null }> {
  const { provider, algorithm = null, location = null, container } = request.query
  const { access, book } = await inventory.opened(request.caller, provider)
  // Minutes are sums over machines of all customers of a container.
  if (access.customers !== null)
    throw new Problem('insufficient_role', 'Charts are sums over the machines of all customers.')
  const containers = containersIn(book, container, clock.nowMs())
  return await history.ask(holderOf(request), async (client) => {
    const source = history.source('fleet1m', partitionOfNode(provider, partitions))
    const loaded = await history.loaded(source, client)
    const query = { providerId: provider, source, range, temperature, algorithm, location }
    const rows = await fleetMinutes(client, { ...query, containers: containers && [...containers] })
    return { rows, asOfMs: wholeTo(loaded?.watermarkMs ?? null) }
  })
}

function bucketBody(bucket: Bucket, provisional: boolean) {
  const { startMs, expectedS, coveredS, powerW, hashrateHs, temperatureTenths } = bucket
  return {
    start: formatTime(startMs),
    coverage: expectedS === 0 ? null : coveredS / expectedS,
    provisional,
    power_w: bandBody(powerW),
    temperature_c: inDegrees(temperatureTenths),
    hashrate: [...hashrateHs].map(([algorithm, { min, mean, max }]) => ({
      algorithm,
      min_hs: String(min),
      mean_hs: String(mean),
      max_hs: String(max),
    })),
  }
}
