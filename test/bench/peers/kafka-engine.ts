import { clickhouseAt } from '../../support/servers/clickhouse.ts'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { ENGINE_TABLES, RAW_VIEW, tableStatements, windowsView } from './kafka-engine-sql.ts'
import { processCpuSeconds } from '../harness/process-figures.ts'
import { compareSums } from './streams-result.ts'
import type { WindowSums } from './streams-result.ts'

const POLL_MS = 100
const TURN_TIMEOUT_MS = 240_000
const REQUEST_TIMEOUT_MS = 60_000

export interface KafkaEngineOptions {
  readonly clickhouseUrl: string
  readonly brokers: readonly string[]
  /** Filled by `fillRowBinary`. */
  readonly topic: string
  /** Events in the topic, repeats included: this peer drops none. */
  readonly events: number
  /** Created for this turn and dropped after it; its name also makes the consumer group unique. */
  readonly database: string
  /** The processes whose CPU time counts: all of the ClickHouse server. */
  readonly pids: readonly number[]
  /** Leaves the raw rows out, as the reference measurements did. */
  readonly windowsOnly?: boolean
  /** With every repeat; the turn fails unless the windows contain exactly this. */
  readonly expected?: ReadonlyMap<string, WindowSums>
  readonly signal?: AbortSignal
}

export interface KafkaEngineTurn {
  readonly seconds: number
  readonly eventsPerSecond: number
  readonly cpuSeconds: number
  /** From the time when half of the rows were visible to the end; the steps are those of the polls and of the flushes. */
  readonly detail: {
    readonly warmSeconds: number
    readonly warmEvents: number
    readonly warmCpuSeconds: number
  }
}

/**
 * One turn of ClickHouse's own Kafka consumer: from the view that begins to consume until every row is visible, including
 * joining the group and flushes. At least once, no repeats dropped.
 */
export async function kafkaEngineTurn(options: KafkaEngineOptions): Promise<KafkaEngineTurn> {
  const { clickhouseUrl: url, database } = options
  const outside = clickhouseAt(url, 'default', { requestTimeoutMs: REQUEST_TIMEOUT_MS })
  const inside = clickhouseAt(url, database, { requestTimeoutMs: REQUEST_TIMEOUT_MS })
  try {
    await outside.command(`CREATE DATABASE ${database}`)
    const turn = await consume(inside, options)
    if (options.expected !== undefined) compareSums(await readWindows(inside), options.expected)
    return turn
  } finally {
    await inside.close()
    // The queue first, so that no consumer writes into a table that is being dropped.
    await outside.command(`DROP TABLE IF EXISTS ${database}.${ENGINE_TABLES.queue} SYNC`)
    await outside.command(`DROP DATABASE IF EXISTS ${database} SYNC`)
    await outside.close()
  }
}

async function consume(sql: ClickhouseClient, options: KafkaEngineOptions): Promise<KafkaEngineTurn> {
  const { events, pids, windowsOnly = false } = options
  const group = options.database
  for (const statement of tableStatements({ ...options, group, windowsOnly })) await sql.command(statement)
  // The view on the queue comes last: it begins to consume, and rows that another view misses are lost for it.
  if (!windowsOnly) await sql.command(windowsView(ENGINE_TABLES.raw))
  const startedMs = systemClock.monotonicMs()
  const startCpuSeconds = processCpuSeconds(pids)
  const since = () => ({
    seconds: (systemClock.monotonicMs() - startedMs) / 1_000,
    cpuSeconds: processCpuSeconds(pids) - startCpuSeconds,
  })
  await sql.command(windowsOnly ? windowsView(ENGINE_TABLES.queue) : RAW_VIEW)
  let middle: { seconds: number; cpuSeconds: number; events: number } | undefined
  for (;;) {
    const seen = await visibleEvents(sql, windowsOnly)
    const now = since()
    // It promises no more than at least once.
    if (seen > events) throw new Error(`The Kafka engine has written ${seen} rows of ${events} events.`)
    if (seen >= events / 2) middle ??= { ...now, events: seen }
    if (seen === events && middle !== undefined) {
      return {
        ...now,
        eventsPerSecond: Math.round(events / now.seconds),
        detail: {
          warmSeconds: now.seconds - middle.seconds,
          warmEvents: events - middle.events,
          warmCpuSeconds: now.cpuSeconds - middle.cpuSeconds,
        },
      }
    }
    options.signal?.throwIfAborted()
    if (now.seconds * 1_000 > TURN_TIMEOUT_MS)
      throw new Error(`The Kafka engine has written ${seen} of ${events} events in ${now.seconds} s.`)
    await systemClock.delay(POLL_MS, options.signal)
  }
}

/** Events that are in every table of the turn. */
async function visibleEvents(sql: ClickhouseClient, windowsOnly: boolean): Promise<number> {
  const windows = `(SELECT sum(events) FROM ${ENGINE_TABLES.windows})`
  const raw = `(SELECT count() FROM ${ENGINE_TABLES.raw})`
  const [row] = await sql.rows<{ events: string }>(
    `SELECT ${windowsOnly ? windows : `least(${windows}, ${raw})`} AS events`,
  )
  return Number(row?.events ?? 0)
}

async function readWindows(sql: ClickhouseClient): Promise<Map<string, WindowSums>> {
  const rows = await sql.rows<Record<'key' | 'events' | 'duration_ms' | 'cost_nano_usd' | 'tokens', string>>(
    `SELECT concat(node_id, '|', toString(toUnixTimestamp(window_start)), '000') AS key, sum(w.events) AS events,
      sum(w.duration_ms) AS duration_ms, sum(w.cost_nano_usd) AS cost_nano_usd, sum(w.tokens) AS tokens
     FROM ${ENGINE_TABLES.windows} AS w GROUP BY node_id, window_start`,
  )
  return new Map(
    rows.map((row) => [
      row.key,
      {
        events: Number(row.events),
        durationMs: BigInt(row.duration_ms),
        costNanoUsd: BigInt(row.cost_nano_usd),
        tokens: BigInt(row.tokens),
      },
    ]),
  )
}
