import { systemClock } from '../../pipelines/clock.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { clickhouseOf } from '../runtime/clickhouse.ts'
import { runCommand } from '../runtime/command.ts'
import { EXIT, ExitError } from '../runtime/exit.ts'
import { checkInstallation } from '../runtime/installation.ts'
import type { ExitCode } from '../runtime/exit.ts'
import { ID_KEY, readKeyFile } from '../runtime/key-file.ts'
import type { VerifiedVersion } from './check.ts'
import { CHECKS } from './checks.ts'
import { Differences } from './differences.ts'
import { layoutOf } from '../runtime/layout.ts'
import { Logs } from './logs.ts'
import type { SourceRecord } from './source.ts'
import { summaryOf } from './summary.ts'
import { Tables } from './tables.ts'
import { verify } from './verify.ts'
import { topicNames } from '../../schemas/topics.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import { topicsThere } from '../../pipelines/kafka/read.ts'
import type { Config } from '../runtime/config.ts'
import { kafkaOf } from '../runtime/kafka.ts'

const CLIENT_ID = 'hivemeter-verify'

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
    const versions = await versionsOf(config)
    const compared = await client.onOneReplica(async (replica) => {
      const run = {
        tables: new Tables(replica),
        differences,
        clock: systemClock,
        catchUpMs: Number(wait) * 1_000,
        signal,
        say,
        idKey: () => readKeyFile(ID_KEY, config.idKeyFile),
        recordsOf: (role: TopicRole) => recordsOf(config, present, role),
      }
      return await verify({ run, checks: CHECKS.map((Kind) => new Kind(run)), versions, present })
    })
    await client.close()
    for (const line of summaryOf(compared, differences)) say(line)
    return differences.count === 0 ? EXIT.ok : EXIT.differences
  },
)

/** The versions of the topics, oldest first. */
async function versionsOf(config: Config): Promise<VerifiedVersion[]> {
  const layout = await layoutOf(config, CLIENT_ID)
  const isEnding = layout.growing !== null
  return [...layout.before, { ...layout, ended: null }].map(({ partitions, topics, ended }) => ({
    partitions,
    topics,
    logs: new Logs(config, topics),
    ended,
    isClosed: ended !== null || isEnding,
  }))
}

/**
 * The records up to now of a topic that has no versions; none where it does not exist, because `migrate` has not run yet.
 */
async function* recordsOf(
  config: Config,
  present: ReadonlySet<string>,
  role: TopicRole,
): AsyncGenerator<SourceRecord> {
  const topics = topicNames(config.topicPrefix)
  if (!present.has(topics[role])) return
  const logs = new Logs(config, topics)
  const { end: to } = await logs.range(role, 0)
  yield* logs.read(role, 0, { to })
}
