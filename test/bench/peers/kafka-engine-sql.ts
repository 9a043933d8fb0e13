import { readMigrations } from '../../../pipelines/clickhouse/migrate-files.ts'
import { ROW_COLUMNS } from './rowbinary-topic.ts'

/** What a Kafka engine turn creates in its database. */
export const ENGINE_TABLES = { queue: 'usage_queue', raw: 'usage_events', windows: 'usage_windows' } as const

/** Rows that a consumer gathers before it writes a block, and how long it waits for them; polls keep their default size. */
const BLOCK_ROWS_MAX = 262_144
const FLUSH_MS = 1_000
const CONSUMERS = 2

/** The statement of our own migrations that makes the raw events table: the peer writes the same columns. */
function rawTable(): string {
  const found = readMigrations()
    .flatMap(({ statements }) => statements)
    .find(({ sql }) => sql.startsWith(`CREATE TABLE IF NOT EXISTS ${ENGINE_TABLES.raw}\n`))
  if (found === undefined) throw new Error('No migration makes the raw events table.')
  return found.sql
}

/** Tables, without views that move rows between them. */
export function tableStatements(options: {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly group: string
  readonly windowsOnly: boolean
}): string[] {
  const sum = 'SimpleAggregateFunction(sum, UInt64)'
  return [
    ...(options.windowsOnly ? [] : [rawTable()]),
    `CREATE TABLE ${ENGINE_TABLES.windows}
     (node_id String, window_start DateTime('UTC'), events ${sum}, duration_ms ${sum}, cost_nano_usd ${sum}, tokens ${sum})
     ENGINE = AggregatingMergeTree ORDER BY (node_id, window_start)`,
    `CREATE TABLE ${ENGINE_TABLES.queue} (${ROW_COLUMNS}) ENGINE = Kafka SETTINGS
     kafka_broker_list = '${options.brokers.join(',')}', kafka_topic_list = '${options.topic}',
     kafka_group_name = '${options.group}', kafka_format = 'RowBinary', kafka_num_consumers = ${CONSUMERS},
     kafka_thread_per_consumer = 1, kafka_max_block_size = ${BLOCK_ROWS_MAX}, kafka_flush_interval_ms = ${FLUSH_MS}`,
  ]
}

/** The view that adds up `from`: the queue, or the raw rows as they come. */
export function windowsView(from: string): string {
  return `CREATE MATERIALIZED VIEW usage_windows_view TO ${ENGINE_TABLES.windows} AS
    SELECT node_id, toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS window_start, count() AS events,
      sum(ifNull(duration_ms, 0)) AS duration_ms, sum(cost_nano_usd) AS cost_nano_usd,
      sum(toUInt64(tokens_in) + tokens_out) AS tokens
    FROM ${from} GROUP BY node_id, window_start`
}

/** The view that takes rows from the queue into the raw table. Estimates, lateness and content hash stay empty. */
export const RAW_VIEW = `CREATE MATERIALIZED VIEW usage_events_view TO ${ENGINE_TABLES.raw} AS
  SELECT _topic AS src_topic, toUInt16(_partition) AS src_partition, _offset AS src_seq,
    ifNull(_timestamp_ms, toDateTime64(0, 3)) AS received_at, _offset AS record_offset, *
  FROM ${ENGINE_TABLES.queue}`
