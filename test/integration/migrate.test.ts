import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { readMigrations } from '../../pipelines/clickhouse/migrate-files.ts'
import { LOCK_EXPIRY_MS } from '../../pipelines/clickhouse/migrate-lock.ts'
import { splitStatements } from '../../pipelines/clickhouse/migrate-split.ts'
import { BOOKKEEPING } from '../../pipelines/clickhouse/migrate-tables.ts'
import type { Sql } from '../../pipelines/clickhouse/migrate-tables.ts'
import { migrate } from '../../pipelines/clickhouse/migrate.ts'
import type { MigrateParts } from '../../pipelines/clickhouse/migrate.ts'
import { clickhouseAt } from '../support/servers/clickhouse.ts'
import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { EXIT } from '../../services/runtime/exit.ts'
import { ROLES_FILE, USERS } from '../../services/migrate/users.ts'
import { VERSION } from '../../schemas/version.ts'
import { Installation, install } from '../support/processes/installation.ts'

const STATEMENTS = readMigrations().flatMap(({ statements }) => statements).length
const NEWEST = readMigrations().length
const NEVER = new AbortController().signal

/** The process dies with this statement, or with the answer to it. */
class Killed extends Error {}

describe('migrate', () => {
  let installation: Installation
  let server: ClickhouseClient
  const databases: string[] = []
  const clients: ClickhouseClient[] = []

  before(async () => {
    installation = await install({ name: 'migrate' })
    server = open('system')
  })

  after(async () => {
    for (const database of databases) await server.command(`DROP DATABASE IF EXISTS ${database}`)
    for (const client of clients) await client.close()
    await installation.dispose()
  })

  it('makes everything once and then nothing', async () => {
    assert.equal(await recorded(installation.clickhouse), STATEMENTS)
    const { exitCode, output } = await installation.command('migrate')
    assert.equal(exitCode, 0)
    const { id } = await installation.row<{ id: string }>('SELECT installation_id AS id FROM installation')
    assert.equal(
      output.trimEnd(),
      `Database ${installation.database}: 0 statements applied, schema at version ${NEWEST}.\n` +
        `Topics: all there.\nId key ${installation.environment['HIVEMETER_ID_KEY_FILE']}: there.\n` +
        `Cursor key ${installation.environment['HIVEMETER_CURSOR_KEY_FILE']}: there.\n` +
        `Installation ${id}: there.\nTable of models: left as it is.\nPartitions: 2, topics of version 1.`,
    )
    assert.equal(await recorded(installation.clickhouse), STATEMENTS)
  })

  it('says of every table and column what it holds', async () => {
    const silent = await installation.clickhouse.rows<{ name: string }>(
      `SELECT name FROM (
         SELECT name, comment FROM system.tables WHERE database = currentDatabase()
         UNION ALL
         SELECT concat(table, '.', name), comment FROM system.columns WHERE database = currentDatabase()
       ) WHERE length(comment) < 8 ORDER BY name`,
    )
    assert.deepEqual(
      silent,
      [],
      'a later migration names a comment with each table and column (DESIGN, section 8)',
    )
    const { columns } = await installation.row<{ columns: string }>(
      'SELECT count() AS columns FROM system.columns WHERE database = currentDatabase()',
    )
    assert.ok(Number(columns) > 150)
  })

  it('says what to do where ClickHouse has no access control, after everything else was made', async () => {
    const { exitCode, output } = await installation.command('migrate', ['--users'])
    assert.equal(exitCode, EXIT.configuration, output)
    assert.match(output, /^Topics: all there\.$/m)
    assert.match(output, /the local engine of npm start has no access control, and needs no --users\.$/m)
  })

  it('brings roles that ClickHouse can read, with a grant on every table for who reads or writes it', async () => {
    const statements = splitStatements(readFileSync(ROLES_FILE, 'utf8'))
    const read: string[] = []
    for (const { sql } of statements) {
      const [row] = await server.rows<{ sql: string }>('SELECT formatQuerySingleLine({sql:String}) AS sql', {
        sql,
      })
      read.push(row?.sql ?? '')
    }
    const tables = await installation.clickhouse.rows<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND name NOT LIKE 'schema%'",
    )
    assert.ok(tables.length >= 9)
    for (const { name } of tables) {
      // migrate names the installation; the loader needs the name.
      const rights = name === 'installation' ? 'SELECT' : 'SELECT, INSERT'
      assert.ok(read.includes(`GRANT ${rights} ON ${name} TO hivemeter_loader`), name)
    }
    for (const user of USERS)
      assert.ok(read.some((sql) => sql.startsWith(`CREATE ROLE IF NOT EXISTS ${user} `)))
    const granted = read.flatMap((sql) => /^GRANT .* ON (\w+) TO/.exec(sql)?.[1] ?? [])
    assert.deepEqual(
      granted.filter((table) => !tables.some(({ name }) => name === table)),
      [],
    )
  })

  it('prints its plan and changes nothing', async () => {
    const other = new Installation({ name: 'plan' }, installation.dir)
    const { exitCode, output } = await other.command('migrate', ['--dry-run'])
    await other.clickhouse.close()
    assert.equal(exitCode, 0, output)
    assert.match(
      output,
      new RegExp(`^Database ${other.database}: ${STATEMENTS} statements to apply\\.$`, 'm'),
    )
    assert.match(output, /^-- 001_usage\.sql, statement 1, line \d+$/m)
    assert.match(output, new RegExp(`^Topics to make: ${other.topics.usageMetered}, `, 'm'))
    assert.match(output, /^Nothing was changed\.$/m)
    const found = await server.rows('SELECT 1 FROM system.databases WHERE name = {name:String}', {
      name: other.database,
    })
    assert.deepEqual(found, [])
  })

  it('applies each statement once when three run at the same time', async () => {
    const parts = await fresh()
    await Promise.all(['a', 'b', 'c'].map(async (holder) => await migrate({ ...parts, holder })))
    assert.equal(await recorded(parts.database), STATEMENTS)
  })

  it('goes on wherever it was interrupted', async () => {
    // Each run dies one command later than the last, before it or after it took effect.
    const parts = await fresh()
    let runs = 0
    for (let dyingAt = 0; ; dyingAt += 1) {
      runs += 1
      try {
        await migrate({ ...parts, database: dyingAfter(parts.database, dyingAt), holder: `run ${dyingAt}` })
        break
      } catch (error) {
        assert(
          error instanceof Killed || (error instanceof Error && error.cause instanceof Killed),
          String(error),
        )
        // Its lock would expire by itself; here the test does not wait for that.
        await parts.database.command('TRUNCATE TABLE IF EXISTS schema_locks')
      }
    }
    // The next run passes over what a run had recorded, so that it dies later: at least once in each migration.
    assert(runs > NEWEST, `${runs} runs`)
    const [row] = await parts.database.rows<{ statements: string }>(
      'SELECT uniqExact(version, statement) AS statements FROM schema_migrations',
    )
    assert.equal(Number(row?.statements), STATEMENTS)
  })

  it('waits for another holder, then names it', async () => {
    const parts = await fresh()
    for (const sql of BOOKKEEPING) await parts.database.command(sql)
    await hold(parts.database, 'process 7 on elsewhere', 0)
    await assert.rejects(migrate({ ...parts, lockWaitMs: 1_200 }), {
      name: 'LockUnavailable',
      message:
        'The schema is being migrated by process 7 on elsewhere. Waited 1 s. Try again when that has ended; the lock of a dead one expires after 15 s.',
    })
    assert.equal(await recorded(parts.database), 0)
  })

  it('takes over from a dead holder when its lock expires', async () => {
    const parts = await fresh()
    for (const sql of BOOKKEEPING) await parts.database.command(sql)
    await hold(parts.database, 'a dead one', LOCK_EXPIRY_MS - 2_000)
    const startMs = systemClock.monotonicMs()
    await migrate(parts)
    assert(systemClock.monotonicMs() - startMs >= 1_500)
    assert.equal(await recorded(parts.database), STATEMENTS)
  })

  it('refuses a schema newer than itself, and a file that was changed, before it does anything', async () => {
    const insert = (version: number, name: string, checksum: string) =>
      installation.clickhouse.command(
        `INSERT INTO schema_migrations SELECT ${version}, '${name}', '${checksum}', 1, 1, now64(3), '9.8.7'`,
      )
    const later = NEWEST + 1
    await insert(later, 'later.sql', 'x')
    const newer = await installation.command('migrate')
    assert.equal(newer.exitCode, 78)
    assert.equal(
      newer.output.trimEnd(),
      `hivemeter migrate: The schema is at version ${later} (later.sql, applied by Hivemeter 9.8.7); this is Hivemeter ${VERSION}, which knows version ${NEWEST}. Run Hivemeter 9.8.7 or newer.`,
    )
    await installation.clickhouse.command(
      `ALTER TABLE schema_migrations DELETE WHERE version = ${later}`,
      {},
      { mutations_sync: 1 },
    )

    await insert(1, '001_usage.sql', 'abcdefabcdefabcdef')
    const changed = await installation.command('migrate')
    assert.equal(changed.exitCode, 78)
    assert.match(
      changed.output,
      /^hivemeter migrate: The migration 001_usage\.sql was changed after it had been applied/,
    )
  })

  it('names what cannot be reached or used, with its address', async () => {
    const nowhere = '127.0.0.1:9'
    const inMemory = `test_memory_${systemRandom.bytes(4).toString('hex')}`
    databases.push(inMemory)
    await server.command(`CREATE DATABASE ${inMemory} ENGINE = Memory`)
    const other = await install({ name: 'away' })
    for (const [setting, value, exitCode, message] of [
      [
        'HIVEMETER_CLICKHOUSE_URL',
        `http://${nowhere}`,
        69,
        /ClickHouse at http:\/\/127\.0\.0\.1:9 cannot be used: .*ECONNREFUSED.*Start it, or set HIVEMETER_CLICKHOUSE_URL\.$/m,
      ],
      [
        'HIVEMETER_KAFKA_BROKERS',
        nowhere,
        69,
        /Kafka at 127\.0\.0\.1:9 cannot be reached: .*ECONNREFUSED.*Start it, or set HIVEMETER_KAFKA_BROKERS\.$/m,
      ],
      ['HIVEMETER_CLICKHOUSE_DATABASE', inMemory, 78, /has engine Memory; Hivemeter needs Atomic/],
      [
        'HIVEMETER_PARTITIONS',
        '7',
        0,
        /^HIVEMETER_PARTITIONS says 7, .*migrate -- --grow 7 gives this one as many\.$/m,
      ],
    ] as const) {
      const usual = other.environment[setting]
      Object.assign(other.environment, { [setting]: value })
      const end = await other.command('migrate')
      Object.assign(other.environment, { [setting]: usual })
      assert.match(end.output, message)
      assert.equal(end.exitCode, exitCode, setting)
    }
    await other.dispose()
  })

  function open(database: string): ClickhouseClient {
    const url = installation.environment['HIVEMETER_CLICKHOUSE_URL'] ?? ''
    const client = clickhouseAt(url, database)
    clients.push(client)
    return client
  }

  /** A database that exists and is empty. */
  async function fresh(): Promise<MigrateParts> {
    const databaseName = `test_migrate_${systemRandom.bytes(4).toString('hex')}`
    databases.push(databaseName)
    await server.command(`CREATE DATABASE ${databaseName} ENGINE = Atomic`)
    return {
      server,
      database: open(databaseName),
      databaseName,
      migrations: readMigrations(),
      codeVersion: VERSION,
      holder: 'test',
      lockWaitMs: 30_000,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      signal: NEVER,
    }
  }

  async function recorded(database: Sql): Promise<number> {
    const [row] = await database.rows<{ rows: string }>('SELECT count() AS rows FROM schema_migrations')
    return Number(row?.rows)
  }

  async function hold(database: Sql, holder: string, agoMs: number): Promise<void> {
    await database.command(
      "INSERT INTO schema_locks (holder, state, at) SELECT {holder:String}, 'held', now64(3) - toIntervalMillisecond({agoMs:UInt32})",
      { holder, agoMs },
    )
  }
})

/** Lets `commands` statements pass; the next one takes effect at every second death, and everything after it fails. */
function dyingAfter(database: Sql, commands: number): Sql {
  let left = Math.floor(commands / 2)
  return {
    cluster: '',
    sync: async () => {},
    rows: (sql, params) => database.rows(sql, params),
    command: async (sql, params) => {
      if (left < 0) throw new Killed()
      left -= 1
      if (left < 0 && commands % 2 === 0) throw new Killed()
      await database.command(sql, params)
      if (left < 0) throw new Killed()
    },
  }
}
