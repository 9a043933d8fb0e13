import { setTimeout as delay } from 'node:timers/promises'
import { SERVICE_NODE_FLAGS } from '../../infra/local/services.ts'
import { topicNames } from '../../schemas/topics.ts'
import type { BenchLine, BenchResult } from './bench-line.ts'
import { checkHandOver } from './check-hand-over.ts'
import type { Turn } from './child-report.ts'
import { fillFleet } from './fill-fleet.ts'
import { Fleet, FLEET_NODES, PACK } from './fleet.ts'
import { newTopics, TopicFiller, topicEnds } from './topics.ts'
import { runTurn } from './turns.ts'
import { PARTITIONS } from './servers.ts'

const PEAK_MB_MAX = 800
const PEAK_IDS_MAX = 20_000_000

/** Full within seconds, so that ids leave from the first minute on: what grows after that grows for good. */
const SLOPE_IDS_MAX = 500_000
const SLOPE_SHARE_MAX = 0.05
const EVENTS_PER_SECOND = 5_000
const PACE_STEP_MS = 100

export interface MemoryOptions {
  readonly brokers: readonly string[]
  /** 0: the peak is not measured. */
  readonly ids: number
  /** Of constant load; 0: the slope is not measured. */
  readonly minutes: number
}

/** Peak memory of an aggregator that holds `ids` ids, and how its memory moves under a constant load. */
export async function benchMemory(options: MemoryOptions): Promise<BenchResult> {
  const lines: BenchLine[] = []
  if (options.ids > 0) lines.push(await peak(options.brokers, options.ids))
  if (options.minutes > 0) lines.push(await slope(options.brokers, options.minutes))
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

async function slope(brokers: readonly string[], minutes: number): Promise<BenchLine> {
  const prefix = await newTopics(brokers, PARTITIONS)
  const topic = topicNames(prefix).usageMetered
  const place = { brokers, topic, partitions: PARTITIONS }
  await fillFleet({ ...place, nodes: FLEET_NODES, count: SLOPE_IDS_MAX * 2, seed: 1 })
  const over = new AbortController()
  const argument = {
    ...place,
    prefix,
    idsMax: SLOPE_IDS_MAX,
    ends: await topicEnds(brokers, topic),
    minutes,
    eventsPerSecond: EVENTS_PER_SECOND,
  }
  const [turn, sent] = await Promise.all([
    runTurn('memory-turn.ts', argument, SERVICE_NODE_FLAGS, (minutes + 5) * 60_000).finally(() =>
      over.abort(),
    ),
    pace(place, over.signal),
  ])
  return slopeLine(turn, minutes, sent)
}

function slopeLine(turn: Turn, minutes: number, sent: number): BenchLine {
  const { ids = 0, mbPerHour = Number.NaN, meanMb = Number.NaN } = turn.detail
  const share = mbPerHour / meanMb
  console.log(
    `${sent} events sent, ${ids} ids held, ${turn.detail['lookedUp']} looked up, ${turn.cpuSeconds.toFixed(1)} CPU-s, ${turn.detail['transactions']} transactions; ` +
      `${turn.detail['firstMb']?.toFixed(0)} MB at first, ${turn.detail['lastMb']?.toFixed(0)} MB at last, peak ${turn.rssMb} MB`,
  )
  return {
    what: `aggregator: memory over the last half of ${minutes} min at ${EVENTS_PER_SECOND} events/s, ids leaving as they come`,
    value: `${mbPerHour.toFixed(1)} MB per hour (${(share * 100).toFixed(1)} % of ${meanMb.toFixed(0)} MB)`,
    target: `< ${SLOPE_SHARE_MAX * 100} % per hour`,
    reached: share < SLOPE_SHARE_MAX,
  }
}

/** Sends events of now at the constant rate until it is told to end; returns how many. */
async function pace(
  place: { readonly brokers: readonly string[]; readonly topic: string; readonly partitions: number },
  signal: AbortSignal,
): Promise<number> {
  const fleet = new Fleet({ nodes: FLEET_NODES, partitions: place.partitions, seed: 2 })
  const writer = new TopicFiller({ ...place, pack: PACK })
  const beganMs = performance.now()
  let sent = 0
  while (!signal.aborted) {
    const due = Math.floor(((performance.now() - beganMs) / 1_000) * EVENTS_PER_SECOND)
    for (; sent < due; sent++) await writer.add(fleet.event(sent, Date.now()))
    await writer.flush()
    await delay(PACE_STEP_MS)
  }
  await writer.end()
  return sent
}
