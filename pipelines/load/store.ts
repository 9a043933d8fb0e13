import { zstdDecompressSync } from 'node:zlib'
import type { ClickhouseClient } from '../clickhouse/client.ts'
import { HaltError } from '../kafka/records.ts'
import type { Insert, PackedRows } from './group.ts'

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

/** A block unpacks to no more: writers cut them at 800 kB, a dead letter's row may be larger. */
const UNPACKED_BLOCK_BYTES_MAX = 64 * 1_048_576

/** What one step of unpacking has room for: all of a usual block, which shrinks to a fifth. */
const UNPACK_STEP_BYTES_MIN = 4_096
const UNPACK_STEP_BYTES_MAX = 1_048_576
const USUAL_RATIO = 6

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
    insert: async ({ table, columns, body }, token) => {
      await client.insertRaw({
        table,
        columns,
        body: body.map(unpack),
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

/** At once: a block takes 1 ms, and on zlib's threads each 16 kB of it was a turn of the event loop. */
function unpack({ rows, packed }: PackedRows): Buffer {
  if (!packed) return rows
  try {
    const chunkSize = Math.min(
      UNPACK_STEP_BYTES_MAX,
      Math.max(UNPACK_STEP_BYTES_MIN, rows.length * USUAL_RATIO),
    )
    return zstdDecompressSync(rows, { maxOutputLength: UNPACKED_BLOCK_BYTES_MAX, chunkSize })
  } catch (error) {
    throw new HaltError(
      'not_a_block',
      `A block does not unpack to rows of at most ${UNPACKED_BLOCK_BYTES_MAX} bytes: ${error instanceof Error ? error.message : String(error)}.`,
      'Find out what wrote it: nothing but the tasks writes to block topics.',
    )
  }
}
