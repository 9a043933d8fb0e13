import { eventTexts, openCosts } from '../../../pipelines/clickhouse/queries/costs.ts'
import type { CostRow } from '../../../pipelines/clickhouse/queries/costs.ts'
import { settlementsOf } from '../../../pipelines/clickhouse/queries/settlements.ts'
import type { SettlementRow } from '../../../pipelines/clickhouse/queries/settlements.ts'
import type { BlockSource, Loaded } from '../../../pipelines/clickhouse/queries/watermarks.ts'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { problemResponses } from '../../../schemas/http/problem.ts'
import { OpenCostPage, SettlementPage, SettlementsQuery } from '../../../schemas/http/settlements.ts'
import type { OpenCostItem, SettlementItem } from '../../../schemas/http/settlements.ts'
import { holderOf, requestedNode } from '../../http/caller.ts'
import type { RequestCaller } from '../../http/caller.ts'
import { formatTime, formatTimeOrNull } from '../../http/times.ts'
import { usdNumber, usdText } from '../amounts.ts'
import type { ReaderApp, RouteParts } from '../parts.ts'
import { settlementStatusOf } from '../history/settlement-status.ts'
import { isFirst, pageOf } from './pages.ts'
import { SECOND_MS } from '../../../schemas/units.ts'

const PROBLEMS = problemResponses(
  'node_not_registered',
  'invalid_request',
  'invalid_cursor',
  'state_loading',
  'history_unavailable',
  'overloaded',
)

/** GET /api/settlements and …/pending. */
export function settlementRoutes(app: ReaderApp, parts: RouteParts): void {
  app.get(
    '/api/settlements',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: "A node's settlements, oldest first",
        tags: ['settlements'],
        querystring: SettlementsQuery,
        response: {
          200: { description: 'A page', content: { 'application/json': { schema: SettlementPage } } },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const node_id = requestedNode(request, request.query.node_id)
      const { shown, ...beside } = await readPage(
        parts,
        'settlements',
        request,
        node_id,
        settlementsOf,
        (row) => row.to_seq,
      )
      return reply.send({ items: shown.map((row) => settlementItem(node_id, row)), ...beside })
    },
  )

  app.get(
    '/api/settlements/pending',
    {
      config: { scope: 'usage:read' },
      schema: {
        summary: "A node's costs that are not paid, in its own sequence",
        description:
          'pending, over_limit, not_allowed and written_off; own, free and settled ones are not listed.',
        tags: ['settlements'],
        querystring: SettlementsQuery,
        response: {
          200: { description: 'A page', content: { 'application/json': { schema: OpenCostPage } } },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const node_id = requestedNode(request, request.query.node_id)
      const { shown, ...beside } = await readPage(
        parts,
        'open costs',
        request,
        node_id,
        openCostsWithTexts,
        (row) => row.cost_seq,
      )
      const nowMs = parts.clock.nowMs()
      return reply.send({ items: shown.map((row) => openCostItem(node_id, row, nowMs)), ...beside })
    },
  )
}

interface SeqQuery {
  readonly nodeId: string
  readonly source: BlockSource
  readonly loaded: Loaded
  readonly afterSeq: string
  readonly limit: number
}

/** A page of a list that is ordered by the node's own sequence. */
async function readPage<Row>(
  parts: RouteParts,
  list: string,
  request: RequestCaller & { readonly query: { readonly cursor?: string; readonly limit: number } },
  nodeId: string,
  read: (client: ClickhouseClient, query: SeqQuery) => Promise<Row[]>,
  seqOf: (row: Row) => string,
): Promise<{ shown: readonly Row[]; next_cursor: string | null; as_of: string | null }> {
  const { cursor, limit } = request.query
  const scope = `${list}\n${nodeId}`
  const [afterSeq = '0'] = isFirst(cursor) ? [] : parts.cursors.open(scope, cursor, 1)
  const { partition } = await parts.present.seen(request.caller, nodeId)
  return await parts.history.ask(holderOf(request), async (client) => {
    const source = parts.history.source('settlements', partition)
    const loaded = await parts.history.loaded(source, client)
    if (loaded === null) return { shown: [], next_cursor: null, as_of: null }
    const rows = await read(client, { nodeId, source, loaded, afterSeq, limit: limit + 1 })
    const { shown, last } = pageOf(rows, limit)
    return {
      shown,
      next_cursor: last === null ? null : parts.cursors.seal(scope, [seqOf(last)]),
      as_of: formatTimeOrNull(loaded.watermarkMs),
    }
  })
}

function settlementItem(nodeId: string, row: SettlementRow): SettlementItem {
  const costNanoUsd = BigInt(row.cost_nano_usd)
  return {
    settlement_id: row.settlement_id,
    node_id: nodeId,
    operator_id: row.operator_id,
    from_seq: BigInt(row.from_seq),
    to_seq: BigInt(row.to_seq),
    costs: BigInt(row.costs),
    usd: usdNumber(costNanoUsd),
    usd_exact: usdText(costNanoUsd),
    spark: BigInt(row.spark),
    settled_at: formatTime(Number(row.settled_ms)),
    reason: row.reason,
  }
}

interface OpenCost extends CostRow {
  /** As it was sent. */
  readonly shownId: string
}

async function openCostsWithTexts(client: ClickhouseClient, query: SeqQuery): Promise<OpenCost[]> {
  const rows = await openCosts(client, query)
  const texts = await eventTexts(
    client,
    query.nodeId,
    rows.map(({ event_id }) => event_id),
  )
  return rows.map((row) =>
    Object.assign(row, { shownId: texts.get(`${row.id_kind} ${row.event_id}`) ?? row.event_id }),
  )
}

function openCostItem(nodeId: string, row: OpenCost, nowMs: number): OpenCostItem {
  const costNanoUsd = BigInt(row.cost_nano_usd)
  return {
    cost_seq: BigInt(row.cost_seq),
    event_id: row.shownId,
    node_id: nodeId,
    operator_id: row.operator_id === '' ? null : row.operator_id,
    task_source: row.task_source,
    decision: row.decision,
    settlement_status: settlementStatusOf(row.decision, false),
    usd: usdNumber(costNanoUsd),
    usd_exact: usdText(costNanoUsd),
    spark: BigInt(row.spark),
    occurred_at: formatTime(Number(row.occurred_ms)),
    decided_at: formatTime(Number(row.decided_ms)),
    age_seconds: Math.max(0, Math.floor((nowMs - Number(row.decided_ms)) / SECOND_MS)),
  }
}
