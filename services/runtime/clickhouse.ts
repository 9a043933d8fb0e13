import { readFileSync } from 'node:fs'
import { addressesOf, openClickhouse } from '../../pipelines/clickhouse/client.ts'
import type { ClickhouseClient, ClickhouseOptions } from '../../pipelines/clickhouse/client.ts'
import { enginesOf, formProblem } from '../../pipelines/clickhouse/table-form.ts'
import type { Clock } from '../../pipelines/clock.ts'
import type { Config } from './config.ts'
import { EXIT, ExitError } from './exit.ts'

/** The settings that name it. */
export type ClickhousePlace = Pick<
  Config,
  | 'clickhouseUrl'
  | 'clickhouseCluster'
  | 'clickhouseUser'
  | 'clickhousePassword'
  | 'clickhouseDatabase'
  | 'clickhouseCaFile'
>

/** What a service asks of its connection beside what the settings say. */
export type ClickhouseChoices = Partial<
  Pick<ClickhouseOptions, 'database' | 'requestTimeoutMs' | 'connectionsMax'>
>

/** Opens ClickHouse as the settings name it: the one place that does, for services, commands and tests. */
export function clickhouseOf(config: ClickhousePlace, choices: ClickhouseChoices = {}): ClickhouseClient {
  return openClickhouse({
    url: config.clickhouseUrl,
    cluster: config.clickhouseCluster,
    user: config.clickhouseUser,
    password: config.clickhousePassword,
    database: config.clickhouseDatabase,
    ca: config.clickhouseCaFile === '' ? undefined : readFileSync(config.clickhouseCaFile, 'utf8'),
    ...choices,
  })
}

/** Its addresses for people: without what may stand behind the host. */
export function clickhouseOrigins({ clickhouseUrl }: Config): string {
  return addressesOf(clickhouseUrl)
    .map((url) => new URL(url).origin)
    .join(', ')
}

/** How long until a ClickHouse that did not answer is asked again whether its tables fit the settings. */
const FORM_RETRY_MS = 5_000

/**
 * Resolves with an error (78) if the tables are replicated and the settings name no cluster, or the other way round, as
 * soon as ClickHouse answers: what is read and inserted by the wrong rules may count twice. Pending where they fit.
 */
export async function tablesMisfit(
  client: ClickhouseClient,
  parts: { readonly config: Config; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Error> {
  const { clickhouseCluster: cluster, clickhouseDatabase: database } = parts.config
  while (!parts.signal.aborted) {
    try {
      const problem = formProblem(cluster, database, await enginesOf(client, database))
      if (problem !== undefined) return new ExitError(EXIT.configuration, problem)
      break
    } catch {
      // Away, or not for this user to see: whoever reads the tables says so.
      await parts.clock.delay(FORM_RETRY_MS, parts.signal)
    }
  }
  return await new Promise<Error>(() => {})
}
