import type { ClickhouseClient } from '../clickhouse/client.ts'
import type { Insert, PackedRows } from './group.ts'
import { storedFrame } from './stored-frame.ts'

/** The server gives up an INSERT after this long; then none that was sent before can still land. */
export const INSERT_TIME_LIMIT_MS = 8_000

/** A source of blocks: a partition of a block topic. */
export interface BlockSource {
  readonly topic: string
  readonly partition: number
}

/** What the loader asks of the store: ClickHouse, or the simulation's. Both throw `ClickhouseAway` or `ClickhouseRefused`. */
export interface BlockStore {
  /** The highest number of which `watermarks` says that everything up to it is loaded; 0 where there is none. */
  loadedSeq(source: BlockSource): Promise<number>
  /** Whether the rows of this INSERT are there: one INSERT is one part, so they are there whole or not at all. */
  holds(source: BlockSource, insert: Insert): Promise<boolean>
  /** One INSERT under a token. */
  insert(insert: Insert, token: string): Promise<void>
}

const IDENTIFIER = /^[a-z_][a-z0-9_]*$/

/** ClickHouse as the loader's store. */
export function openBlockStore(client: ClickhouseClient): BlockStore {
  return {
    loadedSeq: async ({ topic, partition }) => {
      const rows = await client.rows<{ seq: string }>(
        'SELECT max(src_seq) AS seq FROM watermarks WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16}',
        { topic, partition },
        { max_threads: 1 },
      )
      return Number(rows[0]?.seq ?? 0)
    },
    holds: async ({ topic, partition }, { table, month, firstSeq }) => {
      // The name comes from a block's header; it is checked to be a plain one before it becomes SQL.
      if (!IDENTIFIER.test(table)) throw new Error(`"${table}" is no name of a table.`)
      const rows = await client.rows<{ found: number }>(
        `SELECT count() > 0 AS found FROM (SELECT 1 FROM ${table}
           WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16} AND src_seq >= {first:UInt64}
           ${month === '' ? '' : 'AND _partition_id = {month:String}'} LIMIT 1)`,
        { topic, partition, first: firstSeq, ...(month === '' ? {} : { month }) },
        { max_threads: 1 },
      )
      return Boolean(rows[0]?.found)
    },
    insert: async ({ table, columns, format, body }, token) => {
      await client.insertRaw({
        table,
        columns,
        format,
        body: body.flatMap(framesOf),
        settings: {
          async_insert: 0,
          insert_deduplication_token: token,
          // One INSERT must be one part: a second table partition in it would be a second, separate commit.
          max_partitions_per_insert_block: 1,
          max_execution_time: INSERT_TIME_LIMIT_MS / 1_000,
        },
      })
    },
  }
}

/** As the log holds them: to unpack them here and send five times the bytes cost the loader half of its CPU. */
function framesOf({ rows, packed }: PackedRows): Buffer[] {
  return packed ? [rows] : storedFrame(rows)
}
