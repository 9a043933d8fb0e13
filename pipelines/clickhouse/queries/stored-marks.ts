import type { StoredMark } from '../../blocks/fit.ts'
import type { ClickhouseClient } from '../client.ts'
import { answersOfMajority } from '../replicas.ts'

interface MarkRow {
  readonly partition: number
  readonly installations: readonly string[]
  readonly seq: string
  readonly watermark_ms: string
  readonly position: string
  readonly blocks_end: string
  readonly reload_through: string
  readonly missing_through: string
}

/**
 * What ClickHouse reports about these partitions of a block topic, in their order; zeros where nothing of one was loaded.
 * On a cluster a majority is queried, and the newest of its answers counts: what was acknowledged is never missing.
 */
export async function storedMarks(
  client: ClickhouseClient,
  topic: string,
  partitions: readonly number[],
): Promise<StoredMark[]> {
  const answers = await answersOfMajority(client, (replica) => marksAt(replica, topic, partitions))
  return partitions.map((_, index) =>
    answers.flatMap((marks) => marks[index] ?? []).reduce((one, other) => newestOf(one, other)),
  )
}

/** The same for one partition. */
export async function storedMark(
  client: ClickhouseClient,
  topic: string,
  partition: number,
): Promise<StoredMark> {
  const [mark] = await storedMarks(client, topic, [partition])
  if (mark === undefined) throw new Error('ClickHouse answered without a row.')
  return mark
}

function newestOf(one: StoredMark, other: StoredMark): StoredMark {
  const newest = one.seq >= other.seq ? one : other
  return {
    ...newest,
    installationIds: [...new Set([...one.installationIds, ...other.installationIds])],
    reloadThrough: Math.max(one.reloadThrough, other.reloadThrough),
    missingThrough: Math.max(one.missingThrough, other.missingThrough),
  }
}

async function marksAt(
  replica: ClickhouseClient,
  topic: string,
  partitions: readonly number[],
): Promise<StoredMark[]> {
  const rows = await replica.rows<MarkRow>(
    `SELECT src_partition AS partition, (SELECT groupUniqArray(10)(toString(installation_id)) FROM installation) AS installations,
            max(src_seq) AS seq, toUnixTimestamp64Milli(max(watermark)) AS watermark_ms, max(position) AS position,
            max(blocks_end) AS blocks_end, max(reload_through) AS reload_through, max(missing_through) AS missing_through
     FROM (
       SELECT src_partition, src_seq, watermark, position, blocks_end, 0 AS reload_through, 0 AS missing_through
         FROM watermarks WHERE src_topic = {topic:String} AND src_partition IN {partitions:Array(UInt16)}
       UNION ALL
       SELECT src_partition, 0, toDateTime64(0, 3, 'UTC'), 0, 0, reload_through, missing_through
         FROM load_notes WHERE src_topic = {topic:String} AND src_partition IN {partitions:Array(UInt16)}
       UNION ALL
       SELECT arrayJoin({partitions:Array(UInt16)}), 0, toDateTime64(0, 3, 'UTC'), 0, 0, 0, 0)
     GROUP BY src_partition`,
    { topic, partitions },
    { max_threads: 1 },
  )
  const marks = new Map(rows.map((row) => [row.partition, markOf(row)]))
  return partitions.map((partition) => {
    const mark = marks.get(partition)
    if (mark === undefined) throw new Error(`ClickHouse did not answer for ${topic}[${partition}].`)
    return mark
  })
}

function markOf(row: MarkRow): StoredMark {
  return {
    installationIds: row.installations,
    seq: Number(row.seq),
    watermarkMs: Number(row.watermark_ms),
    position: Number(row.position),
    blocksEnd: BigInt(row.blocks_end),
    reloadThrough: Number(row.reload_through),
    missingThrough: Number(row.missing_through),
  }
}
