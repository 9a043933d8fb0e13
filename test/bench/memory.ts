import { setTimeout as delay } from 'node:timers/promises'
import { SERVICE_NODE_FLAGS } from '../../infra/local/services.ts'
import { topicNames } from '../../schemas/topics.ts'
import { install } from '../support/installation.ts'
import type { BenchLine, BenchResult } from './bench-line.ts'
import { checkHandOver } from './check-hand-over.ts'
import { fillFleet } from './fill-fleet.ts'
import { FLEET_NODES } from './fleet.ts'
import { memoryOf } from './process-figures.ts'
import { PARTITIONS, serviceSettings } from './servers.ts'
import type { BenchServers } from './servers.ts'
import { slopeOfLastHalf } from './slope.ts'
import type { Sample } from './slope.ts'
import { newTopics, topicEnds } from './topics.ts'
import { runTurn } from './turns.ts'
import { CHAIN, WholeChain } from './whole-chain.ts'

const PEAK_MB_MAX = 800
const PEAK_IDS_MAX = 20_000_000

/**
 * Full after ten minutes, so that ids leave long before the half that counts: what grows after that grows for good. Fewer
 * would leave while events of their time still come, and each of those is asked of ClickHouse.
 */
const SLOPE_IDS_MAX = 3_000_000
const SLOPE_SHARE_MAX = 0.05
const EVENTS_PER_SECOND = 5_000
const WRITES_PER_SECOND = 4
const WARM_UP_MS = 30_000
const SAMPLE_MS = 5_000

type ChainService = (typeof CHAIN)[number]

export interface MemoryOptions {
  readonly servers: BenchServers
  /** 0: the peak is not measured. */
  readonly ids: number
  /** Of constant load; 0: the slope is not measured. */
  readonly minutes: number
}

/** Peak memory of an aggregator that holds `ids` ids, and how the memory of every service moves under a constant load. */
export async function benchMemory(options: MemoryOptions): Promise<BenchResult> {
  const lines: BenchLine[] = []
  if (options.ids > 0) lines.push(await peak(options.servers.brokers, options.ids))
  if (options.minutes > 0) lines.push(...(await slope(options.servers, options.minutes)))
  return { lines }
}

async function peak(brokers: readonly string[], ids: number): Promise<BenchLine> {
  const prefix = await newTopics(brokers, PARTITIONS)
  const topic = topicNames(prefix).usageMetered
  const facts = await fillFleet({
    brokers,
    topic,
    partitions: PARTITIONS,
    nodes: FLEET_NODES,
    count: ids,
    seed: 1,
  })
  const argument = {
    brokers,
    topic,
    ends: await topicEnds(brokers, topic),
    prefix,
    partitions: PARTITIONS,
    idsMax: PEAK_IDS_MAX,
    loaded: false,
    events: ids,
    spawnedAtMs: Date.now(),
  }
  const turn = await runTurn('task-turn.ts', argument, SERVICE_NODE_FLAGS)
  await checkHandOver({ brokers, topic: topicNames(prefix).accountInbox, partitions: PARTITIONS, facts })
  return {
    what: `aggregator: peak memory with ${turn.detail['ids']} ids held`,
    value: `${turn.rssMb} MB (${turn.eventsPerSecond} events/s)`,
    target: `< ${PEAK_MB_MAX} MB`,
    reached: turn.rssMb < PEAK_MB_MAX && turn.detail['ids'] === ids,
  }
}

/** The whole chain under a constant load of events, writes and views; each service's resident memory is sampled. */
async function slope(servers: BenchServers, minutes: number): Promise<BenchLine[]> {
  await using cleanup = new AsyncDisposableStack()
  const installation = await install({ name: 'bench_memory', ...servers, partitions: PARTITIONS })
  cleanup.defer(() => installation.dispose())
  const settings = { ...serviceSettings(), HIVEMETER_IDS_MAX: String(SLOPE_IDS_MAX) }
  const chain = await WholeChain.start(installation, settings)
  cleanup.defer(() => chain.kill())
  await chain.warmUp(EVENTS_PER_SECOND, WARM_UP_MS)
  const forMs = minutes * 60_000
  const sampled = sampleMemory(chain, forMs)
  await Promise.all([
    chain.scheduled(EVENTS_PER_SECOND, forMs),
    chain.freshness(forMs),
    chain.writes('reserve', WRITES_PER_SECOND, forMs),
    chain.writes('settings', WRITES_PER_SECOND, forMs),
  ])
  await chain.drained()
  const samples = await sampled
  const lookedUp = await chain.services.aggregator.metric('hivemeter_id_lookups_total')
  console.log(`${lookedUp} look-ups of ids that had left memory`)
  await chain.stop()
  return CHAIN.map((name) => slopeLine(name, samples.get(name) ?? [], minutes))
}

async function sampleMemory(chain: WholeChain, forMs: number): Promise<Map<ChainService, Sample[]>> {
  const samples = new Map<ChainService, Sample[]>(CHAIN.map((name) => [name, []]))
  const startMs = performance.now()
  for (let atMs = 0; atMs < forMs; atMs = performance.now() - startMs) {
    for (const [name, ofService] of samples) {
      const { rssMb } = memoryOf(chain.services[name].process.pid ?? 0)
      ofService.push({ atMs, value: rssMb })
    }
    await delay(SAMPLE_MS)
  }
  return samples
}

function slopeLine(name: ChainService, samples: readonly Sample[], minutes: number): BenchLine {
  const { perHour, mean } = slopeOfLastHalf(samples)
  const share = perHour / mean
  return {
    what: `${name}: memory over the last half of ${minutes} min at ${EVENTS_PER_SECOND} events/s`,
    value: `${perHour.toFixed(1)} MB per hour (${(share * 100).toFixed(1)} % of ${mean.toFixed(0)} MB); at most ${Math.max(...samples.map(({ value }) => value))} MB`,
    target: `< ${SLOPE_SHARE_MAX * 100} % per hour`,
    reached: share < SLOPE_SHARE_MAX,
  }
}
