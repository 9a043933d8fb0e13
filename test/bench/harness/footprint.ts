import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TopicRole } from '../../../schemas/topics.ts'
import { install } from '../../support/processes/installation.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { startService } from '../../support/processes/service-process.ts'
import { until } from '../../support/until.ts'
import { shown } from './bench-line.ts'
import type { BenchResult } from './bench-line.ts'
import { benchEvents, spanMs } from '../loads/events.ts'
import { Facts } from '../loads/facts.ts'
import { localClickhousePids, pidsOf, processCpuSeconds } from './process-figures.ts'
import { TopicFiller } from '../loads/topics.ts'
import { PARTITIONS } from './servers.ts'
import { PACK } from '../loads/fleet.ts'

const TURN_TIMEOUT_MS = 300_000
const SERVICES = ['aggregator', 'settler', 'loader', 'reader'] as const
const TOPICS: readonly TopicRole[] = [
  'usageMetered',
  'usageIds',
  'usageBlocks',
  'accountInbox',
  'nodeState',
  'settlementBlocks',
]

/**
 * What an event costs each part of the chain behind the gateway: CPU, bytes in every topic, bytes and INSERTs in
 * ClickHouse. docs/scale.md is computed from these. The chain runs as fast as it can, so that CPU of idle services counts
 * little.
 */
export async function benchFootprint(options: {
  readonly brokers: readonly string[]
  readonly clickhouseUrl: string
  readonly events: number
}): Promise<BenchResult> {
  const { brokers, clickhouseUrl, events: count } = options
  await using cleanup = new AsyncDisposableStack()
  const installation = await install({ name: 'bench', partitions: PARTITIONS, brokers, clickhouseUrl })
  cleanup.defer(() => installation.dispose())
  const facts = new Facts()
  const filler = new TopicFiller({ brokers, topic: installation.topics.usageMetered, pack: PACK })
  for (const placed of benchEvents({
    count,
    partitions: PARTITIONS,
    startMs: Date.now() - spanMs(count),
  })) {
    facts.add(placed)
    await filler.add(placed)
  }
  await filler.end()
  const kafka = kafkaProcess(brokers[0] ?? '')
  const servers = { broker: [kafka.pid], ClickHouse: localClickhousePids(clickhouseUrl) }
  const before = Object.values(servers).map(processCpuSeconds)
  const services = await Promise.all(SERVICES.map((name) => startService(installation, name)))
  for (const service of services) cleanup.defer(() => service.stop())
  await until('all events to be loaded and their costs settled', TURN_TIMEOUT_MS, () =>
    isDone(installation, facts),
  )

  const perMillion = (cpuSeconds: number): string =>
    `${((cpuSeconds / count) * 1e6).toFixed(2)} CPU-s a million`
  const cpu = [
    ...services.map(({ name, process }) => shown(name, perMillion(processCpuSeconds([process.pid ?? 0])))),
    ...Object.entries(servers).map(([name, pids], index) =>
      shown(name, perMillion(processCpuSeconds(pids) - (before[index] ?? 0))),
    ),
  ]
  const topics = TOPICS.map((role) => {
    const bytes = topicBytes(kafka.dataDir, installation.topics[role]) / count
    return shown(role, `${bytes.toFixed(1)} bytes an event`)
  })
  const tables = await installation.clickhouse.rows<{ table: string; bytes: string }>(
    `SELECT table, sum(bytes_on_disk) AS bytes FROM system.parts
     WHERE database = '${installation.database}' AND active GROUP BY table ORDER BY sum(bytes_on_disk) DESC LIMIT 4`,
  )
  const stored = tables.map(({ table, bytes }) =>
    shown(`table ${table}`, `${(Number(bytes) / count).toFixed(1)} bytes an event`),
  )
  const loader = services.find(({ name }) => name === 'loader')
  const groups = (await loader?.metric('hivemeter_loader_groups_total')) ?? 0
  const inserts = (await loader?.metric('hivemeter_clickhouse_inserts_total')) ?? 0
  return {
    lines: [...cpu, ...topics, ...stored, shown('INSERTs a group of blocks', (inserts / groups).toFixed(1))],
  }
}

async function isDone(installation: Installation, facts: Facts): Promise<boolean> {
  const row = await installation.row<{ raw: string; windowed: string; decided: string }>(
    `SELECT (SELECT count() FROM usage_events) AS raw, (SELECT sum(events) FROM usage_1m) AS windowed,
      (SELECT count() FROM cost_decisions) AS decided`,
  )
  return (
    Number(row.raw) === facts.unique &&
    Number(row.windowed) === facts.unique &&
    Number(row.decided) === facts.costs
  )
}

/** The local broker at this address, and the folder of its topics. */
function kafkaProcess(broker: string): { readonly pid: number; readonly dataDir: string } {
  const port = broker.slice(broker.lastIndexOf(':') + 1)
  const isBroker = (words: readonly string[]): boolean => {
    const file = words.find((word) => word.endsWith('server.properties'))
    return (
      file !== undefined && readFileSync(file, 'utf8').includes(`listeners=PLAINTEXT://127.0.0.1:${port},`)
    )
  }
  const [found] = pidsOf(isBroker)
  if (found === undefined) throw new Error(`No local broker listens at ${broker}.`)
  const file = found.words.find((word) => word.endsWith('server.properties')) ?? ''
  return { pid: found.pid, dataDir: join(dirname(file), 'data') }
}

/** The bytes of a topic's log, over all its partitions. */
function topicBytes(dataDir: string, topic: string): number {
  let bytes = 0
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const dir = join(dataDir, `${topic}-${partition}`)
    for (const file of readdirSync(dir)) {
      if (file.endsWith('.log')) bytes += statSync(join(dir, file)).size
    }
  }
  return bytes
}
