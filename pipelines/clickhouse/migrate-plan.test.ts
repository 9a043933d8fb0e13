import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { MigrationRefused, readMigrations } from './migrate-files.ts'
import type { Migration } from './migrate-files.ts'
import { planMigrations } from './migrate-plan.ts'
import type { AppliedStatement } from './migrate-plan.ts'

const migration = (version: number, statements: number, checksum = `sum ${version}`): Migration => ({
  version,
  name: `00${version}_x.sql`,
  checksum,
  statements: Array.from({ length: statements }, (_, index) => ({ sql: `S${index + 1}`, line: index + 1 })),
})

const applied = (version: number, statement: number, checksum = `sum ${version}`): AppliedStatement => ({
  version,
  name: `00${version}_x.sql`,
  checksum,
  statement,
  applied_by: '9.9.9',
})

const FILES = [migration(1, 2), migration(2, 1)]

function planned(rows: readonly AppliedStatement[], files = FILES): string[] {
  return planMigrations(files, rows, '0.1.0').map(({ migration, number }) => `${migration.version}.${number}`)
}

function refusal(rows: readonly AppliedStatement[], files = FILES): string {
  try {
    planMigrations(files, rows, '0.1.0')
  } catch (error) {
    assert(error instanceof MigrationRefused)
    return error.message
  }
  return 'not refused'
}

describe('the plan of migrations', () => {
  it('holds all of an empty database, nothing of a complete one', () => {
    assert.deepEqual(planned([]), ['1.1', '1.2', '2.1'])
    assert.deepEqual(planned([applied(1, 1), applied(1, 2), applied(2, 1)]), [])
  })

  it('goes on between two statements of one file', () => {
    assert.deepEqual(planned([applied(1, 1)]), ['1.2', '2.1'])
  })

  it('refuses a schema newer than the code and names both versions', () => {
    assert.equal(
      refusal([applied(1, 1), applied(7, 1), applied(3, 1)]),
      'The schema is at version 7 (007_x.sql, applied by Hivemeter 9.9.9); this is Hivemeter 0.1.0, which knows version 2. Run Hivemeter 9.9.9 or newer.',
    )
  })

  it('refuses a changed file by name', () => {
    assert.equal(
      refusal([applied(1, 1, 'abcdefabcdefabcdef')]),
      'The migration 001_x.sql was changed after it had been applied (as 001_x.sql, checksum abcdefabcdef, now sum 1). Restore the file and put the change into a new migration.',
    )
  })

  it('refuses a gap', () => {
    assert.match(
      refusal([applied(1, 1), applied(2, 1)]),
      /^Statement 2 of 001_x\.sql is not applied, though 002_x/,
    )
  })
})

describe('migration files', () => {
  it('are numbered from 1 without gaps, hold statements, and can be read', () => {
    for (const [files, message] of [
      [{ '002_a.sql': 'SELECT 1' }, /^The migration 002_a\.sql does not follow: file 1 must be named 001_/],
      [{ '001_a.sql': 'SELECT 1', '001_b.sql': 'SELECT 1' }, /001_b\.sql does not follow: file 2/],
      [{ 'first.sql': 'SELECT 1' }, /first\.sql does not follow/],
      [{ '001_a.sql': '-- nothing' }, /001_a\.sql holds no statement/],
      [
        { '001_a.sql': "SELECT 'x" },
        /001_a\.sql cannot be read: the string that begins on line 1 is not closed/,
      ],
    ] as const) {
      const folder = mkdtempSync(join(tmpdir(), 'hivemeter-migrations-'))
      for (const [name, sql] of Object.entries(files)) writeFileSync(join(folder, name), sql)
      assert.throws(() => readMigrations(pathToFileURL(`${folder}/`)), { name: 'MigrationRefused', message })
      rmSync(folder, { recursive: true })
    }
  })
})
