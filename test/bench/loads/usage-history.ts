import { setTimeout as delay } from 'node:timers/promises'
import { clickhouseAt } from '../../support/servers/clickhouse.ts'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { partitionOfNode } from '../../../schemas/ids.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { loadNode } from './event-bodies.ts'

const STATEMENT_TIMEOUT_MS = 15 * 60_000

/** Raw events in one statement. */
const CHUNK_ROWS = 10_000_000

/** Events of a node come in bursts of a minute. */
const EVENTS_PER_BURST = 5
const DAYS = 7
const SECONDS_PER_DAY = 86_400

/** How long merges may take to finish. */
const MERGES_TIMEOUT_MS = 180_000
const MERGES_STEP_MS = 1_000

export interface HistoryOptions {
  /** Raw events over all nodes. */
  readonly rows: number
  /** The events belong to this many nodes, the first ones. */
  readonly nodes: number
  /** The end of the 7 days over which they are spread, on a whole hour. */
  readonly endMs: number
  readonly onProgress?: (rows: number) => void
}

/** What the tables hold then. */
export interface HistorySize {
  readonly rawRows: number
  readonly windowRows: number
  readonly parts: number
  readonly sizeBytes: number
}

/**
 * Fills the usage tables as a loader would have, in SQL: raw events, and their windows of 1 and 15 minutes added up from
 * them. Resolves when merges are done, or after three minutes.
 */
export async function fillHistory(installation: Installation, options: HistoryOptions): Promise<HistorySize> {
  const client = clickhouseAt(
    installation.environment['HIVEMETER_CLICKHOUSE_URL'] ?? '',
    installation.database,
    {
      requestTimeoutMs: STATEMENT_TIMEOUT_MS,
    },
  )
  try {
    await checkPartitioner(client, installation.partitions)
    const eventsPerNode = Math.max(EVENTS_PER_BURST, Math.floor(options.rows / options.nodes))
    const nodesPerChunk = Math.max(1, Math.floor(CHUNK_ROWS / eventsPerNode))
    for (let node = 0; node < options.nodes; node += nodesPerChunk) {
      const nodes = Math.min(nodesPerChunk, options.nodes - node)
      await insertChunk(client, installation, options, { node, nodes, eventsPerNode })
      options.onProgress?.((node + nodes) * eventsPerNode)
    }
    await insertWatermarks(client, installation, options.endMs)
    await mergesDone(client)
    return await sizeOf(client)
  } finally {
    await client.close()
  }
}

interface Chunk {
  readonly node: number
  readonly nodes: number
  readonly eventsPerNode: number
}

async function insertChunk(
  client: ClickhouseClient,
  { topics, partitions }: Installation,
  { endMs }: HistoryOptions,
  { node, nodes, eventsPerNode }: Chunk,
): Promise<void> {
  const bursts = Math.ceil(eventsPerNode / EVENTS_PER_BURST)
  await client.command(INSERT_RAW, {
    topic: topics.usageBlocks,
    partitions,
    from: node * eventsPerNode,
    count: nodes * eventsPerNode,
    events_per_node: eventsPerNode,
    burst_events: EVENTS_PER_BURST,
    burst_step_s: Math.floor((DAYS * SECONDS_PER_DAY) / bursts),
    start_s: Math.floor(endMs / 1_000) - DAYS * SECONDS_PER_DAY,
  })
  const between = { first: loadNode(node), last: loadNode(node + nodes - 1) }
  for (const [table, minutes] of [
    ['usage_1m', 1],
    ['usage_15m', 15],
  ] as const) {
    await client.command(insertWindows(table, minutes), between)
  }
}

const INSERT_RAW = `
INSERT INTO usage_events
  (src_topic, src_partition, src_seq, node_id, event_id, event_text, operator_id, model_id, task_source, occurred_at,
   received_at, record_offset, record_index, tokens_in, tokens_out, duration_ms, gpu_ms, gpu_ms_estimated, energy_mwh,
   energy_source, energy_mwh_estimated, energy_mwh_compatible, cost_nano_usd, goal_id, requester_node_id,
   reservation_id, late, models_version, content_hash)
SELECT
  {topic:String}, kafkaMurmurHash(name) % {partitions:UInt32}, intDiv(number, 50000) + 1, name, generateUUIDv4(), '',
  concat('op-', toString(intDiv(node, 4))), ['qwen3.5-4b-local', 'gpt-4.1', 'groq'][burst % 3 + 1],
  ['hive', 'own', 'idle'][intDiv(burst, 3) % 3 + 1], at, at + INTERVAL 2 SECOND, intDiv(number, 100), number % 100,
  rand(1) % 4000, rand(2) % 1000, rand(3) % 20000, NULL, rand(4) % 5000, NULL, 'none', rand(5) % 300, rand(6) % 1000,
  if(burst % 3 = 1, rand(7) % 50000000, 0), '', '', '', 0, 1, rand64(8)
FROM
(
  SELECT
    number, intDiv(number, {events_per_node:UInt64}) AS node, concat('node-', leftPad(toString(node), 7, '0')) AS name,
    number % {events_per_node:UInt64} AS event, intDiv(event, {burst_events:UInt64}) AS burst,
    fromUnixTimestamp64Milli(toInt64(
      ({start_s:UInt64} + burst * {burst_step_s:UInt64} + (event % {burst_events:UInt64}) * 10) * 1000 + rand(9) % 1000
    ), 'UTC') AS at
  FROM numbers({from:UInt64}, {count:UInt64})
)`

const insertWindows = (table: string, minutes: number): string => `
INSERT INTO ${table}
  (src_topic, src_partition, src_seq, node_id, window_start, model_id, task_source, events, late_events, tokens_in,
   tokens_out, duration_ms, gpu_ms_measured, gpu_ms_estimated, energy_mwh_measured, energy_mwh_estimated,
   energy_mwh_compatible, cost_nano_usd)
SELECT
  src_topic, src_partition, max(src_seq), node_id, toStartOfInterval(occurred_at, INTERVAL ${minutes} MINUTE) AS start,
  model_id, task_source, count(), 0, sum(tokens_in), sum(tokens_out), sum(duration_ms), 0, sum(gpu_ms_estimated), 0,
  sum(energy_mwh_estimated), sum(energy_mwh_compatible), sum(cost_nano_usd)
FROM usage_events
WHERE node_id BETWEEN {first:String} AND {last:String}
GROUP BY src_topic, src_partition, node_id, start, model_id, task_source`

/** What the reader queries first: how far each partition is loaded. */
async function insertWatermarks(
  client: ClickhouseClient,
  installation: Installation,
  endMs: number,
): Promise<void> {
  const { topics, partitions } = installation
  await client.command(
    `INSERT INTO watermarks (src_topic, src_partition, src_seq, watermark)
     SELECT {topic:String}, number, 1000000, fromUnixTimestamp64Milli({at:Int64}, 'UTC') FROM numbers({partitions:UInt64})`,
    { topic: topics.usageBlocks, partitions, at: endMs },
  )
}

/** The rows must be where the reader looks for them. */
async function checkPartitioner(client: ClickhouseClient, partitions: number): Promise<void> {
  const nodes = Array.from({ length: 100 }, (_, number) => loadNode(number))
  const rows = await client.rows<{ partition: number }>(
    'SELECT toUInt16(kafkaMurmurHash(arrayJoin({nodes:Array(String)})) % {partitions:UInt32}) AS partition',
    { nodes, partitions },
  )
  const isSame = nodes.every((node, at) => rows[at]?.partition === partitionOfNode(node, partitions))
  if (!isSame) throw new Error("ClickHouse's kafkaMurmurHash is not the partitioner of the topics.")
}

async function mergesDone(client: ClickhouseClient): Promise<void> {
  const deadlineMs = performance.now() + MERGES_TIMEOUT_MS
  while (performance.now() < deadlineMs) {
    const [row] = await client.rows<{ running: string }>(
      'SELECT count() AS running FROM system.merges WHERE database = currentDatabase()',
    )
    if (Number(row?.running) === 0) return
    await delay(MERGES_STEP_MS)
  }
}

async function sizeOf(client: ClickhouseClient): Promise<HistorySize> {
  const tables = await client.rows<{ table: string; rows: string; parts: string; size: string }>(
    `SELECT table, sum(rows) AS rows, count() AS parts, sum(bytes_on_disk) AS size FROM system.parts
     WHERE active AND database = currentDatabase() AND table IN ('usage_events', 'usage_15m') GROUP BY table`,
  )
  const of = (name: string): number => Number(tables.find(({ table }) => table === name)?.rows ?? 0)
  return {
    rawRows: of('usage_events'),
    windowRows: of('usage_15m'),
    parts: Number(tables.find(({ table }) => table === 'usage_15m')?.parts ?? 0),
    sizeBytes: tables.reduce((sum, { size }) => sum + Number(size), 0),
  }
}
