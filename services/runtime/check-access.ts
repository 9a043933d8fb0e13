import { checkAccess as checkClickhouse } from '../../pipelines/clickhouse/check-access.ts'
import { ClickhouseAway, addressesOf } from '../../pipelines/clickhouse/client.ts'
import { checkAccess as checkKafka } from '../../pipelines/kafka/check-access.ts'
import { refusalOf } from '../../pipelines/kafka/refusal.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { causesOf } from '../../pipelines/tls-refusal.ts'
import type { Refusal } from '../../pipelines/tls-refusal.ts'
import { clickhouseOf, clickhouseOrigins } from './clickhouse.ts'
import type { Config } from './config.ts'
import { kafkaOf } from './kafka.ts'
import { EXIT, ExitError } from './exit.ts'

/** A ClickHouse that takes longer to answer "SELECT 1" counts as away; other code finds that out. */
const ANSWER_TIMEOUT_MS = 3_000

/** Exit 78: the server is there, and it rejects this process because of the settings. */
function refused(server: string, address: string, { what, remedy }: Refusal, cause?: unknown): ExitError {
  const message = `${server} at ${address} does not let this process in: ${what}. ${remedy}`
  return new ExitError(EXIT.configuration, message, { cause })
}

/**
 * Checks whether Kafka lets this process in. Resolves with the error that the process must end with; with undefined where
 * Kafka lets it in or cannot be reached. Never rejects.
 */
export async function checkKafkaAccess(config: Config): Promise<ExitError | undefined> {
  const kafka = await checkKafka(kafkaOf(config, 'hivemeter-check', silentLogger))
  return kafka && refused('Kafka', config.kafkaBrokers.join(', '), kafka)
}

/** The same check for ClickHouse. */
export async function checkClickhouseAccess(config: Config): Promise<ExitError | undefined> {
  const client = clickhouseOf(config, { requestTimeoutMs: ANSWER_TIMEOUT_MS })
  try {
    for (const [place, url] of addressesOf(config.clickhouseUrl).entries()) {
      const clickhouse = await checkClickhouse(client.replicas[place] ?? client, url)
      if (clickhouse !== undefined) return refused('ClickHouse', new URL(url).origin, clickhouse)
    }
    return undefined
  } finally {
    await client.close()
  }
}

/**
 * Why an attempt failed, where a server is there and does not let this process in. Where the server only closed the
 * connection, it is checked once more.
 */
export async function explainFailure(error: unknown, config: Config): Promise<ExitError | undefined> {
  if (error instanceof ExitError && error.exitCode !== EXIT.unreachable) return undefined
  const known = refusalBehind(error, config)
  if (known !== undefined) return known
  const isClickhouse = causesOf(error).some((cause) => cause instanceof ClickhouseAway)
  return await (isClickhouse ? checkClickhouseAccess(config) : checkKafkaAccess(config))
}

/** The same, read from the error that an attempt ended with. Undefined where the error has another cause. */
export function refusalBehind(error: unknown, config: Config): ExitError | undefined {
  const away = causesOf(error).find((cause) => cause instanceof ClickhouseAway)
  const refusal = away === undefined ? refusalOf(error) : away.refusal
  if (refusal === undefined) return undefined
  return away === undefined
    ? refused('Kafka', config.kafkaBrokers.join(', '), refusal, error)
    : refused('ClickHouse', clickhouseOrigins(config), refusal, error)
}
