import { readFileSync } from 'node:fs'
import { addressesOf, openClickhouse } from '../../pipelines/clickhouse/client.ts'
import type { ClickhouseClient, ClickhouseOptions } from '../../pipelines/clickhouse/client.ts'
import { enginesOf, formProblem } from '../../pipelines/clickhouse/table-form.ts'
import type { Clock } from '../../pipelines/clock.ts'
import type { Config } from './config.ts'
import { EXIT, ExitError } from './exit.ts'

/** The settings that name a ClickHouse. */
export type ClickhousePlace = Pick<
  Config,
  | 'clickhouseUrl'
  | 'clickhouseCluster'
  | 'clickhouseUser'
  | 'clickhousePassword'
  | 'clickhouseDatabase'
  | 'clickhouseCaFile'
>

/** What a service chooses for its connection in addition to the settings. */
export type ClickhouseChoices = Partial<
  Pick<ClickhouseOptions, 'database' | 'requestTimeoutMs' | 'connectionsMax'>
>

/** Opens ClickHouse as the settings name it. Services, commands and tests open it here and nowhere else. */
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

/** The addresses of ClickHouse, to be shown to people: without anything that follows the host. */
export function clickhouseOrigins({ clickhouseUrl }: Config): string {
  return addressesOf(clickhouseUrl)
    .map((url) => new URL(url).origin)
    .join(', ')
}

/** How long to wait before a ClickHouse that did not answer is queried again for whether its tables fit the settings. */
const FORM_RETRY_MS = 5_000

/**
 * Resolves with an error (78) if the tables are replicated and the settings name no cluster, or the other way round, as
 * soon as ClickHouse answers: rows that are read and inserted by the wrong rules may count twice. Stays pending where
 * they fit.
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
      // ClickHouse is away, or this user may not see the tables: the code that reads them reports that.
      await parts.clock.delay(FORM_RETRY_MS, parts.signal)
    }
  }
  return await new Promise<Error>(() => {})
}
