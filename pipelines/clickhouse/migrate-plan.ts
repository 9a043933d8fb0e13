import { MigrationRefused } from './migrate-files.ts'
import type { Migration } from './migrate-files.ts'
import type { Statement } from './migrate-split.ts'

/** A row of `schema_migrations`: one statement that has been applied. */
export interface AppliedStatement {
  readonly version: number
  readonly name: string
  readonly checksum: string
  /** Counted from 1 within the file. */
  readonly statement: number
  /** Version of Hivemeter that applied it. */
  readonly applied_by: string
}

/** One statement that is still to be applied. */
export interface PlannedStatement extends Statement {
  readonly migration: Migration
  /** Counted from 1 within the file. */
  readonly number: number
}

/**
 * What is still to do, in order. A file that was interrupted between statements continues where it stopped.
 * Throws MigrationRefused for a schema that is newer than the code, a changed file, and a file that was added in between.
 * @param codeVersion version of Hivemeter, for the message.
 */
export function planMigrations(
  migrations: readonly Migration[],
  applied: readonly AppliedStatement[],
  codeVersion: string,
): PlannedStatement[] {
  refuseNewer(migrations, applied, codeVersion)
  const plan: PlannedStatement[] = []
  for (const migration of migrations) {
    const rows = applied.filter((row) => row.version === migration.version)
    refuseChanged(migration, rows)
    const done = new Set(rows.map((row) => row.statement))
    migration.statements.forEach((statement, index) => {
      if (!done.has(index + 1)) plan.push({ ...statement, migration, number: index + 1 })
    })
  }
  refuseBetween(plan, applied)
  return plan
}

function refuseNewer(
  migrations: readonly Migration[],
  applied: readonly AppliedStatement[],
  codeVersion: string,
): void {
  const known = migrations.length
  const newest = applied.reduce<AppliedStatement | undefined>(
    (best, row) => (best === undefined || row.version > best.version ? row : best),
    undefined,
  )
  if (newest === undefined || newest.version <= known) return
  throw new MigrationRefused(
    `The schema is at version ${newest.version} (${newest.name}, applied by Hivemeter ${newest.applied_by}); ` +
      `this is Hivemeter ${codeVersion}, which knows version ${known}. ` +
      `Run Hivemeter ${newest.applied_by} or newer.`,
  )
}

function refuseChanged(migration: Migration, rows: readonly AppliedStatement[]): void {
  const other = rows.find((row) => row.name !== migration.name || row.checksum !== migration.checksum)
  if (other === undefined) return
  throw new MigrationRefused(
    `The migration ${migration.name} was changed after it had been applied (as ${other.name}, checksum ` +
      `${other.checksum.slice(0, 12)}, now ${migration.checksum.slice(0, 12)}). ` +
      'Restore the file and put the change into a new migration.',
  )
}

function refuseBetween(plan: readonly PlannedStatement[], applied: readonly AppliedStatement[]): void {
  const first = plan[0]
  if (first === undefined) return
  const later = applied.find((row) => row.version > first.migration.version)
  if (later === undefined) return
  throw new MigrationRefused(
    `Statement ${first.number} of ${first.migration.name} is not applied, though ${later.name} is. ` +
      'Migrations are applied in order: restore what was recorded, or give the new file the next number.',
  )
}
