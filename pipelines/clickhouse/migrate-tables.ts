import type { ClickhouseClient } from './client.ts'

/** The two calls that migrations need of ClickHouse. */
export type Sql = Pick<ClickhouseClient, 'command' | 'rows'>

export const MIGRATIONS_TABLE = 'schema_migrations'
export const LOCKS_TABLE = 'schema_locks'

/** What migrations themselves keep, made before the lock can be taken, so idempotent. */
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
