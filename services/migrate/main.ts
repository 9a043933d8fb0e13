import { hostname } from 'node:os'
import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { MigrationRefused, readMigrations } from '../../pipelines/clickhouse/migrate-files.ts'
import { MigrationLock } from '../../pipelines/clickhouse/migrate-lock.ts'
import { migrate, plan } from '../../pipelines/clickhouse/migrate.ts'
import type { MigrateParts } from '../../pipelines/clickhouse/migrate.ts'
import { formOn } from '../../pipelines/clickhouse/replicated-form.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { UNVERSIONED } from '../../schemas/topics.ts'
import { VERSION } from '../../schemas/version.ts'
import { clickhouseOf } from '../runtime/clickhouse.ts'
import { runCommand } from '../runtime/command.ts'
import type { CommandParts } from '../runtime/command.ts'
import type { Layout } from '../../schemas/records.ts'
import { settingOf } from '../runtime/config-schema.ts'
import type { Config } from '../runtime/config.ts'
import { layoutInForce } from '../runtime/layout.ts'
import type { LayoutInForce } from '../runtime/layout.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import { CURSOR_KEY, ID_KEY, ensureKeyFile } from '../runtime/key-file.ts'
import type { KeyKind } from '../runtime/key-file.ts'
import type { ExitCode } from '../runtime/exit.ts'
import { acls } from './acls.ts'
import { atTerminal } from './confirm/agree.ts'
import { confirmOperators } from './confirm/confirm.ts'
import { nameInstallation } from './installation.ts'
import type { NamedInstallation } from './installation.ts'
import { findLayout, layoutToWrite, writeFirstLayout } from './first-layout.ts'
import { grow } from './grow/grow.ts'
import { putModels, seedModels } from './models.ts'
import { byHand, differenceLine, findDifferences, mendTopics, partitionCounts } from './topics.ts'
import { USERS, makeUsers } from './users.ts'

/** A statement of a migration may rewrite a table. */
const STATEMENT_TIMEOUT_MS = 300_000

/** How long to wait for another migration; longer than the lock of a dead one lives. */
const LOCK_WAIT_MS = 30_000

/** The largest number that the setting takes. */
const PARTITIONS_MAX = settingOf('partitions').maximum ?? 1

interface Values {
  readonly 'dry-run'?: boolean | undefined
  readonly check?: boolean | undefined
  readonly grow?: string | undefined
  readonly models?: string | undefined
  readonly users?: boolean | undefined
  readonly acls?: boolean | undefined
  readonly apply?: boolean | undefined
  readonly 'confirm-operators'?: boolean | undefined
  readonly yes?: boolean | undefined
  readonly 'principal-pattern'?: string | undefined
}

type Schema = MigrateParts & { readonly database: ClickhouseClient }

const USAGE = `Usage: npm run migrate -- [--dry-run | --check | --grow N | --models FILE | --users | --acls [--apply] | --confirm-operators [--yes]]
                            [--config file.json]
Makes what the services need and does not exist: the ClickHouse database and its tables, the Kafka topics with the
settings that the guarantee needs, the installation's id in both, the id key.
  --dry-run  prints what it would do and changes nothing
  --check    changes nothing and ends with 78 where a table, a topic or one of its settings is not as it must be
  --grow N   gives the installation N partitions, more than it has, while its services run; run again after an
             interruption it goes on
  --models FILE
             puts a table of models in force that a JSON file holds, as PUT /api/models takes it; does nothing else
  --acls     prints the rights that each service needs in a Kafka with an authorizer, and does nothing else; with --apply
             grants those that are missing. --principal-pattern User:hivemeter-{service} says how the principals are called
  --users    also makes ClickHouse's roles, quotas, row policies and a user for each service, and prints the passwords
             of users that it made, once
  --confirm-operators
             lists operators of nodes from before it was written down who had named them, which an admin has named or no
             other node ever has, and confirms them where somebody at the terminal, or --yes, agrees: only then may a
             node's key read its operator's wallet`

await runCommand(
  {
    name: 'migrate',
    usage: USAGE,
    options: {
      'dry-run': { type: 'boolean' },
      check: { type: 'boolean' },
      grow: { type: 'string' },
      models: { type: 'string' },
      users: { type: 'boolean' },
      acls: { type: 'boolean' },
      apply: { type: 'boolean' },
      'confirm-operators': { type: 'boolean' },
      yes: { type: 'boolean' },
      'principal-pattern': { type: 'string' },
    },
  },
  async (parts): Promise<ExitCode> => {
    const {
      acls: isAcls = false,
      apply: isApply = false,
      'principal-pattern': principalPattern,
    } = parts.values
    if (!isAcls && (isApply || principalPattern !== undefined))
      throw new ExitError(EXIT.usage, `--apply and --principal-pattern belong to --acls.\n${USAGE}`)
    const isConfirming = parts.values['confirm-operators'] === true
    if (parts.values.yes === true && !isConfirming)
      throw new ExitError(EXIT.usage, `--yes belongs to --confirm-operators.\n${USAGE}`)
    if (isAcls) {
      await acls(parts.config, { apply: isApply, principalPattern, say: parts.say })
      return EXIT.ok
    }
    if (parts.values.models !== undefined) {
      await putModels(parts.config, parts.values.models, parts.say)
      return EXIT.ok
    }
    await using cleanup = new AsyncDisposableStack()
    const schema = schemaParts(parts, cleanup)
    try {
      if (isConfirming) return await confirm(schema, parts)
      if (parts.values.check === true) return await check(schema, parts)
      if (parts.values.grow !== undefined) return await growTo(schema, parts, parts.values.grow)
      await (parts.values['dry-run'] === true ? showPlan(schema, parts) : apply(schema, parts))
      if (parts.values.users === true) await showUsers(schema, parts)
    } catch (error) {
      if (error instanceof MigrationRefused) throw new ExitError(EXIT.configuration, error.message)
      throw error
    }
    return EXIT.ok
  },
)

/** The passwords are shown here and nowhere else. */
async function showUsers(schema: Schema, { say, values }: CommandParts<Values>): Promise<void> {
  if (values['dry-run'] === true) return say(`Users: ${USERS.join(', ')}, where they do not exist.`)
  const made = await makeUsers(schema.database, systemRandom)
  say(`Users: ${made.length === 0 ? 'all there' : `made ${made.length}; keep their passwords now`}.`)
  for (const { name, password } of made) say(`${name}: ${password}`)
}

function schemaParts(parts: CommandParts<Values>, cleanup: AsyncDisposableStack): Schema {
  const { config, signal, say } = parts
  const open = (database: string) => {
    const client = clickhouseOf(config, { database, requestTimeoutMs: STATEMENT_TIMEOUT_MS })
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

/** The installation's keys that are kept in files, and where they are. */
function keyFiles(config: Config): readonly (readonly [KeyKind, string])[] {
  return [
    [ID_KEY, config.idKeyFile],
    [CURSOR_KEY, config.cursorKeyFile],
  ]
}

function keyLine({ name }: KeyKind, file: string, made: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)} ${file}: ${made}.`
}

async function showPlan(schema: MigrateParts, { config, say }: CommandParts<Values>): Promise<void> {
  const planned = await plan(schema)
  say(`Database ${config.clickhouseDatabase}: ${planned.length} statements to apply.`)
  for (const statement of planned) {
    say(`-- ${statement.migration.name}, statement ${statement.number}, line ${statement.line}`)
    say(`${formOn(config.clickhouseCluster, statement.sql)};`)
  }
  const layout = await wantedLayout(config)
  const differences = await findDifferences(config, layout)
  const missing = differences.filter(({ setting }) => setting === 'topic').map(({ topic }) => topic)
  say(`Topics to make: ${missing.length === 0 ? 'none' : missing.join(', ')}.`)
  for (const difference of differences) {
    if (difference.setting !== 'topic') say(differenceLine(difference))
  }
  for (const [kind, file] of keyFiles(config)) say(keyLine(kind, file, 'made where it does not exist'))
  say('Installation: Kafka and ClickHouse are given one id where they have none.')
  say('Nothing was changed.')
}

async function apply(schema: Schema, { config, say }: CommandParts<Values>): Promise<void> {
  const applied = await migrate(schema)
  say(
    `Database ${config.clickhouseDatabase}: ${applied.length} statements applied, schema at version ${schema.migrations.length}.`,
  )
  const layout = await wantedLayout(config)
  const { created, altered, left } = await mendTopics(config, layout)
  say(`Topics: ${created.length === 0 ? 'all there' : `made ${created.join(', ')}`}.`)
  if (altered.length > 0) say(`Topics: set what the guarantee needs of ${altered.join(', ')}.`)
  const { id, made } = await name(schema, config, new Set(created))
  for (const [kind, file] of keyFiles(config))
    say(keyLine(kind, file, ensureKeyFile(kind, file, systemRandom) ? 'made' : 'there'))
  say(`Installation ${id}: ${made ? 'made' : 'there'}.`)
  if (layout.record !== null) await writeFirstLayout(config, layout.record)
  if (layout.version === 1) say(await seedModels(config, new Set(created)))
  for (const line of await partitionLines(config, layout)) say(line)
  if (left.length === 0) return
  throw new ExitError(
    EXIT.configuration,
    [...left.map(differenceLine), ...(await byHand(config, left))].join('\n'),
  )
}

/** Reports what differs from what the services need; changes nothing. */
async function check(schema: MigrateParts, { config, say }: CommandParts<Values>): Promise<ExitCode> {
  const planned = await plan(schema)
  say(`Database ${config.clickhouseDatabase}: ${planned.length} statements to apply.`)
  const layout = await wantedLayout(config)
  const differences = await findDifferences(config, layout)
  for (const difference of differences) say(differenceLine(difference))
  for (const line of await partitionLines(config, layout)) say(line)
  const left = differences.filter(({ mendable }) => !mendable)
  for (const line of await byHand(config, left)) say(line)
  if (planned.length + differences.length === 0) {
    say('Everything is as it must be.')
    return EXIT.ok
  }
  if (planned.length + differences.length > left.length) say('Run npm run migrate: it mends what can be set.')
  return EXIT.configuration
}

/** The layout of the installation; where it has none, `record` is the one that is still to be written. */
async function wantedLayout(config: Config): Promise<LayoutInForce & { readonly record: Layout | null }> {
  const found = await findLayout(config)
  const record = found === null ? await layoutToWrite(config) : null
  return { ...layoutInForce(config, found ?? (record as Layout)), record }
}

/** How many partitions count, and what differs from the settings or the topics. */
async function partitionLines(config: Config, layout: LayoutInForce): Promise<string[]> {
  const { partitions, growing, topics } = layout
  const lines = [`Partitions: ${partitions}, topics of version ${layout.version}.`]
  if (growing !== null) {
    lines.push(
      `The installation is being grown: npm run migrate -- --grow ${growing.partitions} goes on with it.`,
    )
  } else if (config.partitions > partitions) {
    lines.push(
      `HIVEMETER_PARTITIONS says ${config.partitions}, which counts for a new installation only. While the services run, npm run migrate -- --grow ${config.partitions} gives this one as many.`,
    )
  }
  const counts = await partitionCounts(config, layout.version)
  const added = [...counts].filter(
    ([name, count]) => count > partitions && ![...UNVERSIONED].some((role) => topics[role] === name),
  )
  for (const [name, count] of added) {
    lines.push(
      `Topic ${name} has ${count} partitions, of which ${partitions} count: nothing of Hivemeter is in the others. Kafka cannot take them away; npm run migrate -- --grow ${count} moves everything to topics that have as many, with what others wrote there.`,
    )
  }
  return lines
}

/** Gives the installation `wanted` partitions. */
async function growTo(
  schema: Schema,
  { config, signal, say }: CommandParts<Values>,
  wanted: string,
): Promise<ExitCode> {
  if (!/^[1-9]\d{0,3}$/.test(wanted) || Number(wanted) > PARTITIONS_MAX) {
    throw new ExitError(
      EXIT.usage,
      `--grow takes a whole number up to ${PARTITIONS_MAX}, not "${wanted}".\n${USAGE}`,
    )
  }
  const { database: client, clock, random } = schema
  await grow({ config, client, clock, random, signal, say }, Number(wanted))
  return EXIT.ok
}

/** Confirms older operators, where the user agrees. */
async function confirm(schema: Schema, parts: CommandParts<Values>): Promise<ExitCode> {
  const { database: client, clock, signal } = schema
  const isAgreed = parts.values.yes === true ? async () => true : atTerminal(signal)
  return await confirmOperators({ ...parts, client, clock, signal, isAgreed })
}

/** Runs under the lock of migrations: two runs at a time would give two ids. */
async function name(
  schema: Schema,
  config: Config,
  newTopics: ReadonlySet<string>,
): Promise<NamedInstallation> {
  const { database, clock, random, holder, logger, signal } = schema
  const lock = await MigrationLock.acquire({
    sql: database,
    holder,
    waitMs: LOCK_WAIT_MS,
    clock,
    random,
    logger,
    signal,
  })
  try {
    return await nameInstallation({ config, database, clock, random, newTopics })
  } finally {
    await lock.release()
  }
}
