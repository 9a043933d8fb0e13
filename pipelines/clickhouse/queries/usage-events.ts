import type { IdKind } from '../../../schemas/identity.ts'
import type { EnergySource, Execution, TaskSource } from '../../../schemas/usage.ts'
import { formatUuid } from '../../../schemas/ids.ts'
import type { Identity } from '../../../schemas/identity.ts'
import type { ClickhouseClient } from '../client.ts'
import { labelCondition } from './labelled-usage.ts'
import type { LabelFilter } from './labelled-usage.ts'
import type { BlockSource, Loaded } from './watermarks.ts'

/** A row of `usage_events`. Times are in UTC milliseconds; '' means that the field was not sent. */
export interface EventRow {
  readonly event_id: string
  readonly id_kind: IdKind
  readonly event_text: string
  readonly operator_id: string
  readonly model_id: string
  readonly task_source: TaskSource
  readonly occurred_ms: string
  readonly received_ms: string
  readonly record_offset: string
  readonly record_index: number
  readonly wide_tokens_in: string
  readonly wide_tokens_out: string
  readonly duration_ms: number | null
  readonly wide_gpu_ms: string | null
  readonly gpu_ms_estimated: string
  readonly energy_mwh: string | null
  readonly energy_source: EnergySource
  readonly energy_mwh_estimated: string
  readonly cost_nano_usd: string
  readonly goal_id: string
  readonly requester_node_id: string
  readonly reservation_id: string
  readonly late: number
  readonly gpus: number
  readonly inferences: number
  readonly tokens_cached: string | null
  readonly tokens_reasoning: string | null
  readonly execution: Execution | 'none'
  readonly labels: Readonly<Record<string, string>>
}

/** Place of an event in the log: receipt, record, index within the record. */
export interface EventPosition {
  readonly receivedMs: string
  readonly offset: string
  readonly index: string
}

export interface EventsQuery {
  readonly nodeId: string
  readonly source: BlockSource
  /** Later blocks may be present in part. */
  readonly loaded: Loaded
  /** By event time, half-open. */
  readonly fromMs: number
  readonly toMs: number
  /** The last event that was returned before; null for the first page. */
  readonly after: EventPosition | null
  readonly limit: number
  /** Labels with which an event must have been sent. */
  readonly labels?: LabelFilter
}

const COLUMNS = `event_id, id_kind, event_text, operator_id, model_id, task_source,
            toUnixTimestamp64Milli(occurred_at) AS occurred_ms, toUnixTimestamp64Milli(received_at) AS received_ms,
            record_offset, record_index, wide_tokens_in, wide_tokens_out, duration_ms, wide_gpu_ms, gpu_ms_estimated,
            energy_mwh, energy_source, energy_mwh_estimated, cost_nano_usd,
            goal_id, requester_node_id, reservation_id, late,
            gpus, inferences, tokens_cached, tokens_reasoning, execution, labels`

/** Events of a node in the order of the log. */
export async function usageEvents(client: ClickhouseClient, query: EventsQuery): Promise<EventRow[]> {
  const { source, loaded, after } = query
  const filter = labelCondition(query.labels ?? {})
  return await client.rows<EventRow>(
    `SELECT ${COLUMNS}
     FROM usage_events
     WHERE node_id = {node_id:String}
       AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64})
       AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64})
       AND NOT (src_topic = {topic:String} AND src_seq > {loaded:UInt64})
       AND (received_at, record_offset, record_index)
         > (fromUnixTimestamp64Milli({after_ms:Int64}), {after_offset:UInt64}, {after_index:UInt32})
       ${filter.sql}
     ORDER BY received_at, record_offset, record_index
     LIMIT {limit:UInt32}`,
    {
      ...filter.params,
      node_id: query.nodeId,
      from_ms: query.fromMs,
      to_ms: query.toMs,
      topic: source.topic,
      loaded: loaded.seq,
      after_ms: after?.receivedMs ?? 0,
      after_offset: after?.offset ?? 0,
      after_index: after?.index ?? 0,
      limit: query.limit,
    },
  )
}

/**
 * Events of a node that counted under these identities, in the order of the log. One that was written twice is returned
 * once.
 */
export async function eventsById(
  client: ClickhouseClient,
  nodeId: string,
  identities: readonly Identity[],
): Promise<EventRow[]> {
  if (identities.length === 0) return []
  const rows = await client.rows<EventRow>(
    `SELECT ${COLUMNS}
     FROM usage_events
     WHERE node_id = {node_id:String} AND event_id IN {event_ids:Array(UUID)}
     ORDER BY received_at, record_offset, record_index
     LIMIT 1 BY record_offset, record_index`,
    { node_id: nodeId, event_ids: identities.map(({ bytes }) => formatUuid(bytes)) },
  )
  const wanted = new Set(identities.map(({ kind, bytes }) => `${kind} ${formatUuid(bytes)}`))
  return rows.filter((row) => wanted.has(`${row.id_kind} ${row.event_id}`))
}
