import { hostname } from 'node:os'
import { openClickhouse } from '../../pipelines/clickhouse/client.ts'
import { MigrationRefused, readMigrations } from '../../pipelines/clickhouse/migrate-files.ts'
import { migrate, plan } from '../../pipelines/clickhouse/migrate.ts'
import type { MigrateParts } from '../../pipelines/clickhouse/migrate.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { VERSION } from '../../schemas/version.ts'
import { runCommand } from '../command.ts'
import type { CommandParts } from '../command.ts'
import type { Config } from '../config.ts'
import { EXIT, ExitError } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { ensureIdKey } from './id-key.ts'
import { makeTopics, missingTopics } from './topics.ts'

/** A statement of a migration may rewrite a table. */
const STATEMENT_TIMEOUT_MS = 300_000

/** How long to wait for another migration; longer than the lock of a dead one lives. */
const LOCK_WAIT_MS = 30_000

const USAGE = `Usage: npm run migrate -- [--dry-run] [--config file.json]
Makes what the services need and does not exist: the ClickHouse database and its tables, the Kafka topics, the id key.
  --dry-run  prints what it would do and changes nothing`

await runCommand(
  { name: 'migrate', usage: USAGE, options: { 'dry-run': { type: 'boolean' } } },
  async (parts): Promise<ExitCode> => {
    await using cleanup = new AsyncDisposableStack()
    const schema = schemaParts(parts, cleanup)
    try {
      await (parts.values['dry-run'] === true ? showPlan(schema, parts) : apply(schema, parts))
    } catch (error) {
      if (error instanceof MigrationRefused) throw new ExitError(EXIT.configuration, error.message)
      throw error
    }
    return EXIT.ok
  },
)

function schemaParts(parts: CommandParts<unknown>, cleanup: AsyncDisposableStack): MigrateParts {
  const { config, signal, say } = parts
  const open = (database: string) => {
    const client = openClickhouse({
      url: config.clickhouseUrl,
      user: config.clickhouseUser,
      password: config.clickhousePassword,
      database,
      requestTimeoutMs: STATEMENT_TIMEOUT_MS,
    })
    cleanup.defer(() => client.close())
    return client
  }
  return {
    server: open('system'),
    database: open(config.clickhouseDatabase),
    databaseName: config.clickhouseDatabase,
    migrations: readMigrations(),
    codeVersion: VERSION,
    holder: `process ${process.pid} on ${hostname()} (${systemRandom.bytes(4).toString('hex')})`,
    lockWaitMs: LOCK_WAIT_MS,
    clock: systemClock,
    random: systemRandom,
    logger: { ...silentLogger, info: (_fields, message) => say(message) },
    signal,
  }
}

function idKeyLine(config: Config, made: string): string {
  return `Id key ${config.idKeyFile}: ${made}.`
}

async function showPlan(schema: MigrateParts, { config, say }: CommandParts<unknown>): Promise<void> {
  const planned = await plan(schema)
  say(`Database ${config.clickhouseDatabase}: ${planned.length} statements to apply.`)
  for (const statement of planned) {
    say(`-- ${statement.migration.name}, statement ${statement.number}, line ${statement.line}`)
    say(`${statement.sql};`)
  }
  const missing = await missingTopics(config)
  say(`Topics to make: ${missing.length === 0 ? 'none' : missing.join(', ')}.`)
  say(idKeyLine(config, 'made where it does not exist'))
  say('Nothing was changed.')
}

async function apply(schema: MigrateParts, { config, say }: CommandParts<unknown>): Promise<void> {
  const applied = await migrate(schema)
  say(
    `Database ${config.clickhouseDatabase}: ${applied.length} statements applied, schema at version ${schema.migrations.length}.`,
  )
  const created = await makeTopics(config)
  say(`Topics: ${created.length === 0 ? 'all there' : `made ${created.join(', ')}`}.`)
  say(idKeyLine(config, ensureIdKey(config.idKeyFile, systemRandom) ? 'made' : 'there'))
}
