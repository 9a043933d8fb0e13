import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../pipelines/clock.ts'
import { clickhouseAt } from '../servers/clickhouse.ts'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { withAdmin } from '../../../pipelines/kafka/kafkajs/admin.ts'
import type { KafkaOptions } from '../../../pipelines/kafka/kafkajs/client.ts'
import { IdempotentProducer } from '../../../pipelines/kafka/producer.ts'
import { readPartition } from '../../../pipelines/kafka/read.ts'
import type { LogRecord } from '../../../pipelines/log/records.ts'
import { silentLogger } from '../../../pipelines/logger.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { aggregatorTaskCodec, settlerTaskCodec, STATE_KEY } from '../../../schemas/avro.ts'
import type { AggregatorTask, SettlerTask } from '../../../schemas/records.ts'
import { noMetrics } from '../../../schemas/metrics.ts'
import { topicNames } from '../../../schemas/topics.ts'
import type { TopicRole } from '../../../schemas/topics.ts'
import { testRulesRecord } from '../records/rules.ts'

/** The machine may be busy with other work, and a command that is cut off reports nothing about itself. */
const COMMAND_TIMEOUT_MS = 180_000
const QUERY_TIMEOUT_MS = 20_000

export interface InstallationOptions {
  /** A word in the names of topics and database, so that leftovers show their owner. */
  readonly name: string
  readonly partitions?: number
  /** The number of copies of every partition; one unless given. */
  readonly replicationFactor?: number
  /** The addresses of a stack that belongs to the test; those of the run unless given. */
  readonly brokers?: readonly string[]
  readonly clickhouseUrl?: string
  /** False: the account inbox stays empty; the test brings the rules by itself. */
  readonly rules?: boolean
}

/** How a command ended, and its whole output. */
export interface CommandEnd {
  readonly exitCode: number
  readonly output: string
}

/**
 * Topics, database and id key of one test file on servers that it shares with others: a complete Hivemeter of its own,
 * migrated by the real command.
 */
export class Installation {
  readonly prefix: string
  readonly database: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly topics: Readonly<Record<TopicRole, string>>
  readonly kafka: KafkaOptions
  readonly clickhouse: ClickhouseClient
  /** Settings of every process of this installation. */
  readonly environment: Readonly<Record<string, string>>
  readonly dir: string

  constructor(options: InstallationOptions, dir: string) {
    const id = `${options.name}_${systemRandom.bytes(4).toString('hex')}`
    const brokers = options.brokers ?? given('HIVEMETER_KAFKA_BROKERS').split(',')
    const clickhouseUrl = options.clickhouseUrl ?? given('HIVEMETER_CLICKHOUSE_URL')
    this.prefix = `${id}.`
    this.database = `test_${id}`
    this.partitions = options.partitions ?? 2
    this.replicationFactor = options.replicationFactor ?? 1
    this.topics = topicNames(this.prefix)
    this.dir = dir
    this.kafka = {
      brokers,
      clientId: `hivemeter-test-${id}`,
      logger: silentLogger,
      clock: systemClock,
      random: systemRandom,
    }
    this.clickhouse = clickhouseAt(clickhouseUrl, this.database, { requestTimeoutMs: QUERY_TIMEOUT_MS })
    this.environment = {
      HIVEMETER_KAFKA_BROKERS: brokers.join(','),
      HIVEMETER_CLICKHOUSE_URL: clickhouseUrl,
      HIVEMETER_CLICKHOUSE_DATABASE: this.database,
      HIVEMETER_TOPIC_PREFIX: this.prefix,
      HIVEMETER_PARTITIONS: String(this.partitions),
      HIVEMETER_REPLICATION_FACTOR: String(this.replicationFactor),
      HIVEMETER_ID_KEY_FILE: join(dir, 'id.key'),
      HIVEMETER_CURSOR_KEY_FILE: join(dir, 'cursor.key'),
      HIVEMETER_LOG_LEVEL: 'info',
      HIVEMETER_ACCESS: 'off',
    }
  }

  /** Runs one of the commands (`migrate`, `verify`, …) to its end, with `settings` added to the installation's own. */
  async command(
    name: string,
    args: readonly string[] = [],
    timeoutMs = COMMAND_TIMEOUT_MS,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<CommandEnd> {
    const main = fileURLToPath(new URL(`../../../services/${name}/main.ts`, import.meta.url))
    const env = environmentOf({ ...this.environment, ...settings })
    const options = { env, timeout: timeoutMs }
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...args], options)
      return { exitCode: 0, output: stdout + stderr }
    } catch (error) {
      const { code, stdout, stderr } = error as { code?: number; stdout?: string; stderr?: string }
      if (typeof code !== 'number') throw error
      return { exitCode: code, output: `${stdout ?? ''}${stderr ?? ''}` }
    }
  }

  /** The committed records of one partition, from its start to its current end. */
  async records(role: TopicRole, partition: number): Promise<LogRecord[]> {
    const records: LogRecord[] = []
    for await (const batch of readPartition({ ...this.kafka, topic: this.topics[role], partition })) {
      for (const record of batch) records.push(record)
    }
    return records
  }

  /** The newest task record of the aggregator's partition. */
  async aggregatorTask(partition: number): Promise<AggregatorTask | undefined> {
    const value = await this.#newestTask('usageIds', partition)
    return value === undefined ? undefined : aggregatorTaskCodec.decode(value)
  }

  /** The newest task record of the settler's partition. */
  async settlerTask(partition: number): Promise<SettlerTask | undefined> {
    const value = await this.#newestTask('nodeState', partition)
    return value === undefined ? undefined : settlerTaskCodec.decode(value)
  }

  /** Rows of one SELECT with one row. */
  async row<Row>(sql: string): Promise<Row> {
    const [row] = await this.clickhouse.rows<Row>(sql)
    if (row === undefined) throw new Error(`no row: ${sql}`)
    return row
  }

  /** Deletes everything. */
  async dispose(): Promise<void> {
    await this.clickhouse.command(`DROP DATABASE IF EXISTS ${this.database}`)
    await this.clickhouse.close()
    await withAdmin(this.kafka, async (admin) => {
      // The topics of every version: a test may have grown the installation.
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(this.prefix))
      await admin.deleteTopics({ topics })
    })
    await rm(this.dir, { recursive: true, force: true })
  }

  async #newestTask(role: 'usageIds' | 'nodeState', partition: number): Promise<Buffer | undefined> {
    const records = await this.records(role, partition)
    const newest = records.findLast(({ key }) => key?.toString('latin1') === STATE_KEY.task)
    return newest?.value ?? undefined
  }
}

/**
 * Makes topics, database and key with the program of `npm run migrate`. The account rules of the tests are the first
 * record in every inbox, so that they hold before any cost.
 */
export async function install(options: InstallationOptions): Promise<Installation> {
  const installation = new Installation(options, await mkdtemp(join(tmpdir(), 'hivemeter-test-')))
  const { exitCode, output } = await installation.command('migrate')
  if (exitCode !== 0) throw new Error(`migrate ended with ${exitCode}: ${output}`)
  if (options.rules !== false) await appendRules(installation)
  return installation
}

async function appendRules({ kafka, topics, partitions }: Installation): Promise<void> {
  const inbox = new IdempotentProducer({ ...kafka, topic: topics.accountInbox, metrics: noMetrics })
  const value = testRulesRecord()
  try {
    await inbox.append(
      Array.from({ length: partitions }, (_, partition) => ({ partition, key: null, value })),
    )
  } finally {
    await inbox.stop()
  }
}

/** The environment of this process without the run's own settings, and with `settings`. */
export function environmentOf(settings: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HIVEMETER_'))
  return { ...(Object.fromEntries(inherited) as Record<string, string>), ...settings }
}

function given(name: string): string {
  const value = process.env[name]
  if (value === undefined)
    throw new Error(`${name} is not set: run this by npm test, which starts the servers.`)
  return value
}
