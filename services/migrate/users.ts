import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ClickhouseRefused } from '../../pipelines/clickhouse/client.ts'
import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { MigrationRefused } from '../../pipelines/clickhouse/migrate-files.ts'
import { splitStatements } from '../../pipelines/clickhouse/migrate-split.ts'
import { runDdl } from '../../pipelines/clickhouse/migrate.ts'
import type { Random } from '../../pipelines/random.ts'

/** The rights of each role: roles, limits, quotas and row policies; a statement that is run again changes nothing. */
export const ROLES_FILE = new URL('../../schemas/clickhouse/access/roles.sql', import.meta.url)

/** Users of a server: one for each service that connects to ClickHouse, and Grafana's. Each has the role of its name. */
export const USERS = [
  'hivemeter_aggregator',
  'hivemeter_settler',
  'hivemeter_fleet',
  'hivemeter_loader',
  'hivemeter_reader',
  'hivemeter_grafana',
] as const

const PASSWORD_BYTES = 24

/**
 * ACCESS_DENIED and ACCESS_STORAGE_READONLY: this user lacks the right, or no user can have it, as in the engine of `npm
 * start`.
 */
const NO_ACCESS_CONTROL: ReadonlySet<number> = new Set([497, 514])

/** A user that was made now, with the only copy of its password. */
export interface MadeUser {
  readonly name: string
  readonly password: string
}

/**
 * Makes the roles, and the users that do not exist yet, on a server with access control. The server gets a hash, so that
 * its query log holds no password. Throws MigrationRefused where the server has no access control.
 */
export async function makeUsers(database: ClickhouseClient, random: Random): Promise<MadeUser[]> {
  try {
    for (const { sql } of splitStatements(readFileSync(ROLES_FILE, 'utf8'))) await runDdl(database, sql)
    const rows = await database.rows<{ name: string }>('SELECT name FROM system.users')
    const there = new Set(rows.map(({ name }) => name))
    const made: MadeUser[] = []
    for (const name of USERS) {
      if (!there.has(name)) {
        const password = random.bytes(PASSWORD_BYTES).toString('base64url')
        const hash = createHash('sha256').update(password).digest('hex')
        await runDdl(database, `CREATE USER ${name} IDENTIFIED WITH sha256_hash BY '${hash}'`)
        made.push({ name, password })
      }
      // Existing users get it as well: an earlier run may have ended between the two statements.
      await runDdl(database, `GRANT ${name} TO ${name}`)
    }
    return made
  } catch (error) {
    if (!(error instanceof ClickhouseRefused) || !NO_ACCESS_CONTROL.has(error.code)) throw error
    throw new MigrationRefused(
      'ClickHouse does not let this user make roles and users. On a server set access_management = 1 for the user who ' +
        'migrates; the local engine of npm start has no access control, and needs no --users.',
      { cause: error },
    )
  }
}
