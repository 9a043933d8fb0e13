import type { Clock } from '../clock.ts'
import type { ClickhouseClient, QuerySettings } from './client.ts'
import { checkCluster, keeperRefusal } from './cluster-check.ts'
import type { Logger } from '../logger.ts'
import type { Random } from '../random.ts'
import { MigrationRefused } from './migrate-files.ts'
import type { Migration } from './migrate-files.ts'
import { completeReplicas } from './migrate-replicas.ts'
import { MigrationLock } from './migrate-lock.ts'
import { planMigrations } from './migrate-plan.ts'
import type { AppliedStatement, PlannedStatement } from './migrate-plan.ts'
import { BOOKKEEPING, MIGRATIONS_TABLE, keepRow } from './migrate-tables.ts'
import type { Sql } from './migrate-tables.ts'
import { formOn } from './replicated-form.ts'

export interface MigrateParts {
  /** Connected to a database that always exists (`system`). */
  readonly server: ClickhouseClient
  /** Connected to `databaseName`, which need not exist yet. */
  readonly database: Sql
  readonly databaseName: string
  readonly migrations: readonly Migration[]
  /** Version of Hivemeter: it is recorded, and named where the schema is newer. */
  readonly codeVersion: string
  readonly holder: string
  readonly lockWaitMs: number
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Ends the work between two statements. */
  readonly signal: AbortSignal
}

/** Databases in which tables are moved and dropped atomically; chdb's own `default` is not one. */
const ENGINES: ReadonlySet<string> = new Set(['Atomic', 'Replicated'])

/** How long the other replicas may take for a statement; after that it fails and names those that have not answered. */
const DDL_TIME_LIMIT_S = 120

const DDL_SETTINGS: QuerySettings = {
  distributed_ddl_task_timeout: DDL_TIME_LIMIT_S,
  distributed_ddl_output_mode: 'throw',
  // A change of a Replicated table is complete when all replicas have made it.
  alter_sync: 2,
  // Users and roles that are kept in Keeper exist for all servers; those that each server keeps are created on each.
  ignore_on_cluster_for_replicated_access_entities_queries: 1,
}

/** What `migrate` would do, without doing it. Throws MigrationRefused. */
export async function plan(parts: MigrateParts): Promise<PlannedStatement[]> {
  await checkCluster(parts.server, parts.databaseName)
  const exists = await checkDatabase(parts)
  const applied = exists ? await readApplied(parts) : []
  return planMigrations(parts.migrations, applied, parts.codeVersion)
}

/**
 * Applies what is not applied yet, in order, and records each statement when it is done. After an interruption at any
 * point, the next run continues: a statement that was run but not recorded is run again, so each must be idempotent.
 * Returns what was applied. Throws MigrationRefused, LockUnavailable, or the error of the statement that failed.
 */
export async function migrate(parts: MigrateParts): Promise<PlannedStatement[]> {
  // Checked before anything is created, so that a refused schema stays as it is.
  await plan(parts)
  await makeDatabase(parts)
  for (const sql of BOOKKEEPING) await runDdl(parts.database, sql)
  const lock = await MigrationLock.acquire({
    sql: parts.database,
    holder: parts.holder,
    waitMs: parts.lockWaitMs,
    clock: parts.clock,
    random: parts.random,
    logger: parts.logger,
    signal: parts.signal,
  })
  try {
    for (const { table, replica } of await completeReplicas(parts.server, parts.databaseName)) {
      parts.logger.info({}, `made ${table} on replica ${replica}, which did not have it`)
    }
    const planned = await plan(parts)
    for (const statement of planned) {
      parts.signal.throwIfAborted()
      lock.assertHeld()
      await apply(parts, statement)
    }
    return planned
  } finally {
    await lock.release()
  }
}

async function apply(parts: MigrateParts, planned: PlannedStatement): Promise<void> {
  const { migration, number } = planned
  try {
    await runDdl(parts.database, planned.sql)
  } catch (error) {
    throw new Error(`Statement ${number} of ${migration.name} (line ${planned.line}) failed`, {
      cause: error,
    })
  }
  await keepRow(
    parts.database,
    `INSERT INTO ${MIGRATIONS_TABLE} (version, name, checksum, statement, statements, applied_at, applied_by)
     SELECT {version:UInt32}, {name:String}, {checksum:String}, {number:UInt32}, {statements:UInt32},
            now64(3), {codeVersion:String}`,
    {
      version: migration.version,
      name: migration.name,
      checksum: migration.checksum,
      number,
      statements: migration.statements.length,
      codeVersion: parts.codeVersion,
    },
  )
  parts.logger.info({}, `applied ${migration.name}, statement ${number} of ${migration.statements.length}`)
}

async function makeDatabase({ server, databaseName }: MigrateParts): Promise<void> {
  try {
    await runDdl(server, `CREATE DATABASE IF NOT EXISTS \`${databaseName}\` ENGINE = Atomic`)
  } catch (error) {
    throw keeperRefusal(error, server.cluster)
  }
}

/** Runs a statement of the schema, on a cluster in its form there: it ends when every replica has run it. */
export async function runDdl(sql: Sql, statement: string): Promise<void> {
  const settings = sql.cluster === '' ? {} : DDL_SETTINGS
  await sql.command(formOn(sql.cluster, statement), {}, settings)
}

/** True if the database exists; throws where its engine cannot be used. */
async function checkDatabase(parts: MigrateParts): Promise<boolean> {
  const [found] = await parts.server.rows<{ engine: string }>(
    'SELECT engine FROM system.databases WHERE name = {name:String}',
    { name: parts.databaseName },
  )
  if (found === undefined) return false
  if (ENGINES.has(found.engine)) return true
  throw new MigrationRefused(
    `The ClickHouse database ${parts.databaseName} has engine ${found.engine}; Hivemeter needs Atomic. ` +
      'Name another database: it is made if it does not exist.',
  )
}

async function readApplied(parts: MigrateParts): Promise<AppliedStatement[]> {
  const tables = await parts.server.rows(
    'SELECT 1 FROM system.tables WHERE database = {database:String} AND name = {table:String}',
    { database: parts.databaseName, table: MIGRATIONS_TABLE },
  )
  if (tables.length === 0) return []
  await parts.database.sync([MIGRATIONS_TABLE])
  return await parts.database.rows<AppliedStatement>(
    `SELECT version, name, checksum, statement, applied_by FROM ${MIGRATIONS_TABLE} ORDER BY version, statement`,
  )
}
