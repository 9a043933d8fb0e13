import { COST_RECOVERY } from '../../../schemas/tables.ts'
import type { RewardKind } from '../../../schemas/tables.ts'
import type { ClickhouseClient } from '../client.ts'
import type { BlockSource, Loaded } from './watermarks.ts'

/** A reward, as it is in the ledger. */
export interface RewardRow {
  readonly reference_id: string
  readonly wallet_id: string
  readonly kind: RewardKind
  readonly micro_spark: string
  readonly detail: string
  readonly booked_ms: string
}

export interface RewardsQuery {
  readonly nodeId: string
  /** Operators that the node has had: the ledger is sorted by wallet. */
  readonly wallets: readonly string[]
  readonly source: BlockSource
  readonly loaded: Loaded
  readonly limit: number
  readonly offset: number
}

/** Rewards of a node, newest first. */
export async function rewardsOf(client: ClickhouseClient, query: RewardsQuery): Promise<RewardRow[]> {
  return await client.rows<RewardRow>(
    `SELECT reference_id, wallet_id, kind, amount_micro_spark AS micro_spark, detail, toUnixTimestamp64Milli(booked_at) AS booked_ms
     FROM wallet_ledger
     WHERE wallet_id IN {wallets:Array(String)} AND node_id = {node_id:String} AND kind != {cost_recovery:String}
       AND NOT (src_topic = {topic:String} AND src_seq > {loaded:UInt64})
     ORDER BY booked_at DESC, src_seq DESC, reference_id
     LIMIT {limit:UInt32} OFFSET {offset:UInt32}`,
    {
      node_id: query.nodeId,
      wallets: query.wallets,
      cost_recovery: COST_RECOVERY,
      topic: query.source.topic,
      loaded: query.loaded.seq,
      limit: query.limit,
      offset: query.offset,
    },
  )
}
