import { ClickhouseAway, ClickhouseRefused } from '../../pipelines/clickhouse/client.ts'
import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { installationIds } from '../../pipelines/clickhouse/queries/installation.ts'
import { readInstallation } from '../../pipelines/kafka/installation.ts'
import type { Logger } from '../../pipelines/logger.ts'
import { topicNames } from '../../schemas/topics.ts'
import type { Config } from './config.ts'
import { EXIT, ExitError } from './exit.ts'
import { kafkaOf } from './kafka.ts'
import { differentIds } from '../migrate/decide-installation.ts'

/** UNKNOWN_TABLE and UNKNOWN_DATABASE: `migrate` has not made them. */
const NOT_MADE: ReadonlySet<number> = new Set([60, 81])

/**
 * The id of the installation that both stores must name. Exit 78 where one of them names none or another. A ClickHouse
 * that does not answer does not prevent a start: the code that later reads a partition's numbers from it checks the id as
 * well.
 */
export async function checkInstallation(options: {
  readonly config: Config
  readonly clientId: string
  readonly client: ClickhouseClient
  readonly logger: Logger
}): Promise<string> {
  const { config, clientId, client, logger } = options
  const place = installationPlace(config.topicPrefix)
  const inKafka = await readInstallation({ ...kafkaOf(config, clientId, logger), ...place })
  if (inKafka === null) throw unnamed('Kafka')
  const { installation_id } = inKafka
  try {
    const ids = await installationIds(client)
    const other = ids.find((id) => id !== installation_id)
    if (other !== undefined) throw new ExitError(EXIT.configuration, differentIds(installation_id, other))
    if (ids.length === 0) throw unnamed('ClickHouse')
  } catch (error) {
    if (error instanceof ClickhouseAway) {
      logger.warn(
        { err: error },
        'ClickHouse does not answer; whether it is this installation’s is asked later',
      )
    } else if (error instanceof ClickhouseRefused && NOT_MADE.has(error.code)) {
      throw unnamed('ClickHouse')
    } else {
      throw error
    }
  }
  return installation_id
}

/** Where Kafka keeps the installation's name, and the groups in which it is read. */
export function installationPlace(topicPrefix: string): {
  readonly topic: string
  readonly groupBase: string
} {
  return { topic: topicNames(topicPrefix).installation, groupBase: `${topicPrefix}installation` }
}

function unnamed(store: 'Kafka' | 'ClickHouse'): ExitError {
  return new ExitError(
    EXIT.configuration,
    `${store} does not say which installation it belongs to: it is new, or of a version before. ` +
      'Run npm run migrate; it names it where the two stores fit, and says what to do where they do not.',
  )
}
