import { install } from '../../support/processes/installation.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { startService } from '../../support/processes/service-process.ts'
import type { ServiceProcess } from '../../support/processes/service-process.ts'
import { AccountStream } from '../loads/account-stream.ts'
import { milliseconds, shown, whole } from '../harness/bench-line.ts'
import type { BenchLine, BenchResult } from '../harness/bench-line.ts'
import type { LoadReport } from '../loads/load-job.ts'
import { Load } from '../loads/load.ts'
import { CpuMeter, memoryOf, serverPid } from '../harness/process-figures.ts'
import { PARTITIONS, serviceSettings } from '../harness/servers.ts'
import type { BenchServers } from '../harness/servers.ts'
import { fillHistory } from '../loads/usage-history.ts'

const VIEWS = { perSecondMin: 3_000, p99MsMax: 10 }
const READER_MB_MAX = 900
const USAGE = { perSecond: 50, p99MsMax: 60, days: 7 }

/**
 * Twice what a million accounts need in V8's old heap (their bytes are outside of it): garbage is collected before it
 * grows.
 */
const READER_FLAGS = ['--max-old-space-size=400']

/** Changed accounts a second while views are requested. */
const CHANGES_PER_SECOND = 2_000

const READY_TIMEOUT_MS = 180_000
const FULL_LANES = 16
const SCHEDULED_LANES = 64
/** The raw events belong to this many nodes; to fewer where they would have next to none. */
const HISTORY_NODES = 10_000
const EVENTS_PER_NODE_MIN = 1_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const WARM_UP_MS = 5_000
const GIBIBYTE = 1_073_741_824

export interface ReaderBenchOptions {
  readonly servers: BenchServers
  readonly nodes: number
  /** Raw usage events in ClickHouse; 0 leaves that part out. */
  readonly rows: number
  readonly measureMs: number
  /** Folder for a CPU profile of the reader. */
  readonly profileDir?: string | undefined
}

/**
 * One reader process with a million nodes: how soon it is ready, its memory, how many provider views it answers while
 * accounts change, and usage of a week by hours out of a hundred million events.
 */
export async function benchReader(options: ReaderBenchOptions): Promise<BenchResult> {
  const { nodes, rows, measureMs } = options
  const { brokers, clickhouseUrl } = options.servers
  const installation = await install({ name: 'bench_reader', brokers, clickhouseUrl, partitions: PARTITIONS })
  const accounts = new AccountStream(installation, nodes, 'grown')
  let reader: ServiceProcess | undefined
  const over = new AbortController()
  try {
    console.log(`writing ${whole(nodes)} accounts`)
    await accounts.fill()
    const startMs = performance.now()
    reader = await startService(installation, 'reader', {
      settings: serviceSettings(options.profileDir, READER_FLAGS),
    })
    await reader.ready(READY_TIMEOUT_MS)
    const startedS = (performance.now() - startMs) / 1_000
    const lines = [
      shown(
        `reader with ${whole(nodes)} nodes is ready`,
        `after ${startedS.toFixed(1)} s; an account has ${whole(accounts.sizeBytes / nodes)} bytes`,
      ),
      shown('memory when it is ready', memoryText(reader)),
    ]
    const changing = accounts.run(CHANGES_PER_SECOND, over.signal)
    console.log('asking for provider views')
    const changesStartMs = performance.now()
    lines.push(...(await viewLines(reader, nodes, measureMs)))
    over.abort()
    const changesPerSecond = (await changing) / ((performance.now() - changesStartMs) / 1_000)
    lines.push(shown('accounts changed meanwhile', `${whole(changesPerSecond)} a second`), memoryLine(reader))
    if (rows > 0) lines.push(...(await usageLines(installation, reader, options)))
    await reader.stop()
    return { lines }
  } finally {
    over.abort()
    await reader?.kill()
    await accounts.stop()
    await installation.dispose()
  }
}

async function viewLines(reader: ServiceProcess, nodes: number, measureMs: number): Promise<BenchLine[]> {
  const source = {
    kind: 'get',
    path: '/api/settings/compute/provider?node_id={node}',
    holds: '"total_inferences"',
    nodes,
  } as const
  const span = { url: reader.url, source, warmupMs: WARM_UP_MS, measureMs }
  const full = await measured(reader, new Load({ ...span, perSecond: null, lanes: FULL_LANES }))
  const paced = await measured(
    reader,
    new Load({ ...span, perSecond: VIEWS.perSecondMin, lanes: SCHEDULED_LANES }),
  )
  const perSecond = full.report.requests / full.report.seconds
  return [
    {
      what: `provider views over ${FULL_LANES} connections, as fast as they go`,
      value: `${whole(perSecond)} requests/s; ${latencyText(full.report)}; ${full.cpu}`,
      target: `>= ${whole(VIEWS.perSecondMin)} requests/s`,
      reached: perSecond >= VIEWS.perSecondMin,
    },
    {
      what: `provider views at ${whole(VIEWS.perSecondMin)} requests/s, from the scheduled time`,
      value: `${latencyText(paced.report)}; ${paced.cpu}`,
      target: `p99 < ${VIEWS.p99MsMax} ms`,
      reached: paced.report.latency.p99Ms < VIEWS.p99MsMax,
    },
  ]
}

/** A load's report, in which every answer was right, and what the processes used while it was measured. */
async function measured(reader: ServiceProcess, load: Load): Promise<{ report: LoadReport; cpu: string }> {
  const meter = new CpuMeter({
    reader: reader.process.pid,
    broker: serverPid('kafka.Kafka'),
    ClickHouse: serverPid('infra/local/clickhouse/main.ts'),
  })
  await load.measuring
  meter.start()
  await load.measured
  const used = meter.used()
  const report = await load.report
  if (report.wrong > 0)
    throw new Error(`${report.wrong} of ${report.made} answers are wrong: ${report.faults.join('; ')}`)
  const cpu = [...used, ['load generator', report.cpuSeconds] as const]
    .map(([name, cpuS]) => `${name} ${Math.round((cpuS / report.seconds) * 100)} %`)
    .join(', ')
  return { report, cpu: `CPU ${cpu}` }
}

function memoryText(reader: ServiceProcess): string {
  const { rssMb, peakMb } = memoryOf(reader.process.pid ?? 0)
  return `${rssMb} MB, at most ${peakMb} MB so far`
}

function memoryLine(reader: ServiceProcess): BenchLine {
  const { peakMb } = memoryOf(reader.process.pid ?? 0)
  return {
    what: `memory of the reader (${READER_FLAGS.join(' ')}) after the views`,
    value: memoryText(reader),
    target: `at most < ${READER_MB_MAX} MB`,
    reached: peakMb < READER_MB_MAX,
  }
}

async function usageLines(
  installation: Installation,
  reader: ServiceProcess,
  { rows, measureMs }: { readonly rows: number; readonly measureMs: number },
): Promise<BenchLine[]> {
  const historyNodes = Math.min(HISTORY_NODES, Math.ceil(rows / EVENTS_PER_NODE_MIN))
  const endMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
  const startMs = performance.now()
  const size = await fillHistory(installation, {
    rows,
    nodes: historyNodes,
    endMs,
    onProgress: (done) => console.log(`${whole(done)} events in ClickHouse`),
  })
  const filledS = (performance.now() - startMs) / 1_000
  const [from, to] = [endMs - USAGE.days * DAY_MS, endMs].map((timeMs) => new Date(timeMs).toISOString())
  const source = {
    kind: 'get',
    path: `/api/usage?node_id={node}&from=${from}&to=${to}&window=1h`,
    holds: '"gpu_hours"',
    nodes: historyNodes,
  } as const
  console.log('asking for usage')
  const { report, cpu } = await measured(
    reader,
    new Load({
      url: reader.url,
      source,
      warmupMs: WARM_UP_MS,
      perSecond: USAGE.perSecond,
      lanes: SCHEDULED_LANES,
      measureMs,
    }),
  )
  return [
    shown(
      'usage tables',
      `${whole(size.rawRows)} raw events, ${whole(size.windowRows)} quarters of an hour in ${size.parts} parts, ${(size.sizeBytes / GIBIBYTE).toFixed(1)} GiB, made in ${whole(filledS)} s`,
    ),
    {
      what: `usage by hour over ${USAGE.days} days of one node, ${USAGE.perSecond} requests/s, from the scheduled time`,
      value: `${latencyText(report)}; ${cpu}`,
      target: `p99 < ${USAGE.p99MsMax} ms`,
      reached: report.latency.p99Ms < USAGE.p99MsMax,
    },
  ]
}

function latencyText({ latency }: LoadReport): string {
  return `p50 ${milliseconds(latency.p50Ms)}, p99 ${milliseconds(latency.p99Ms)}, max ${milliseconds(latency.maxMs)}`
}
