import type { SettlementReason } from '../../../schemas/tables.ts'
import type { ClickhouseClient } from '../client.ts'
import type { BlockSource, Loaded } from './watermarks.ts'

/** A settlement: the payable costs of (from_seq, to_seq], paid. */
export interface SettlementRow {
  readonly settlement_id: string
  readonly operator_id: string
  readonly from_seq: string
  readonly to_seq: string
  readonly costs: string
  readonly cost_nano_usd: string
  readonly spark: string
  readonly settled_ms: string
  readonly reason: SettlementReason
}

const COLUMNS = `settlement_id, operator_id, from_seq, to_seq, costs, cost_nano_usd,
  intDiv(paid_micro_spark, 1000000) AS spark,
  toUnixTimestamp64Milli(settled_at) AS settled_ms, reason`

export interface SettlementsQuery {
  readonly nodeId: string
  readonly source: BlockSource
  readonly loaded: Loaded
  /** Only settlements whose range ends after this cost. */
  readonly afterSeq: string
  readonly limit: number
}

/** Settlements of a node, in the order in which they happened, which is that of their ranges. */
export async function settlementsOf(
  client: ClickhouseClient,
  query: SettlementsQuery,
): Promise<SettlementRow[]> {
  return await client.rows<SettlementRow>(
    `SELECT ${COLUMNS}
     FROM settlements
     WHERE node_id = {node_id:String} AND to_seq > {after_seq:UInt64}
       AND NOT (src_topic = {topic:String} AND src_seq > {loaded:UInt64})
     ORDER BY to_seq
     LIMIT {limit:UInt32}`,
    {
      node_id: query.nodeId,
      topic: query.source.topic,
      loaded: query.loaded.seq,
      after_seq: query.afterSeq,
      limit: query.limit,
    },
  )
}

/** The settlements whose ranges contain any of the costs `firstSeq` to `lastSeq`, in order. */
export async function settlementsOver(
  client: ClickhouseClient,
  nodeId: string,
  firstSeq: bigint,
  lastSeq: bigint,
): Promise<SettlementRow[]> {
  return await client.rows<SettlementRow>(
    `SELECT ${COLUMNS}
     FROM settlements
     WHERE node_id = {node_id:String} AND to_seq >= {first_seq:UInt64} AND from_seq < {last_seq:UInt64}
     ORDER BY to_seq`,
    { node_id: nodeId, first_seq: firstSeq, last_seq: lastSeq },
  )
}
