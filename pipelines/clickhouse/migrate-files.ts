import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { splitStatements } from './migrate-split.ts'
import type { Statement } from './migrate-split.ts'

/** One numbered file of `schemas/clickhouse`. */
export interface Migration {
  readonly version: number
  /** The file's name. */
  readonly name: string
  /** SHA-256 of the file's bytes, in hex. */
  readonly checksum: string
  readonly statements: readonly Statement[]
}

/** Migrations that must not be applied. The message says which file it is and what to do. Nothing was changed. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused'
}

/** The folder of the migrations that belong to this version of the code. */
export const MIGRATIONS_FOLDER = new URL('../../schemas/clickhouse/', import.meta.url)

const FILE_NAME = /^(\d{3})_[a-z0-9_]+\.sql$/

/** Reads the migrations of a folder in the order of their numbers, which start at 1. Throws MigrationRefused. */
export function readMigrations(folder: URL = MIGRATIONS_FOLDER): Migration[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  return names.map((name, index) => {
    const version = Number(FILE_NAME.exec(name)?.[1] ?? Number.NaN)
    if (version !== index + 1) {
      throw new MigrationRefused(
        `The migration ${name} does not follow: file ${index + 1} must be named ` +
          `${String(index + 1).padStart(3, '0')}_….sql (small letters, digits, underscores). Rename it.`,
      )
    }
    return readMigration(folder, name, version)
  })
}

function readMigration(folder: URL, name: string, version: number): Migration {
  const bytes = readFileSync(new URL(name, folder))
  let statements: Statement[]
  try {
    statements = splitStatements(bytes.toString('utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new MigrationRefused(`The migration ${name} cannot be read: ${reason}. Mend the file.`, {
      cause: error,
    })
  }
  if (statements.length === 0) {
    throw new MigrationRefused(`The migration ${name} holds no statement. Remove or complete it.`)
  }
  return { version, name, checksum: createHash('sha256').update(bytes).digest('hex'), statements }
}
