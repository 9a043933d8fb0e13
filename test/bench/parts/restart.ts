import { SERVICE_NODE_FLAGS } from '../../../infra/local/services.ts'
import { topicNames } from '../../../schemas/topics.ts'
import type { BenchResult } from '../harness/bench-line.ts'
import { checkHandOver } from '../contestants/check-hand-over.ts'
import type { Turn } from '../harness/child-report.ts'
import { fillFleet } from '../loads/fill-fleet.ts'
import { FLEET_NODES } from '../loads/fleet.ts'
import { newTopics, topicEnds } from '../loads/topics.ts'
import { median, runTurn } from '../harness/turns.ts'
import { PARTITIONS } from '../harness/servers.ts'

const IDS_MAX = 20_000_000
const TARGET_MS = 5_000
/** Events that come while the process is away: each partition has some of them. */
const EVENTS_AFTER = 20_000

/**
 * How long an aggregator that holds `ids` ids takes from the start of its process until all of its partitions run, and
 * until they have committed again. The process before it was stopped in order; after a killed one the group's session
 * timeout (10 s) comes first. It throws unless every event is counted once across the starts.
 */
export async function benchRestart(options: {
  readonly brokers: readonly string[]
  readonly ids: number
  readonly starts: number
}): Promise<BenchResult> {
  const { brokers, ids, starts } = options
  const input = await newTopics(brokers, PARTITIONS)
  const topic = topicNames(input).usageMetered
  const fill = { brokers, topic, partitions: PARTITIONS, nodes: FLEET_NODES }
  const facts = await fillFleet({ ...fill, count: ids, seed: 1 })
  const first = await turn(brokers, input, ids)
  console.log(`${first.detail['ids']} ids held, ${first.eventsPerSecond} events/s, ${first.rssMb} MB`)

  const turns: Turn[] = []
  let { unique, paidNanoUsd } = facts
  for (let start = 1; start <= starts; start++) {
    const more = await fillFleet({ ...fill, count: EVENTS_AFTER, seed: 1 + start })
    unique += more.unique
    paidNanoUsd += more.paidNanoUsd
    const again = await turn(brokers, input, EVENTS_AFTER)
    const { runningMs, firstCommitMs, lastCommitMs } = again.detail
    console.log(
      `start ${start}: running after ${runningMs} ms, commits ${firstCommitMs} to ${lastCommitMs} ms, ${again.rssMb} MB`,
    )
    turns.push(again)
  }
  await checkHandOver({
    brokers,
    topic: topicNames(input).accountInbox,
    partitions: PARTITIONS,
    facts: { unique, paidNanoUsd },
  })
  const middle = (name: string): number => median(turns.map(({ detail }) => detail[name] ?? Number.NaN))
  const line = (what: string, name: string) => ({
    what: `restart of an aggregator with ${ids} ids: ${what}`,
    value: `${(middle(name) / 1_000).toFixed(2)} s (median of ${starts})`,
    target: `< ${TARGET_MS / 1_000} s`,
    reached: middle(name) < TARGET_MS,
  })
  return {
    lines: [
      line('all partitions running', 'runningMs'),
      line('first transaction with events', 'firstCommitMs'),
      line('all partitions up to date', 'lastCommitMs'),
    ],
  }
}

/** The aggregator under the input's own prefix, from its start to the current end of the input. */
async function turn(brokers: readonly string[], prefix: string, events: number): Promise<Turn> {
  const topic = topicNames(prefix).usageMetered
  const argument = {
    brokers,
    topic,
    prefix,
    partitions: PARTITIONS,
    idsMax: IDS_MAX,
    loaded: false,
    ends: await topicEnds(brokers, topic),
    events,
    spawnedAtMs: Date.now(),
  }
  return await runTurn('task-turn.ts', argument, SERVICE_NODE_FLAGS)
}
