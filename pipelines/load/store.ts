import type { ClickhouseClient, QuerySettings } from '../clickhouse/client.ts'
import { ClickhouseRefused } from '../clickhouse/errors.ts'
import { formProblem } from '../clickhouse/table-form.ts'
import { answersOfMajority, askMajority } from '../clickhouse/replicas.ts'
import { storedMark } from '../clickhouse/queries/stored-marks.ts'
import type { StoredMark } from '../blocks/fit.ts'
import type { Insert, PackedRows } from './group.ts'
import { storedFrame } from './stored-frame.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** The server gives up an INSERT after this long; after that, no INSERT that was sent before can still land. */
export const INSERT_TIME_LIMIT_MS = 8_000

/** A source of blocks: a partition of a block topic. */
export interface BlockSource {
  readonly topic: string
  readonly partition: number
}

/** The server waits this long for a majority of the replicas; after that the outcome is unknown. */
export const QUORUM_TIME_LIMIT_MS = 6_000

/**
 * How a cluster takes an INSERT: it is acknowledged once a majority of the replicas has it, and any majority that is
 * queried finds it from then on. Inserts run side by side (parallel), since a table takes many partitions at once; a repeat
 * under its token waits for the quorum of the part that is there.
 */
const QUORUM: QuerySettings = {
  insert_quorum: 'auto',
  insert_quorum_parallel: 1,
  insert_quorum_timeout: QUORUM_TIME_LIMIT_MS,
  // More retries would end after INSERT_TIME_LIMIT_MS.
  insert_keeper_max_retries: 3,
}

/**
 * What the loader needs from the store: ClickHouse, or that of the simulation. Both throw `ClickhouseAway` or
 * `ClickhouseRefused`.
 */
export interface BlockStore {
  /**
   * True: token and part are one commit, as in Replicated tables. An acknowledged INSERT that is not visible is then no
   * phantom token, and another token could double its rows.
   */
  readonly atomicTokens?: boolean
  /**
   * The highest number for which `watermarks` says that everything up to it is loaded; 0 where there is none. Never what a
   * replica had a while ago: a number lower than one loaded before means that the tables came back from an older copy.
   */
  loadedSeq(source: BlockSource): Promise<number>
  /** The same number, and everything else that `watermarks` says about the partition. */
  mark(source: BlockSource): Promise<StoredMark>
  /** Notes that blocks up to `through` were already inserted once; a higher number that was noted before stays. */
  noteReload(source: BlockSource, through: number): Promise<void>
  /** Whether the rows of this INSERT are there: one INSERT is one part, so they are there whole or not at all. */
  holds(source: BlockSource, insert: Insert): Promise<boolean>
  /** Sends one INSERT under a token. */
  insert(insert: Insert, token: string): Promise<void>
}

const IDENTIFIER = /^[a-z_][a-z0-9_]*$/

/** ClickHouse as the loader's store. On a cluster, a look queries a majority of the replicas. */
export function openBlockStore(client: ClickhouseClient): BlockStore {
  const isCluster = client.cluster !== ''
  return {
    atomicTokens: isCluster,
    loadedSeq: async (source) =>
      Math.max(...(await answersOfMajority(client, async (replica) => await loadedSeqAt(replica, source)))),
    mark: async ({ topic, partition }) => await storedMark(client, topic, partition),
    noteReload: async ({ topic, partition }, through) => {
      await client.command(
        `INSERT INTO load_notes (src_topic, src_partition, reload_through)
         SELECT {topic:String}, {partition:UInt16}, {through:UInt64}`,
        { topic, partition, through },
        isCluster ? QUORUM : {},
      )
    },
    holds: async (source, insert) =>
      await askMajority(client, async (replica) => await heldAt(replica, source, insert)),
    insert: async ({ table, columns, format, body }, token) => {
      await client.insertRaw({
        table,
        columns,
        format,
        body: body.flatMap(framesOf),
        settings: {
          ...(isCluster ? QUORUM : {}),
          async_insert: 0,
          insert_deduplication_token: token,
          // One INSERT must be one part: a second table partition in it would be a second, separate commit.
          max_partitions_per_insert_block: 1,
          max_execution_time: INSERT_TIME_LIMIT_MS / SECOND_MS,
        },
      })
    },
  }
}

async function loadedSeqAt(replica: ClickhouseClient, { topic, partition }: BlockSource): Promise<number> {
  const rows = await replica.rows<{ seq: string; engine: string; database: string }>(
    `SELECT max(src_seq) AS seq, currentDatabase() AS database,
            (SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = 'watermarks') AS engine
     FROM watermarks WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16}`,
    { topic, partition },
    { max_threads: 1 },
  )
  // Looks and tokens mean one thing on a cluster and another on a single server: nothing may be inserted by the wrong
  // rules.
  const [row] = rows
  const problem = formProblem(replica.cluster, row?.database ?? '', { watermarks: row?.engine ?? '' })
  if (problem !== undefined) throw new ClickhouseRefused(problem, { code: 0 })
  return Number(rows[0]?.seq ?? 0)
}

async function heldAt(
  replica: ClickhouseClient,
  { topic, partition }: BlockSource,
  { table, month, firstSeq }: Insert,
): Promise<boolean> {
  // The name comes from a block's header; it is checked to be a plain name before it becomes part of SQL.
  if (!IDENTIFIER.test(table)) throw new Error(`"${table}" is no name of a table.`)
  // A replica that still has to fetch the part counts too, or a majority would be found later than it exists.
  await replica.sync([table])
  const rows = await replica.rows<{ found: number }>(
    `SELECT count() > 0 AS found FROM (SELECT 1 FROM ${table}
       WHERE src_topic = {topic:String} AND src_partition = {partition:UInt16} AND src_seq >= {first:UInt64}
       ${month === '' ? '' : 'AND _partition_id = {month:String}'} LIMIT 1)`,
    { topic, partition, first: firstSeq, ...(month === '' ? {} : { month }) },
    { max_threads: 1 },
  )
  return Boolean(rows[0]?.found)
}

/** The rows as the log holds them: unpacking them here and sending five times the bytes cost the loader half of its CPU. */
function framesOf({ rows, packed }: PackedRows): Buffer[] {
  return packed ? [rows] : storedFrame(rows)
}
