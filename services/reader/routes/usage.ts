import type { FastifyReply } from 'fastify'
import { labelledUsage } from '../../../pipelines/clickhouse/queries/labelled-usage.ts'
import type { LabelledWindow } from '../../../pipelines/clickhouse/queries/labelled-usage.ts'
import { usageTotal, usageWindows } from '../../../pipelines/clickhouse/queries/usage-windows.ts'
import type { UsageWindow } from '../../../pipelines/clickhouse/queries/usage-windows.ts'
import { mapInTurns } from '../../../pipelines/in-turns.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { UsageAnswer, UsageItem, UsageQuery, WINDOWS_MAX } from '../../../schemas/http/usage.ts'
import { TABLE_HEADERS } from '../../../schemas/http/fields.ts'
import { negotiate } from '../../http/negotiate.ts'
import { holderOf, requestedNode } from '../../http/caller.ts'
import { formatTime, formatTimeOrNull } from '../../http/times.ts'
import { hoursNumber, kwhNumber, usdNumber, usdText } from '../amounts.ts'
import { assertGroups, assertKept, groupsOf, wantsLabels } from './label-query.ts'
import type { RequestedGroups } from './label-query.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { varyBy } from '../../http/codings.ts'
import { PARQUET_TYPE } from '../../http/parquet/write.ts'
import { TagWriter } from '../../http/tags.ts'
import { COLUMN_FORMATS, ROWS_PER_TURN, sendTable } from '../history/formats.ts'
import { rangeOf } from './range.ts'
import { planUsage, tooManyWindows } from '../history/usage-plan.ts'
import type { UsagePlan } from '../history/usage-plan.ts'

// Fastify's types know objects only; its serializers write any value of their schema.
const ITEMS = UsageAnswer.properties.items as unknown as Record<string, unknown>

const JSON_TYPE = 'application/json; charset=utf-8'

const RESPONSES = {
  200: {
    description: 'Windows that hold anything, oldest first; empty ones are left out',
    headers: TABLE_HEADERS,
    content: {
      'application/json': { schema: UsageAnswer },
      'text/csv': { schema: { type: 'string' } },
      [PARQUET_TYPE]: { schema: { type: 'string', format: 'binary' } },
    },
  },
  ...problemResponses(
    'node_not_registered',
    'not_acceptable',
    'invalid_request',
    'too_many_windows',
    'too_many_groups',
    'windows_expired',
    'state_loading',
    'history_unavailable',
    'overloaded',
  ),
}

/** GET /api/usage: windows of usage as JSON, CSV or Parquet, from one and the same query. */
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
        response: RESPONSES,
      },
    },
    async (request, reply) => {
      varyBy(reply, 'Accept')
      const format = negotiate(request.headers.accept, COLUMN_FORMATS)
      const { window, tz } = request.query
      const node_id = requestedNode(request, request.query.node_id)
      const nowMs = parts.clock.nowMs()
      const holder = holderOf(request)
      const pause = () => parts.turns.pause(holder)
      const turns = { itemsPerTurn: ROWS_PER_TURN, pause }
      // Laying out windows costs most: none are laid out for a node that the caller may not see.
      const { partition } = await parts.present.seen(request.caller, node_id)
      const plan = await planUsage({ ...rangeOf(request.query, nowMs), window, tz }, nowMs, pause)
      const groups = groupsOf(request.query)
      if (wantsLabels(groups)) assertKept(plan.range.fromMs, nowMs)
      const { windows, asOfMs } = await readUsage(parts, {
        holder,
        nodeId: node_id,
        partition,
        plan,
        groups,
      })
      const items = await mapInTurns(windows, turns, (found) =>
        usageItem(found, plan.endOf(found.startMs), groups, asOfMs),
      )
      const as_of = formatTimeOrNull(asOfMs)
      const { range } = plan
      if (format !== 'application/json') {
        const name = { parts: ['usage', node_id, window], range, zone: tz, asOf: as_of }
        const columns = columnsOf(groups)
        return await sendTable(
          reply,
          format,
          { item: UsageItem, columns, rows: items, integers: 'sum', name },
          pause,
        )
      }
      const beside = { from: formatTime(range.fromMs), to: formatTime(range.toMs), window, tz, as_of }
      return reply
        .type(JSON_TYPE)
        .serializer(String)
        .send(await answerText(reply, items, beside, pause))
    },
  )
}

/** The answer as its schema writes it, in parts, one part each turn: fifty thousand items take a second to write. */
async function answerText(
  reply: FastifyReply,
  items: readonly UsageItem[],
  beside: Omit<UsageAnswer, 'items'>,
  pause: () => Promise<void>,
): Promise<string> {
  const write = reply.compileSerializationSchema(ITEMS) as (value: unknown) => string
  const tag = new TagWriter()
  const written: string[] = []
  for (let at = 0; at < items.length; at += ROWS_PER_TURN) {
    if (at > 0) await pause()
    const part = write(items.slice(at, at + ROWS_PER_TURN))
    tag.add(part)
    written.push(part.slice(1, -1))
  }
  const rest = JSON.stringify(beside).slice(1)
  tag.add(rest)
  reply.header('etag', tag.end())
  return `{"items":[${written.join(',')}],${rest}`
}

async function readUsage(
  parts: RouteParts,
  wanted: {
    holder: string
    nodeId: string
    partition: number
    plan: UsagePlan
    groups: RequestedGroups
  },
): Promise<{ windows: (UsageWindow | LabelledWindow)[]; asOfMs: number | null }> {
  const { holder, nodeId, plan } = wanted
  const { groupBy } = wanted.groups
  return await parts.history.ask(holder, async (client) => {
    const source = parts.history.source('usage1m', wanted.partition)
    // First how far it is loaded, then the windows: what is called final must have been present when it was read.
    const loaded = await parts.history.loaded(source, client)
    if (wantsLabels(wanted.groups)) {
      const cut = plan.windows?.cut ?? null
      const query = { nodeId, source, loaded, range: plan.range, cut, ...wanted.groups, rowsMax: WINDOWS_MAX }
      const windows = await labelledUsage(client, query)
      assertGroups(windows)
      if (windows.length > WINDOWS_MAX) throw tooManyWindows()
      return { windows, asOfMs: loaded?.watermarkMs ?? null }
    }
    const older = parts.history.olderSources('usage1m', nodeId)
    const pause = () => parts.turns.pause(holder)
    const query = { nodeId, source, older, groupBy, range: plan.range, rowsMax: WINDOWS_MAX, pause }
    const windows = await (plan.windows === null
      ? usageTotal(client, query)
      : usageWindows(client, { ...query, ...plan.windows }))
    if (windows.length > WINDOWS_MAX) throw tooManyWindows()
    return { windows, asOfMs: loaded?.watermarkMs ?? null }
  })
}

function columnsOf({ groupBy, groupLabel }: RequestedGroups): (keyof UsageItem)[] {
  const columns = Object.keys(UsageItem.properties) as (keyof UsageItem)[]
  return columns.filter((column) => {
    if (column === 'label') return groupLabel !== null
    return (column !== 'model_id' && column !== 'task_source') || groupBy.includes(column)
  })
}

function usageItem(
  { startMs, modelId, taskSource, sums, lateAtMs, label = '' }: UsageWindow & { readonly label?: string },
  endMs: number,
  { groupBy, groupLabel }: RequestedGroups,
  asOfMs: number | null,
): UsageItem {
  const gpuMs = sums.gpuMsMeasured + sums.gpuMsEstimated
  const energyMwh = sums.energyMwhMeasured + sums.energyMwhEstimated
  return {
    window_start: formatTime(startMs),
    window_end: formatTime(endMs),
    ...(groupBy.includes('model_id') && modelId !== null && { model_id: modelId }),
    ...(groupBy.includes('task_source') && taskSource !== null && { task_source: taskSource }),
    ...(groupLabel !== null && { label: label === '' ? null : label }),
    inferences: sums.inferences,
    tokens_in: sums.tokensIn,
    tokens_out: sums.tokensOut,
    gpu_hours: hoursNumber(gpuMs),
    gpu_ms: gpuMs,
    energy_kwh: kwhNumber(energyMwh),
    energy_mwh: energyMwh,
    usd: usdNumber(sums.costNanoUsd),
    usd_exact: usdText(sums.costNanoUsd),
    late: sums.lateEvents > 0n,
    revised_at: formatTimeOrNull(lateAtMs),
    final: asOfMs !== null && asOfMs >= endMs,
  }
}
