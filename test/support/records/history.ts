import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startClickhouse } from '../../../infra/local/clickhouse/start.ts'
import { clickhouseAt } from '../servers/clickhouse.ts'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { readMigrations } from '../../../pipelines/clickhouse/migrate-files.ts'
import type { Migration } from '../../../pipelines/clickhouse/migrate-files.ts'
import { migrate } from '../../../pipelines/clickhouse/migrate.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { VERSION } from '../../../schemas/version.ts'

/** Hivemeter's tables in a database of their own, on a real engine. */
export interface HistoryDatabase extends AsyncDisposable {
  readonly client: ClickhouseClient
  /** Rows by column name; columns that are left out have their type's default. One INSERT, one part. */
  insert(table: string, rows: readonly HistoryRow[]): Promise<void>
  /** Applies the migrations that are not applied yet. */
  migrate(): Promise<void>
}

export type HistoryRow = Readonly<Record<string, string | number | bigint | null>>

const LOCK_WAIT_MS = 5_000

/**
 * On the ClickHouse that the environment names, else on a local one for this test alone. Where `migrations` are the
 * test's own, the tables are as an earlier version had them.
 */
export async function openHistory(
  environment: NodeJS.ProcessEnv,
  port: number,
  migrations: readonly Migration[] = readMigrations(),
): Promise<HistoryDatabase> {
  await using started = new AsyncDisposableStack()
  let url = environment['HIVEMETER_CLICKHOUSE_URL']
  if (url === undefined) {
    const dir = await mkdtemp(join(tmpdir(), 'hivemeter-history-'))
    started.defer(() => rm(dir, { recursive: true, force: true }))
    const server = await startClickhouse({ dir: join(dir, 'clickhouse'), port })
    started.defer(() => server.stop())
    ;({ url } = server)
  }
  const database = `history_${systemRandom.bytes(6).toString('hex')}`
  const open = (name: string) => {
    const client = clickhouseAt(url, name)
    started.defer(() => client.close())
    return client
  }
  const server = open('system')
  const client = open(database)
  started.defer(() => server.command('DROP DATABASE {name:Identifier}', { name: database }))
  const apply = async (some: readonly Migration[]): Promise<void> => {
    await migrate({
      server,
      database: client,
      databaseName: database,
      migrations: some,
      codeVersion: VERSION,
      holder: 'test',
      lockWaitMs: LOCK_WAIT_MS,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      signal: new AbortController().signal,
    })
  }
  await apply(migrations)
  const owned = started.move()
  return {
    client,
    insert: (table, rows) => insertRows(client, table, rows),
    migrate: () => apply(readMigrations()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function insertRows(
  client: ClickhouseClient,
  table: string,
  rows: readonly HistoryRow[],
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
  const tuples = rows.map((row) => `(${columns.map((column) => literal(row[column] ?? null)).join(', ')})`)
  await client.command(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${tuples.join(', ')}`)
}

function literal(value: string | number | bigint | null): string {
  if (value === null) return 'NULL'
  return typeof value === 'string' ? `'${value.replaceAll(/['\\]/g, '\\$&')}'` : String(value)
}

/** A time for a DateTime or DateTime64(3) column in UTC. */
export function dateTime(timeMs: number, decimals: 0 | 3): string {
  return new Date(timeMs)
    .toISOString()
    .replace('T', ' ')
    .slice(0, decimals === 0 ? 19 : 23)
}
