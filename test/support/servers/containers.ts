import { GenericContainer, Wait } from 'testcontainers'
import type { Stack } from './stack.ts'

/** The same versions as infra/compose.yaml. */
const KAFKA_IMAGE = 'apache/kafka:4.3.1'
const CLICKHOUSE_IMAGE = 'clickhouse/clickhouse-server:26.7.4.58'

/** A fixed port outside: the broker must tell its clients the address under which they reach it. */
const KAFKA_PORT = 26_925
const CLICKHOUSE_HTTP = 8123
const START_TIMEOUT_MS = 180_000

const KAFKA_ENVIRONMENT = {
  KAFKA_NODE_ID: '1',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  KAFKA_LISTENERS: `PLAINTEXT://0.0.0.0:${KAFKA_PORT},CONTROLLER://0.0.0.0:9093`,
  KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${KAFKA_PORT}`,
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
  KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
  KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
  KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '4',
  KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
  KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
  KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
  KAFKA_LOG_MESSAGE_TIMESTAMP_TYPE: 'LogAppendTime',
  KAFKA_MESSAGE_MAX_BYTES: '8388608',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
  KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS: '1000',
}

/**
 * Kafka and ClickHouse as containers; needs a Docker socket. Without one they do not run: the run reports which servers
 * it used.
 */
export async function startContainers(): Promise<Stack> {
  await using started = new AsyncDisposableStack()
  const kafka = await new GenericContainer(KAFKA_IMAGE)
    .withEnvironment(KAFKA_ENVIRONMENT)
    .withExposedPorts({ container: KAFKA_PORT, host: KAFKA_PORT })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start()
  started.defer(async () => void (await kafka.stop()))
  const clickhouse = await new GenericContainer(CLICKHOUSE_IMAGE)
    .withEnvironment({ CLICKHOUSE_SKIP_USER_SETUP: '1' })
    .withExposedPorts(CLICKHOUSE_HTTP)
    .withWaitStrategy(Wait.forHttp('/ping', CLICKHOUSE_HTTP))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start()
  started.defer(async () => void (await clickhouse.stop()))
  const owned = started.move()
  return {
    brokers: [`127.0.0.1:${KAFKA_PORT}`],
    clickhouseUrl: `http://${clickhouse.getHost()}:${clickhouse.getMappedPort(CLICKHOUSE_HTTP)}`,
    source: 'containers',
    stop: () => owned.disposeAsync(),
  }
}
