import { usageTotal } from '../../../pipelines/clickhouse/queries/usage-windows.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import {
  PERIOD_HOURS,
  ProviderPage,
  ProviderQuery,
  ProviderView,
  ProvidersQuery,
} from '../../../schemas/http/provider.ts'
import type { RollingPeriod } from '../../../schemas/http/provider.ts'
import { MINUTE_WINDOW_MS } from '../../../schemas/usage.ts'
import { holderOf, requestedNode } from '../../http/caller.ts'
import { floorTo } from '../history/local-windows.ts'
import type { NodeState } from '../present/present.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { isFirst, pageOf } from './pages.ts'
import { HOUR_MS } from '../../../schemas/units.ts'
import { LIFETIME, lifetimeWork, providerView } from '../present/provider-view.ts'
import type { SharedWork, ViewPeriod } from '../present/provider-view.ts'

const TAGS = ['provider']

const NO_WORK: SharedWork = {
  inferences: 0n,
  gpuMsMeasured: 0n,
  gpuMsEstimated: 0n,
  gpuMsPaidEstimated: 0n,
  energyMwhMeasured: 0n,
  energyMwhEstimated: 0n,
  energyMwhCompatible: 0n,
  costNanoUsd: 0n,
}

/** GET /api/settings/compute/provider and …/providers. */
export function providerRoutes(app: ReaderApp, parts: RouteParts): void {
  app.get(
    '/api/settings/compute/provider',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: 'The provider view of a node',
        description: 'The lifetime view answers while the history is away; rolling periods are read from it.',
        tags: TAGS,
        querystring: ProviderQuery,
        response: {
          200: { description: 'The view', content: { 'application/json': { schema: ProviderView } } },
          ...problemResponses(
            'node_not_registered',
            'invalid_request',
            'state_loading',
            'history_unavailable',
            'overloaded',
          ),
        },
      },
    },
    async (request, reply) => {
      const { mode, period } = request.query
      const state = await parts.present.seen(request.caller, requestedNode(request, request.query.node_id))
      if (period === 'lifetime') {
        const work = lifetimeWork(state.account)
        return reply.send(providerView({ state, mode, period: LIFETIME, work, asOfMs: state.asOfMs }))
      }
      const rolling = await rollingWork(parts, state, period, holderOf(request))
      return reply.send(providerView({ state, mode, ...rolling }))
    },
  )

  app.get(
    '/api/settings/compute/providers',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'The lifetime view of every node, by node id',
        tags: TAGS,
        querystring: ProvidersQuery,
        response: {
          200: { description: 'A page', content: { 'application/json': { schema: ProviderPage } } },
          ...problemResponses('invalid_request', 'invalid_cursor', 'state_loading'),
        },
      },
    },
    async (request, reply) => {
      const { mode, cursor, limit } = request.query
      const scope = `providers\n${mode}`
      const [after = ''] = isFirst(cursor) ? [] : parts.cursors.open(scope, cursor, 1)
      const { shown, last } = pageOf(await parts.present.nodesAfter(after, limit + 1), limit)
      const items = shown.map((state) => {
        const work = lifetimeWork(state.account)
        return providerView({ state, mode, period: LIFETIME, work, asOfMs: state.asOfMs })
      })
      const next_cursor = last === null ? null : parts.cursors.seal(scope, [last.account.node_id])
      return reply.send({ items, next_cursor })
    },
  )
}

/** The work of the period that ends with the last whole minute at or before the watermark of what is loaded. */
async function rollingWork(
  parts: RouteParts,
  state: NodeState,
  name: RollingPeriod,
  holder: string,
): Promise<{ work: SharedWork; period: ViewPeriod; asOfMs: number | null }> {
  return await parts.history.ask(holder, async (client) => {
    const source = parts.history.source('usage1m', state.partition)
    const loaded = await parts.history.loaded(source, client)
    const endMs = floorTo(loaded?.watermarkMs ?? parts.clock.nowMs(), MINUTE_WINDOW_MS)
    const startMs = Math.max(0, endMs - PERIOD_HOURS[name] * HOUR_MS)
    const [total] = await usageTotal(client, {
      nodeId: state.account.node_id,
      source,
      older: parts.history.olderSources('usage1m', state.account.node_id),
      range: { fromMs: startMs, toMs: endMs },
      groupBy: [],
      rowsMax: 1,
      sharedOnly: true,
    })
    const work = total === undefined ? NO_WORK : total.sums
    return { work, period: { name, startMs, endMs }, asOfMs: loaded?.watermarkMs ?? null }
  })
}
