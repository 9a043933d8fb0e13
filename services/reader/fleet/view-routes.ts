import type { FastifyRequest } from 'fastify'
import {
  FleetOverview,
  FleetWorkerItem,
  FleetWorkersPage,
  OverviewQuery,
  WorkersQuery,
} from '../../../schemas/http/fleet-views.ts'
import { PAGE_HEADERS } from '../../../schemas/http/fields.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { holderOf } from '../../http/caller.ts'
import { varyBy } from '../../http/codings.ts'
import { negotiate } from '../../http/negotiate.ts'
import { formatTimeOrNull } from '../../http/times.ts'
import { FORMATS, sendTable } from '../history/formats.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { isFirst, nextAddress, pageOf } from '../routes/pages.ts'
import type { FleetFilter } from './standing/fleet-filter.ts'
import type { Fleet, Fleets } from './standing/fleets.ts'
import { overviewBody, workerItem } from './views/answers.ts'
import { pageOfWorkers, placeIn, selected } from './views/worker-list.ts'

const TAGS = ['fleet']

/** What the views of the present are made of. */
export interface ViewRouteParts extends Pick<RouteParts, 'cursors' | 'turns'> {
  readonly fleets: Fleets
}

/** GET /api/fleet/overview and /api/fleet/workers: what a fleet is and does now. */
export function viewRoutes(app: ReaderApp, parts: ViewRouteParts): void {
  overviewRoute(app, parts)
  workersRoute(app, parts)
}

function overviewRoute(app: ReaderApp, parts: ViewRouteParts): void {
  const bodies = new WeakMap<Fleet, FleetOverview>()
  app.get(
    '/api/fleet/overview',
    {
      config: { scope: 'fleet:read' },
      schema: {
        summary: 'What a fleet is and does now',
        description:
          'Statuses as soon as they are decided; rates and watts as of as_of, up to a minute ago. A customer sees the machines that are assigned to it now.',
        tags: TAGS,
        querystring: OverviewQuery,
        response: {
          200: { description: 'The overview', content: { 'application/json': { schema: FleetOverview } } },
          ...problemResponses('invalid_request', 'unknown_provider', 'state_loading'),
        },
      },
    },
    async (request, reply) => {
      const fleet = await fleetOf(parts, request)
      const body = bodies.get(fleet) ?? overviewBody(fleet)
      bodies.set(fleet, body)
      return reply.send(body)
    },
  )
}

function workersRoute(app: ReaderApp, parts: ViewRouteParts): void {
  app.get(
    '/api/fleet/workers',
    {
      config: { scope: 'fleet:read' },
      schema: {
        summary: 'The workers of a provider with their statuses, as JSON or CSV',
        description:
          'Sorted by what changes meanwhile, a worker may be on two pages or on none; by id or asset code it is on one.',
        tags: TAGS,
        querystring: WorkersQuery,
        response: {
          200: {
            description: 'A page',
            headers: PAGE_HEADERS,
            content: {
              'application/json': { schema: FleetWorkersPage },
              'text/csv': { schema: { type: 'string' } },
            },
          },
          ...problemResponses(
            'not_acceptable',
            'invalid_request',
            'invalid_cursor',
            'unknown_provider',
            'state_loading',
          ),
        },
      },
    },
    async (request, reply) => {
      varyBy(reply, 'Accept')
      const format = negotiate(request.headers.accept, FORMATS)
      const { provider, cursor, limit, sort, order } = request.query
      const fleet = await fleetOf(parts, request)
      const scope = `fleet workers\n${provider}\n${sort}\n${order}`
      const [key = '', id = ''] = isFirst(cursor) ? [] : parts.cursors.open(scope, cursor, 2)
      const found = pageOfWorkers(
        selected(fleet.standings, request.query),
        { sort, isDescending: order === 'descending' },
        isFirst(cursor) ? null : { key, id },
        limit + 1,
      )
      const { shown, last } = pageOf(found, limit)
      const place = last === null ? null : placeIn(last, sort)
      const next_cursor = place === null ? null : parts.cursors.seal(scope, [place.key, place.id])
      const as_of = formatTimeOrNull(fleet.asOfMs)
      const items = shown.map(workerItem)
      if (format === 'application/json')
        return reply.send({ items, next_cursor, as_of, stale: fleet.isStale })
      const table = {
        item: FleetWorkerItem,
        rows: items,
        integers: 'integer' as const,
        name: { parts: ['workers', provider], asOf: as_of },
        next: nextAddress(request, next_cursor),
      }
      return await sendTable(reply, format, table, () => parts.turns.pause(holderOf(request)))
    },
  )
}

type FleetRequest = Pick<FastifyRequest, 'caller' | 'ip'> & {
  readonly query: FleetFilter & { readonly provider: string }
}

async function fleetOf({ fleets, turns }: ViewRouteParts, request: FleetRequest): Promise<Fleet> {
  const holder = holderOf(request)
  return await fleets.of(request.caller, request.query.provider, request.query, () => turns.pause(holder))
}
