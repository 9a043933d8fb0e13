import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { Random } from '../random.ts'
import { MigrationRefused } from './migrate-files.ts'
import type { Migration } from './migrate-files.ts'
import { MigrationLock } from './migrate-lock.ts'
import { planMigrations } from './migrate-plan.ts'
import type { AppliedStatement, PlannedStatement } from './migrate-plan.ts'
import { BOOKKEEPING, MIGRATIONS_TABLE } from './migrate-tables.ts'
import type { Sql } from './migrate-tables.ts'

export interface MigrateParts {
  /** Connected to a database that always exists (`system`). */
  readonly server: Sql
  /** Connected to `databaseName`, which need not exist yet. */
  readonly database: Sql
  readonly databaseName: string
  readonly migrations: readonly Migration[]
  /** Version of Hivemeter: recorded, and named where the schema is newer. */
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

/** What `migrate` would do, without doing anything. Throws MigrationRefused. */
export async function plan(parts: MigrateParts): Promise<PlannedStatement[]> {
  const exists = await checkDatabase(parts)
  const applied = exists ? await readApplied(parts) : []
  return planMigrations(parts.migrations, applied, parts.codeVersion)
}

/**
 * Applies what is not applied yet, in order, each statement recorded when it is done. Interrupted anywhere, the next run
 * goes on: a statement that was done and not recorded is run again, so each must be idempotent.
 * Returns what was applied. Throws MigrationRefused, LockUnavailable, or the error of the statement that failed.
 */
export async function migrate(parts: MigrateParts): Promise<PlannedStatement[]> {
  // Before anything is made, so that a refused schema stays as it is.
  await plan(parts)
  await parts.server.command('CREATE DATABASE IF NOT EXISTS {name:Identifier} ENGINE = Atomic', {
    name: parts.databaseName,
  })
  for (const sql of BOOKKEEPING) await parts.database.command(sql)
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
    await parts.database.command(planned.sql)
  } catch (error) {
    throw new Error(`Statement ${number} of ${migration.name} (line ${planned.line}) failed`, {
      cause: error,
    })
  }
  await parts.database.command(
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

/** True if the database exists; throws where its engine is not fit for it. */
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
  return await parts.database.rows<AppliedStatement>(
    `SELECT version, name, checksum, statement, applied_by FROM ${MIGRATIONS_TABLE} ORDER BY version, statement`,
  )
}
