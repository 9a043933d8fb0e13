import type { ClickhouseClient, QueryParams } from './client.ts'

/** The methods of ClickHouse that migrations need. */
export type Sql = Pick<ClickhouseClient, 'command' | 'rows' | 'sync' | 'cluster'>

/** Longest wait for a majority of the replicas to have a row of the tables below. */
const QUORUM_TIME_LIMIT_MS = 10_000

/**
 * Inserts one row into the tables below. On a cluster it is acknowledged when a majority has it. A query that waits for its
 * replica (`sync`) then finds every row that was acknowledged before the last row that was inserted through the same
 * replica.
 */
export async function keepRow(sql: Sql, insert: string, params: QueryParams): Promise<void> {
  const quorum =
    sql.cluster === '' ? {} : { insert_quorum: 'auto', insert_quorum_timeout: QUORUM_TIME_LIMIT_MS }
  await sql.command(insert, params, quorum)
}

export const MIGRATIONS_TABLE = 'schema_migrations'
export const LOCKS_TABLE = 'schema_locks'

/**
 * The tables in which migrations keep their own state. They are created before the lock can be taken, so their statements
 * are idempotent.
 */
export const BOOKKEEPING: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS ${MIGRATIONS_TABLE}
(
    version UInt32,
    name String,
    checksum String,
    statement UInt32,
    statements UInt32,
    applied_at DateTime64(3, 'UTC'),
    applied_by String
)
ENGINE = MergeTree
ORDER BY (version, statement)`,
  `CREATE TABLE IF NOT EXISTS ${LOCKS_TABLE}
(
    holder String,
    state Enum8('held' = 1, 'released' = 2),
    at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (at, holder)
TTL toDateTime(at) + INTERVAL 1 DAY`,
]
