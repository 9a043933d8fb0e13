import type { IdKind } from '../../../schemas/identity.ts'
import type { Decision } from '../../../schemas/tables.ts'
import type { TaskSource } from '../../../schemas/usage.ts'
import type { ClickhouseClient } from '../client.ts'
import type { BlockSource, Loaded } from './watermarks.ts'

/** A decision about a cost; times are in UTC milliseconds. */
export interface CostRow {
  readonly cost_seq: string
  readonly event_id: string
  readonly id_kind: IdKind
  readonly operator_id: string
  readonly task_source: TaskSource
  readonly occurred_ms: string
  readonly decided_ms: string
  readonly decision: Decision
  readonly cost_nano_usd: string
  readonly spark: string
}

const COLUMNS = `cost_seq, event_id, id_kind, operator_id, task_source, toUnixTimestamp64Milli(occurred_at) AS occurred_ms,
  toUnixTimestamp64Milli(decided_at) AS decided_ms, decision, cost_nano_usd, spark`

/** The decisions on events of a node with these 128 bits, of either kind, as far as they are loaded. */
export async function decisionsOf(
  client: ClickhouseClient,
  nodeId: string,
  eventIds: readonly string[],
): Promise<CostRow[]> {
  if (eventIds.length === 0) return []
  return await client.rows<CostRow>(
    `SELECT ${COLUMNS}
     FROM cost_decisions
     WHERE node_id = {node_id:String} AND event_id IN {event_ids:Array(UUID)}`,
    { node_id: nodeId, event_ids: eventIds },
  )
}

export interface OpenCostsQuery {
  readonly nodeId: string
  readonly source: BlockSource
  readonly loaded: Loaded
  /** Costs after this one in the node's sequence. */
  readonly afterSeq: string
  readonly limit: number
}

/**
 * Costs that no settlement has paid, in the node's sequence. Ranges of settlements tile from 0 on, so what is payable and
 * above the highest range is unpaid; what was refused is never paid.
 */
export async function openCosts(client: ClickhouseClient, query: OpenCostsQuery): Promise<CostRow[]> {
  const { source, loaded } = query
  const visible = 'NOT (src_topic = {topic:String} AND src_seq > {loaded:UInt64})'
  return await client.rows<CostRow>(
    `WITH (
       SELECT max(to_seq) FROM settlements WHERE node_id = {node_id:String} AND ${visible}
     ) AS settled_through
     SELECT ${COLUMNS}
     FROM cost_decisions
     WHERE node_id = {node_id:String} AND cost_seq > {after_seq:UInt64} AND ${visible}
       AND (cost_seq > settled_through OR decision IN ('not_allowed', 'over_limit'))
     ORDER BY cost_seq
     LIMIT {limit:UInt32}`,
    {
      node_id: query.nodeId,
      topic: source.topic,
      loaded: loaded.seq,
      after_seq: query.afterSeq,
      limit: query.limit,
    },
  )
}

/**
 * The texts with which events of the last 50 days were sent, by kind and bits ("text <UUID>"): only those that are no
 * UUID.
 */
export async function eventTexts(
  client: ClickhouseClient,
  nodeId: string,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (eventIds.length === 0) return new Map()
  const rows = await client.rows<{ id_kind: string; id: string; event_text: string }>(
    `SELECT id_kind, toString(event_id) AS id, event_text FROM usage_events
     WHERE node_id = {node_id:String} AND event_id IN {event_ids:Array(UUID)} AND event_text != ''`,
    { node_id: nodeId, event_ids: eventIds },
  )
  return new Map(rows.map(({ id_kind, id, event_text }) => [`${id_kind} ${id}`, event_text]))
}
