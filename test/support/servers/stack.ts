import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startClickhouse } from '../../../infra/local/clickhouse/start.ts'
import { startKafka } from '../../../infra/local/kafka/start.ts'

/** A Kafka and a ClickHouse to test against, wherever they run. */
export interface Stack {
  readonly brokers: readonly string[]
  readonly clickhouseUrl: string
  /** In words, for the head of a test run: "local parts", "containers", "given addresses". */
  readonly source: string
  stop(): Promise<void>
}

export interface StackPorts {
  readonly kafka: number
  readonly kafkaController: number
  readonly clickhouse: number
}

const DOCKER_SOCKET = '/var/run/docker.sock'

/**
 * Starts what a test run needs: the servers named in the environment if both are, containers if
 * HIVEMETER_TEST_CONTAINERS=1 and a Docker socket is there, else the local parts in a new folder under the system's
 * temporary one, which `stop` removes.
 * @param extraEngines engines of tables that the local ClickHouse allows beyond its list.
 */
export async function startStack(
  environment: NodeJS.ProcessEnv,
  ports: StackPorts,
  extraEngines: readonly string[] = [],
): Promise<Stack> {
  const brokers = environment['HIVEMETER_KAFKA_BROKERS']
  const clickhouseUrl = environment['HIVEMETER_CLICKHOUSE_URL']
  if (brokers !== undefined && clickhouseUrl !== undefined) {
    return { brokers: brokers.split(','), clickhouseUrl, source: 'given addresses', stop: async () => {} }
  }
  if (environment['HIVEMETER_TEST_CONTAINERS'] === '1') {
    if (!existsSync(DOCKER_SOCKET))
      throw new Error(`HIVEMETER_TEST_CONTAINERS=1, but there is no ${DOCKER_SOCKET}.`)
    // testcontainers takes a second to load and is of no use without Docker.
    const { startContainers } = await import('./containers.ts')
    return startContainers()
  }
  return startLocalParts(ports, extraEngines)
}

async function startLocalParts(ports: StackPorts, extraEngines: readonly string[]): Promise<Stack> {
  await using started = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'hivemeter-test-'))
  started.defer(() => rm(dir, { recursive: true, force: true }))
  const kafkaStart = startKafka({ dataDir: dir, port: ports.kafka, controllerPort: ports.kafkaController })
  const clickhouse = await startClickhouse({
    dir: join(dir, 'clickhouse'),
    port: ports.clickhouse,
    extraEngines,
    logFile: join(dir, 'clickhouse.log'),
  }).catch(async (error: unknown) => {
    await kafkaStart.then((kafka) => kafka.stop())
    throw error
  })
  started.defer(() => clickhouse.stop())
  const kafka = await kafkaStart
  started.defer(() => kafka.stop())
  const owned = started.move()
  return {
    brokers: kafka.brokers,
    clickhouseUrl: clickhouse.url,
    source: 'local parts',
    stop: () => owned.disposeAsync(),
  }
}
