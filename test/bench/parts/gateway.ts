import { randomBytes } from 'node:crypto'
import { install } from '../../support/processes/installation.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { startService } from '../../support/processes/service-process.ts'
import type { ServiceProcess } from '../../support/processes/service-process.ts'
import { milliseconds, shown, whole } from '../harness/bench-line.ts'
import type { BenchLine, BenchResult } from '../harness/bench-line.ts'
import type { EventRun } from '../loads/event-bodies.ts'
import type { LoadReport } from '../loads/load-job.ts'
import { Load } from '../loads/load.ts'
import { countInLog } from '../harness/log-count.ts'
import { CpuMeter, serverPid } from '../harness/process-figures.ts'
import { PARTITIONS, serviceSettings } from '../harness/servers.ts'
import type { BenchServers } from '../harness/servers.ts'

const EVENTS_PER_SECOND_MIN = 150_000
const ACKNOWLEDGED_P99_MS_MAX = 150
const EVENTS_PER_BATCH = 1_000
const NODES = 2_000
const WARM_UP_MS = 6_000

/** The lanes of the load that goes as fast as it is answered. */
const CONNECTIONS = 8

/** A scheduled load needs a free connection for each batch that is due. */
const SCHEDULED_LANES = 64

export interface GatewayBenchOptions {
  readonly servers: BenchServers
  /** The length of each of the two measured spans; 15 s at least for a figure that counts. */
  readonly measureMs: number
  /** Folder for a CPU profile of the gateway. */
  readonly profileDir?: string | undefined
}

interface Turn {
  readonly report: LoadReport
  /** By process: gateway, load generator and, where it is started here, the broker. */
  readonly cpuSeconds: ReadonlyMap<string, number>
}

/**
 * One gateway process under JSON batches of 1,000 events: how many events a second it takes, what that costs, and how
 * long an acknowledgement takes at half of that. Afterwards the log must have every event once.
 */
export async function benchGateway(options: GatewayBenchOptions): Promise<BenchResult> {
  const { measureMs } = options
  const { brokers, clickhouseUrl } = options.servers
  const installation = await install({
    name: 'bench_gateway',
    brokers,
    clickhouseUrl,
    partitions: PARTITIONS,
  })
  let gateway: ServiceProcess | undefined
  try {
    const settings = serviceSettings(options.profileDir)
    gateway = await (await startService(installation, 'gateway', { settings })).ready()
    const run = { runId: randomBytes(4).toString('hex'), nodes: NODES, eventsPerBatch: EVENTS_PER_BATCH }
    const span = { warmupMs: WARM_UP_MS, measureMs }
    const full = await turn(
      gateway,
      { ...run, firstBatch: 0 },
      { ...span, perSecond: null, lanes: CONNECTIONS },
    )
    const halfBatches = full.report.requests / full.report.seconds / 2
    const half = await turn(
      gateway,
      { ...run, firstBatch: full.report.made },
      { ...span, perSecond: halfBatches, lanes: SCHEDULED_LANES },
    )
    await gateway.stop()
    return {
      lines: [
        ...throughputLines(full),
        ...latencyLines(half, halfBatches),
        answersLine([full.report, half.report]),
        await logLine(installation, { ...run, firstBatch: 0 }, full.report.made + half.report.made),
      ],
    }
  } finally {
    await gateway?.kill()
    await installation.dispose()
  }
}

async function turn(
  gateway: ServiceProcess,
  run: EventRun,
  load: { warmupMs: number; measureMs: number; perSecond: number | null; lanes: number },
): Promise<Turn> {
  const meter = new CpuMeter({ gateway: gateway.process.pid, broker: serverPid('kafka.Kafka') })
  const running = new Load({ url: gateway.url, source: { kind: 'events', ...run }, ...load })
  await running.measuring
  meter.start()
  await running.measured
  const used = meter.used()
  const report = await running.report
  return { report, cpuSeconds: new Map([...used, ['load generator', report.cpuSeconds]]) }
}

function throughputLines({ report, cpuSeconds }: Turn): BenchLine[] {
  const events = report.requests * EVENTS_PER_BATCH
  const perSecond = events / report.seconds
  const gatewayCpuS = cpuSeconds.get('gateway') ?? Number.NaN
  return [
    {
      what: `gateway, batches of ${whole(EVENTS_PER_BATCH)} over ${CONNECTIONS} connections`,
      value: `${whole(perSecond)} events/s over ${report.seconds} s`,
      target: `>= ${whole(EVENTS_PER_SECOND_MIN)} events/s`,
      reached: perSecond >= EVENTS_PER_SECOND_MIN,
    },
    shown('CPU at that rate', cpuText(cpuSeconds, report.seconds, events)),
    shown('gateway alone', `${whole(events / gatewayCpuS)} events per CPU-second`),
    shown('a batch, as fast as it goes', latencyText(report)),
  ]
}

function latencyLines({ report, cpuSeconds }: Turn, batchesPerSecond: number): BenchLine[] {
  const { latency, seconds, requests } = report
  return [
    {
      what: `acknowledgement at ${whole(batchesPerSecond * EVENTS_PER_BATCH)} events/s, from the scheduled time`,
      value: latencyText(report),
      target: `p99 < ${ACKNOWLEDGED_P99_MS_MAX} ms`,
      reached: latency.p99Ms < ACKNOWLEDGED_P99_MS_MAX,
    },
    shown('CPU at half the rate', cpuText(cpuSeconds, seconds, requests * EVENTS_PER_BATCH)),
  ]
}

function answersLine(reports: readonly LoadReport[]): BenchLine {
  const made = reports.reduce((sum, report) => sum + report.made, 0)
  const wrong = reports.reduce((sum, report) => sum + report.wrong, 0)
  const faults = reports.flatMap((report) => report.faults)
  return {
    what: 'batches answered 202 with every event accepted',
    value: `${whole(made - wrong)} of ${whole(made)}${faults.length > 0 ? `; ${faults.join('; ')}` : ''}`,
    target: 'all',
    reached: wrong === 0,
  }
}

async function logLine(installation: Installation, run: EventRun, batches: number): Promise<BenchLine> {
  const { found, repeated, foreign } = await countInLog(installation, run, batches)
  const expected = batches * run.eventsPerBatch
  return {
    what: 'events in the log',
    value: `${whole(found)} of ${whole(expected)}, ${repeated} repeated, ${foreign} of nobody`,
    target: 'each once',
    reached: found === expected && repeated === 0 && foreign === 0,
  }
}

function cpuText(cpuSeconds: ReadonlyMap<string, number>, seconds: number, events: number): string {
  return [...cpuSeconds]
    .map(([name, cpuS]) => {
      const perMillion = ((cpuS / events) * 1e6).toFixed(2)
      return `${name} ${perMillion} CPU-s per million events (${Math.round((cpuS / seconds) * 100)} %)`
    })
    .join(', ')
}

function latencyText({ latency }: LoadReport): string {
  return `p50 ${milliseconds(latency.p50Ms)}, p99 ${milliseconds(latency.p99Ms)}, max ${milliseconds(latency.maxMs)}`
}
