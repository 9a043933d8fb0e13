import type { IdKind } from '../../../schemas/identity.ts'
import type { ClickhouseClient } from '../client.ts'
import type { BlockSource } from './watermarks.ts'

/** An accepted event, as its row identifies it. */
export interface IdRow {
  readonly node_id: string
  readonly event_id: string
  readonly id_kind: IdKind
  readonly occurred_ms: string
  readonly content: string
}

/** The events of a partition's blocks numbered `[fromSeq, toSeq]`. */
export async function idsOfBlocks(
  client: ClickhouseClient,
  source: BlockSource,
  fromSeq: number,
  toSeq: number,
): Promise<readonly IdRow[]> {
  return await client.rows<IdRow>(
    `SELECT node_id, toString(event_id) AS event_id, id_kind, toUnixTimestamp64Milli(occurred_at) AS occurred_ms,
            toString(content_hash) AS content
     FROM usage_events
     WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16}
       AND src_seq BETWEEN {from:UInt64} AND {to:UInt64}`,
    { topic: source.topic, partition: source.partition, from: fromSeq, to: toSeq },
  )
}

/** How far the blocks of each partition of a topic are loaded. */
export async function loadedSeqs(
  client: ClickhouseClient,
  topic: string,
): Promise<ReadonlyMap<number, number>> {
  const rows = await client.rows<{ partition: number; seq: string }>(
    `SELECT src_partition AS partition, max(src_seq) AS seq FROM watermarks
     WHERE src_topic = {topic:String} GROUP BY src_partition`,
    { topic },
  )
  return new Map(rows.map(({ partition, seq }) => [partition, Number(seq)]))
}
