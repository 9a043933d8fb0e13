import { connect } from 'node:net'
import { ClickhouseAway } from '../../pipelines/clickhouse/errors.ts'
import { answersOfMajority } from '../../pipelines/clickhouse/replicas.ts'
import { refusalBehind } from '../../services/runtime/check-access.ts'
import type { Config } from '../../services/runtime/config.ts'
import { clickhouseOf } from '../../services/runtime/clickhouse.ts'
import { EXIT, ExitError, describeError } from '../../services/runtime/exit.ts'
import { SECOND_MS } from '../../schemas/units.ts'

const ANSWER_TIMEOUT_MS = 5_000

function tryConnect(address: string): Promise<string | undefined> {
  const at = address.lastIndexOf(':')
  return new Promise((resolve) => {
    const host = address.slice(0, at)
    const socket = connect({ host, port: Number(address.slice(at + 1)), timeout: ANSWER_TIMEOUT_MS })
    const end = (problem: string | undefined) => {
      socket.destroy()
      resolve(problem)
    }
    socket.on('connect', () => end(undefined))
    socket.on('error', (error) => end(describeError(error)))
    socket.on('timeout', () => end(`no answer within ${ANSWER_TIMEOUT_MS / SECOND_MS} s`))
  })
}

/** Checks that one of the given brokers can be reached; fails with 69 and the addresses that were tried. */
export async function checkGivenKafka(config: Config): Promise<void> {
  const problems = await Promise.all(config.kafkaBrokers.map(tryConnect))
  if (problems.includes(undefined)) return
  throw new ExitError(
    EXIT.unreachable,
    `Kafka at ${config.kafkaBrokers.join(', ')} cannot be reached: ${problems[0]}. ` +
      'Start it, or unset HIVEMETER_KAFKA_BROKERS to run one here.',
  )
}

/** Queries the given ClickHouse for its version; fails with 69 and the addresses that were tried. */
export async function checkGivenClickhouse(config: Config): Promise<string> {
  const fail = (reason: string, cause?: unknown) =>
    new ExitError(
      EXIT.unreachable,
      `ClickHouse at ${config.clickhouseUrl} cannot be reached: ${reason}. ` +
        'Start it, or unset HIVEMETER_CLICKHOUSE_URL to run one here.',
      { cause },
    )
  // The installation's own database may not exist yet.
  const client = clickhouseOf(config, { database: 'default', requestTimeoutMs: ANSWER_TIMEOUT_MS })
  try {
    // Of a cluster a majority is needed: without it nothing is loaded.
    const versions = await answersOfMajority(client, async (replica) => {
      const [row] = await replica.rows<{ version: string }>('SELECT version() AS version')
      return row?.version ?? 'of no version'
    })
    return [...new Set(versions)].join(', ')
  } catch (error) {
    // The message itself says that ClickHouse does not answer; the reason is in the error behind it.
    const reason = error instanceof ClickhouseAway && error.cause !== undefined ? error.cause : error
    throw refusalBehind(error, config) ?? fail(describeError(reason), error)
  } finally {
    await client.close()
  }
}
