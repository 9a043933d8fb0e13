import { ROW_TABLES } from '../../../schemas/tables.ts'
import type { ClickhouseClient } from '../client.ts'

/** One partition of one topic of blocks, as rows name it. */
export interface BlockSource {
  readonly topic: string
  readonly partition: number
}

/** How far all rows of a partition are in ClickHouse. */
export interface Loaded {
  /** Number of the last block of the last whole group. */
  readonly seq: string
  readonly watermarkMs: number
}

/**
 * What is loaded of one partition; null before its first group. `watermarks` is inserted last, so a caller that reads this
 * first and rows afterwards sees every row up to `seq`. Replicas fetch each table separately: there this waits for the
 * rows, and they must be read from the same replica.
 */
export async function loadedOf(client: ClickhouseClient, source: BlockSource): Promise<Loaded | null> {
  const [row] = await client.rows<{ seq: string; watermark_ms: string }>(
    `SELECT max(src_seq) AS seq, toUnixTimestamp64Milli(max(watermark)) AS watermark_ms
     FROM watermarks
     WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16}
     HAVING count() > 0`,
    { topic: source.topic, partition: source.partition },
  )
  if (row === undefined) return null
  await client.sync(ROW_TABLES)
  return { seq: row.seq, watermarkMs: Number(row.watermark_ms) }
}

/**
 * The smallest watermark of a topic's partitions. One that has none counts as `beginMs`, the watermark with which it began
 * where another version of the topics ended; null where there was no other version.
 */
export async function smallestWatermark(
  client: ClickhouseClient,
  topic: string,
  partitions: number,
  beginMs: number | null,
): Promise<number | null> {
  const rows = await client.rows<{ watermark_ms: string }>(
    `SELECT toUnixTimestamp64Milli(max(watermark)) AS watermark_ms
     FROM watermarks
     WHERE src_topic = {topic:String} AND src_partition < {partitions:UInt16}
     GROUP BY src_partition`,
    { topic, partitions },
  )
  if (rows.length < partitions && beginMs === null) return null
  await client.sync(ROW_TABLES)
  const least = rows.length < partitions && beginMs !== null ? beginMs : Number.POSITIVE_INFINITY
  return rows.reduce((smallest, row) => Math.min(smallest, Number(row.watermark_ms)), least)
}
