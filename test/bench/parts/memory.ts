import { setTimeout as delay } from 'node:timers/promises'
import { SERVICE_NODE_FLAGS } from '../../../infra/local/services.ts'
import { topicNames } from '../../../schemas/topics.ts'
import { install } from '../../support/processes/installation.ts'
import type { BenchLine, BenchResult } from '../harness/bench-line.ts'
import { checkHandOver } from '../contestants/check-hand-over.ts'
import { fillFleet } from '../loads/fill-fleet.ts'
import { FLEET_NODES } from '../loads/fleet.ts'
import { HeldMemory, INSPECTED } from '../harness/held-memory.ts'
import { PARTITIONS, serviceSettings } from '../harness/servers.ts'
import type { BenchServers } from '../harness/servers.ts'
import { slopeOf } from '../harness/slope.ts'
import type { Sample } from '../harness/slope.ts'
import { newTopics, topicEnds } from '../loads/topics.ts'
import { runTurn } from '../harness/turns.ts'
import { CHAIN, WholeChain } from './whole-chain.ts'

const PEAK_MB_MAX = 800
const PEAK_IDS_MAX = 20_000_000

/**
 * The first half of the run fills what has a bound, and is not judged: ids here, which would otherwise fill for days.
 * With fewer of them, ids would leave while events of their time still come, and each of those would be looked up in
 * ClickHouse.
 */
const FILL_SHARE = 1 / 2
const SLOPE_IDS_MAX = 3_000_000

/** Of the resident memory. */
const SLOPE_SHARE_MAX = 0.05
const EVENTS_PER_SECOND = 5_000

/** Reservations end after ten minutes, and these few nodes soon have as many as are kept for one node. */
const RESERVE = { perSecond: 4, nodes: 40 }

/** An outcome is kept for a day by promise, so that a run of minutes never sees all of them: 2 MB an hour at this rate. */
const SETTINGS_PER_SECOND = 1
const WARM_UP_MS = 30_000
const SAMPLE_MS = 10_000
const MINUTE_MS = 60_000

type ChainService = (typeof CHAIN)[number]

export interface MemoryOptions {
  readonly servers: BenchServers
  /** 0: the peak is not measured. */
  readonly ids: number
  /** Minutes of constant load; 0: the slope is not measured. */
  readonly minutes: number
}

/** Peak memory of an aggregator that holds `ids` ids, and how the memory of every service changes under a constant load. */
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

/** The memory of every service of the whole chain under a constant load of events, writes and views. */
async function slope(servers: BenchServers, minutes: number): Promise<BenchLine[]> {
  await using cleanup = new AsyncDisposableStack()
  const installation = await install({ name: 'bench_memory', ...servers, partitions: PARTITIONS })
  cleanup.defer(() => installation.dispose())
  const settings = { ...serviceSettings(), ...INSPECTED, HIVEMETER_IDS_MAX: String(SLOPE_IDS_MAX) }
  const chain = await WholeChain.start(installation, settings)
  cleanup.defer(() => chain.kill())
  await chain.warmUp(EVENTS_PER_SECOND, WARM_UP_MS)
  const forMs = minutes * MINUTE_MS
  const sampled = sampleMemory(chain, forMs)
  await Promise.all([
    chain.scheduled(EVENTS_PER_SECOND, forMs),
    chain.freshness(forMs),
    chain.writes('reserve', RESERVE.perSecond, forMs, RESERVE.nodes),
    chain.writes('settings', SETTINGS_PER_SECOND, forMs),
  ])
  await chain.drained()
  const samples = await sampled
  const lookedUp = await chain.services.aggregator.metric('hivemeter_id_lookups_total')
  console.log(`${lookedUp} look-ups of ids that had left memory`)
  await chain.stop()
  return samples.map((ofService) => slopeLine(ofService, minutes))
}

interface ServiceMemory {
  readonly service: ChainService
  readonly memory: HeldMemory
  /** MB after a collection. */
  readonly held: Sample[]
  readonly resident: Sample[]
}

async function sampleMemory(chain: WholeChain, forMs: number): Promise<ServiceMemory[]> {
  const services: ServiceMemory[] = await Promise.all(
    CHAIN.map(async (service) => {
      const memory = await HeldMemory.open(chain.services[service])
      return { service, memory, held: [], resident: [] }
    }),
  )
  const startMs = performance.now()
  let minute = 0
  for (let atMs = 0; atMs < forMs; atMs = performance.now() - startMs) {
    const isFull = atMs >= forMs * FILL_SHARE
    for (const { memory, held, resident } of services) {
      resident.push({ atMs, value: memory.residentMb() })
      if (isFull) held.push({ atMs, value: await memory.heldMb() })
    }
    if (atMs >= minute * MINUTE_MS) console.log(minuteLine(minute++, services))
    await delay(SAMPLE_MS)
  }
  for (const { memory } of services) memory.close()
  return services
}

function minuteLine(minute: number, services: readonly ServiceMemory[]): string {
  const ofServices = services.map(({ service, held, resident }) => {
    const kept = held.at(-1)?.value
    return `${service} ${resident.at(-1)?.value}${kept === undefined ? '' : ` (${kept.toFixed(1)} held)`}`
  })
  return `minute ${minute}: resident MB: ${ofServices.join(', ')}`
}

function slopeLine({ service, held, resident }: ServiceMemory, minutes: number): BenchLine {
  const { perHour, mean } = slopeOf(held)
  const { mean: residentMean } = slopeOf(resident)
  const share = perHour / residentMean
  const most = Math.max(...resident.map(({ value }) => value))
  return {
    what: `${service}: what is held, over the last ${Math.round(minutes * (1 - FILL_SHARE))} of ${minutes} min at ${EVENTS_PER_SECOND} events/s`,
    value: `${mean.toFixed(0)} MB, ${perHour.toFixed(1)} MB per hour: ${(share * 100).toFixed(1)} % of the memory resident, ${residentMean.toFixed(0)} MB and at most ${most}`,
    target: `< ${SLOPE_SHARE_MAX * 100} % per hour`,
    reached: share < SLOPE_SHARE_MAX,
  }
}
