import { cpus } from 'node:os'
import { install } from '../../support/processes/installation.ts'
import { milliseconds, shown, whole } from '../harness/bench-line.ts'
import type { BenchLine, BenchResult } from '../harness/bench-line.ts'
import { summarize } from '../harness/latencies.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import type { Freshness } from '../harness/probe.ts'
import { PARTITIONS, serviceSettings } from '../harness/servers.ts'
import type { BenchServers } from '../harness/servers.ts'
import { WholeChain } from './whole-chain.ts'

const FRESH_MS_MAX = { p50: 500, p99: 1_500 }
const RESERVED_P99_MS_MAX = { idle: 250, loaded: 500 }
const SETTINGS_P99_MS_MAX = 1_000

/** Writes a second: at least 200 of each kind are answered in a minute, and they are no load themselves. */
const WRITES_PER_SECOND = { idle: 10, loaded: 4 }

/** Shares of the most that the chain carries, and how long each rate is tried. */
const RAMP_SHARES = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
const RAMP_MS = 20_000

/** The measurements beside freshness take a third of its time. */
const SHORT_SHARE = 1 / 3

const WARM_UP = { eventsPerSecond: 10_000, forMs: 10_000 }

export interface FreshnessBenchOptions {
  readonly servers: BenchServers
  /** Events a second while freshness is measured; half of the measured capacity unless given. */
  readonly eventsPerSecond?: number | undefined
  /** The length of the span in which freshness is measured; a minute at least for a figure that counts. */
  readonly measureMs: number
  /** Folder for CPU profiles of the services. */
  readonly profileDir?: string | undefined
}

/**
 * All services on one machine: how soon an event that is sent to the gateway shows in the provider view and in usage
 * windows, and how soon reservations and settings are answered, while events flow at half of what the machine carries.
 */
export async function benchFreshness(options: FreshnessBenchOptions): Promise<BenchResult> {
  const { measureMs } = options
  const shortMs = measureMs * SHORT_SHARE
  const { brokers, clickhouseUrl } = options.servers
  const installation = await install({ name: 'bench_fresh', brokers, clickhouseUrl, partitions: PARTITIONS })
  let chain: WholeChain | undefined
  try {
    chain = await WholeChain.start(installation, serviceSettings(options.profileDir))
    await chain.warmUp(WARM_UP.eventsPerSecond, WARM_UP.forMs)
    const lines: BenchLine[] = []
    let perSecond = options.eventsPerSecond
    if (perSecond === undefined) {
      const most = await chain.capacity(shortMs)
      const capacity = await freshCapacity(chain, most)
      perSecond = capacity / 2
      lines.push(
        shown(
          `the most that the whole chain carries on ${cpus().length} cores, load and servers included`,
          `${whole(most)} events/s from the gateway to view and ClickHouse, with a backlog before every part`,
        ),
        shown(
          `its capacity: the most with which the view stays fresh (p99 < ${whole(FRESH_MS_MAX.p99)} ms)`,
          `${whole(capacity)} events/s`,
        ),
        ...(await loadedLines(chain, most / 2, shortMs)).map(({ what, value }) => shown(what, value)),
      )
    }
    lines.push(...(await idleLines(chain, shortMs)), ...(await loadedLines(chain, perSecond, measureMs)))
    await chain.stop()
    return { lines }
  } finally {
    await chain?.kill()
    await installation.dispose()
  }
}

/**
 * The highest of some rates at which the provider view stays fresh. With a backlog before every part, batches are larger
 * and an event costs less: so what a chain carries then does not show how it works at half of that.
 */
async function freshCapacity(chain: WholeChain, most: number): Promise<number> {
  let capacity = most * (RAMP_SHARES[0] ?? 0)
  for (const share of RAMP_SHARES) {
    const [, fresh] = await Promise.all([chain.scheduled(most * share, RAMP_MS), chain.freshness(RAMP_MS)])
    await chain.drained()
    const { p99Ms } = summarize(fresh.map(({ viewMs }) => viewMs))
    console.log(`${whole(most * share)} events/s: view p99 ${milliseconds(p99Ms)}`)
    if (p99Ms >= FRESH_MS_MAX.p99) break
    capacity = most * share
  }
  return capacity
}

async function idleLines(chain: WholeChain, forMs: number): Promise<BenchLine[]> {
  const reserved = await chain.writes('reserve', WRITES_PER_SECOND.idle, forMs)
  const settings = await chain.writes('settings', WRITES_PER_SECOND.idle, forMs)
  return [
    p99Line('a reservation is answered, idle', reserved.latency, RESERVED_P99_MS_MAX.idle),
    p99Line('settings are answered, idle', settings.latency, SETTINGS_P99_MS_MAX),
  ]
}

async function loadedLines(chain: WholeChain, perSecond: number, forMs: number): Promise<BenchLine[]> {
  const meter = chain.meter()
  meter.start()
  const startMs = performance.now()
  const [events, fresh, reserved, settings] = await Promise.all([
    chain.scheduled(perSecond, forMs),
    chain.freshness(forMs),
    chain.writes('reserve', WRITES_PER_SECOND.loaded, forMs),
    chain.writes('settings', WRITES_PER_SECOND.loaded, forMs),
  ])
  const seconds = (performance.now() - startMs) / 1_000
  const used = meter.used()
  const behindMs = await chain.drained()
  const at = `at ${whole(perSecond)} events/s`
  return [
    ...freshLines(fresh, at),
    p99Line(`a reservation is answered ${at}`, reserved.latency, RESERVED_P99_MS_MAX.loaded),
    p99Line(`settings are answered ${at}`, settings.latency, SETTINGS_P99_MS_MAX),
    shown(`a batch of 1,000 is acknowledged ${at}`, latencyText(events.latency)),
    shown('the last event shows everywhere after the load ends', milliseconds(behindMs)),
    shown(
      `CPU ${at}`,
      [...used, ['load generator', events.cpuSeconds] as const]
        .map(([name, cpuS]) => `${name} ${Math.round((cpuS / seconds) * 100)} %`)
        .join(', '),
    ),
  ]
}

function freshLines(fresh: readonly Freshness[], at: string): BenchLine[] {
  const view = summarize(fresh.map(({ viewMs }) => viewMs))
  const usage = summarize(fresh.flatMap(({ usageMs }) => usageMs ?? []))
  return [
    {
      what: `an event shows in the provider view ${at}`,
      value: latencyText(view),
      target: `p50 < ${FRESH_MS_MAX.p50} ms, p99 < ${FRESH_MS_MAX.p99} ms`,
      reached: view.p50Ms < FRESH_MS_MAX.p50 && view.p99Ms < FRESH_MS_MAX.p99,
    },
    shown(`an event shows in usage windows ${at}`, latencyText(usage)),
  ]
}

function p99Line(what: string, latency: LatencySummary, p99MsMax: number): BenchLine {
  return {
    what,
    value: latencyText(latency),
    target: `p99 < ${whole(p99MsMax)} ms`,
    reached: latency.p99Ms < p99MsMax,
  }
}

function latencyText({ count, p50Ms, p99Ms, maxMs }: LatencySummary): string {
  return `p50 ${milliseconds(p50Ms)}, p99 ${milliseconds(p99Ms)}, max ${milliseconds(maxMs)} of ${whole(count)}`
}
