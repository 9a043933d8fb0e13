import { usageTotal, usageWindows } from '../../pipelines/clickhouse/queries/usage-windows.ts'
import type { UsageGroup, UsageWindow } from '../../pipelines/clickhouse/queries/usage-windows.ts'
import { problemResponses } from '../../schemas/http/problem.ts'
import { UsageAnswer, UsageItem, UsageQuery, WINDOWS_MAX } from '../../schemas/http/usage.ts'
import { csvText } from '../http/csv.ts'
import { negotiate } from '../http/negotiate.ts'
import { askedNode } from '../http/caller.ts'
import { formatTime, formatTimeOrNull } from '../http/times.ts'
import { hoursNumber, kwhNumber, usdNumber, usdText } from './amounts.ts'
import type { ReaderApp, RouteParts } from './parts.ts'
import { FORMATS, sendCsv } from './formats.ts'
import { rangeOf } from './range.ts'
import { planUsage, tooManyWindows } from './usage-plan.ts'
import type { UsagePlan } from './usage-plan.ts'

/** GET /api/usage: windows of usage as JSON or CSV, of one and the same query. */
export function usageRoutes(app: ReaderApp, parts: RouteParts): void {
  app.get(
    '/api/usage',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: "A node's usage by windows",
        description: `Without to: up to now. Without from: the day before to. At most ${WINDOWS_MAX} windows.`,
        tags: ['usage'],
        querystring: UsageQuery,
        response: {
          200: {
            description: 'Windows that hold anything, oldest first; empty ones are left out',
            content: {
              'application/json': { schema: UsageAnswer },
              'text/csv': { schema: { type: 'string' } },
            },
          },
          ...problemResponses(
            'node_not_registered',
            'not_acceptable',
            'invalid_request',
            'too_many_windows',
            'windows_expired',
            'state_loading',
            'history_unavailable',
            'overloaded',
          ),
        },
      },
    },
    async (request, reply) => {
      const format = negotiate(request.headers.accept, FORMATS)
      const { window, group_by, tz } = request.query
      const node_id = askedNode(request, request.query.node_id)
      const nowMs = parts.clock.nowMs()
      const plan = planUsage({ ...rangeOf(request.query, nowMs), window, tz }, nowMs)
      const groupBy = groupsOf(group_by)
      const { partition } = await parts.present.seen(request.caller, node_id)
      const { windows, asOfMs } = await readUsage(parts, { nodeId: node_id, partition, plan, groupBy })
      const items = windows.map((found) => usageItem(found, plan.endOf(found.startMs), groupBy, asOfMs))
      const as_of = formatTimeOrNull(asOfMs)
      if (format === 'text/csv') return sendCsv(reply, csvText(columnsOf(groupBy), items), { asOf: as_of })
      const { fromMs, toMs } = plan.range
      const answer: UsageAnswer = { items, from: formatTime(fromMs), to: formatTime(toMs), window, tz, as_of }
      return reply.send(answer)
    },
  )
}

async function readUsage(
  parts: RouteParts,
  asked: { nodeId: string; partition: number; plan: UsagePlan; groupBy: readonly UsageGroup[] },
): Promise<{ windows: UsageWindow[]; asOfMs: number | null }> {
  const { nodeId, plan, groupBy } = asked
  return await parts.history.ask(async (client) => {
    const source = parts.history.usageSource(asked.partition)
    // First how far it is loaded, then the windows: what is called final must have been there when it was read.
    const loaded = await parts.history.loaded(source, client)
    const older = parts.history.olderUsage(nodeId)
    const query = { nodeId, source, older, groupBy, range: plan.range, rowsMax: WINDOWS_MAX }
    const windows = await (plan.windows === null
      ? usageTotal(client, query)
      : usageWindows(client, { ...query, ...plan.windows }))
    if (windows.length > WINDOWS_MAX) throw tooManyWindows()
    return { windows, asOfMs: loaded?.watermarkMs ?? null }
  })
}

function groupsOf(groupBy: string | undefined): readonly UsageGroup[] {
  return groupBy === undefined ? [] : [...new Set(groupBy.split(',') as UsageGroup[])]
}

function columnsOf(groupBy: readonly UsageGroup[]): (keyof UsageItem)[] {
  const columns = Object.keys(UsageItem.properties) as (keyof UsageItem)[]
  return columns.filter(
    (column) => (column !== 'model_id' && column !== 'task_source') || groupBy.includes(column),
  )
}

function usageItem(
  { startMs, modelId, taskSource, sums }: UsageWindow,
  endMs: number,
  groupBy: readonly UsageGroup[],
  asOfMs: number | null,
): UsageItem {
  const gpuMs = sums.gpuMsMeasured + sums.gpuMsEstimated
  const energyMwh = sums.energyMwhMeasured + sums.energyMwhEstimated
  return {
    window_start: formatTime(startMs),
    window_end: formatTime(endMs),
    ...(groupBy.includes('model_id') && modelId !== null && { model_id: modelId }),
    ...(groupBy.includes('task_source') && taskSource !== null && { task_source: taskSource }),
    inferences: sums.events,
    tokens_in: sums.tokensIn,
    tokens_out: sums.tokensOut,
    gpu_hours: hoursNumber(gpuMs),
    gpu_ms: gpuMs,
    energy_kwh: kwhNumber(energyMwh),
    energy_mwh: energyMwh,
    usd: usdNumber(sums.costNanoUsd),
    usd_exact: usdText(sums.costNanoUsd),
    late: sums.lateEvents > 0n,
    final: asOfMs !== null && asOfMs >= endMs,
  }
}
