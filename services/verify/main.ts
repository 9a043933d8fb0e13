import { systemClock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { clickhouseOf } from '../runtime/clickhouse.ts'
import { runCommand } from '../runtime/command.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import { checkInstallation } from '../runtime/installation.ts'
import type { ExitCode } from '../runtime/exit.ts'
import { ID_KEY, readKeyFile } from '../runtime/key-file.ts'
import { Differences } from './differences.ts'
import { layoutOf } from '../runtime/layout.ts'
import { Logs } from './logs.ts'
import { ModelVersions } from './model-tables.ts'
import type { SourceRecord } from './source.ts'
import { Tables } from './tables.ts'
import { verify } from './verify.ts'
import { topicNames } from '../../schemas/topics.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import type { VerifiedVersion } from './verify.ts'
import { topicsThere } from '../../pipelines/kafka/read.ts'
import type { Config } from '../runtime/config.ts'
import { kafkaOf } from '../runtime/kafka.ts'

const CLIENT_ID = 'hivemeter-verify'

/** What it reads of a version; of the others it may not even see that they are there. */
const READ = ['usageMetered', 'usageIds', 'accountInbox', 'nodeState'] as const satisfies readonly TopicRole[]

/** One query may group a day of windows. */
const QUERY_TIMEOUT_MS = 120_000

const USAGE = `Usage: npm run verify -- [--wait seconds] [--config file.json]
Works out every window, cost, account and wallet again from the logs and compares them with ClickHouse and node.state.
Ends with 0, or with 6 where anything differs. It writes nothing and may run while usage comes in.
  --wait  longest wait for settler and loader to come as far as the aggregator is (default 30)`

await runCommand(
  { name: 'verify', usage: USAGE, options: { wait: { type: 'string', default: '30' } } },
  async ({ config, values, signal, say }): Promise<ExitCode> => {
    const { wait } = values
    if (!/^\d{1,4}$/.test(wait))
      throw new ExitError(EXIT.usage, `--wait takes whole seconds, not "${wait}".\n${USAGE}`)
    const client = clickhouseOf(config, { requestTimeoutMs: QUERY_TIMEOUT_MS })
    await checkInstallation({ config, clientId: 'hivemeter-verify', client, logger: silentLogger })
    const differences = new Differences()
    const present = await topicsThere(kafkaOf(config, CLIENT_ID, silentLogger))
    const versions = await versionsOf(config, present)
    const models = new ModelVersions(() => modelsRecords(config, present))
    const counts = await client.onOneReplica(
      async (replica) =>
        await verify({
          versions,
          tables: new Tables(replica),
          differences,
          clock: systemClock,
          catchUpMs: Number(wait) * 1_000,
          signal,
          say,
          models,
          idKey: () => readKeyFile(ID_KEY, config.idKeyFile),
        }),
    )
    await client.close()
    if (counts.older > 0) {
      say(
        `${counts.accounts - counts.older} accounts from their first record on, ${counts.older} older than the inbox`,
      )
    }
    if (counts.undecided > 0) {
      say(`${counts.undecided} events and requests were set aside as cannot_be_decided: taken as facts`)
    }
    if (counts.moving > 0) say(`${counts.moving} windows took in more meanwhile and were left out`)
    for (const line of differences.lines()) say(line)
    const { windows, costs, accounts, wallets } = counts
    say(
      `${differences.count} differences in ${windows} windows, ${costs} costs, ${accounts} accounts, ${wallets} wallets`,
    )
    return differences.count === 0 ? EXIT.ok : EXIT.differences
  },
)

/** The versions of the topics, oldest first; one whose topics were deleted has no logs. */
async function versionsOf(config: Config, present: ReadonlySet<string>): Promise<VerifiedVersion[]> {
  const layout = await layoutOf(config, CLIENT_ID)
  const isEnding = layout.growing !== null
  return [...layout.before, { ...layout, ended: null }].map(({ partitions, topics, ended }) => ({
    partitions,
    topics,
    ended,
    isEnding,
    logs: READ.every((role) => present.has(topics[role])) ? new Logs(config, topics) : null,
  }))
}

/** The records of hivemeter.models up to now; none where nobody has migrated yet. */
async function* modelsRecords(config: Config, present: ReadonlySet<string>): AsyncGenerator<SourceRecord> {
  const topics = topicNames(config.topicPrefix)
  if (!present.has(topics.models)) return
  const logs = new Logs(config, topics)
  const { end: to } = await logs.range('models', 0)
  yield* logs.read('models', 0, { to })
}
