import { connect } from 'node:net'
import type { Config } from '../../services/config.ts'
import { EXIT, ExitError, describeError } from '../../services/exit.ts'

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
    socket.on('timeout', () => end(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`))
  })
}

/** Checks that one of the given brokers can be reached; fails with 69 and what was tried. */
export async function checkGivenKafka(config: Config): Promise<void> {
  const problems = await Promise.all(config.kafkaBrokers.map(tryConnect))
  if (problems.includes(undefined)) return
  throw new ExitError(
    EXIT.unreachable,
    `Kafka at ${config.kafkaBrokers.join(', ')} cannot be reached: ${problems[0]}. ` +
      'Start it, or unset HIVEMETER_KAFKA_BROKERS to run one here.',
  )
}

/** Asks the given ClickHouse for its version; fails with 69 and what was tried. */
export async function checkGivenClickhouse(config: Config): Promise<string> {
  const fail = (reason: string, cause?: unknown) =>
    new ExitError(
      EXIT.unreachable,
      `ClickHouse at ${config.clickhouseUrl} cannot be reached: ${reason}. ` +
        'Start it, or unset HIVEMETER_CLICKHOUSE_URL to run one here.',
      { cause },
    )
  let answer: Response
  let text: string
  try {
    answer = await fetch(config.clickhouseUrl, {
      method: 'POST',
      body: 'SELECT version()',
      headers: { 'x-clickhouse-user': config.clickhouseUser, 'x-clickhouse-key': config.clickhousePassword },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    })
    text = (await answer.text()).trim()
  } catch (error) {
    throw fail(describeError(error instanceof Error ? (error.cause ?? error) : error), error)
  }
  if (!answer.ok) throw fail(`it answered ${answer.status}: ${text.slice(0, 200)}`)
  return text
}
