import { SERVICE_NODE_FLAGS } from '../../../infra/local/services.ts'
import { topicNames } from '../../../schemas/topics.ts'
import { shown } from '../harness/bench-line.ts'
import type { BenchLine, BenchResult } from '../harness/bench-line.ts'
import { checkDecisions } from '../contestants/check-decisions.ts'
import type { Turn } from '../harness/child-report.ts'
import { fillInbox } from '../loads/inbox-data.ts'
import type { InboxTruth } from '../loads/inbox-data.ts'
import { profileTurn, SETTLER_STAGES } from '../contestants/profile-turn.ts'
import { newTopics, topicEnds } from '../loads/topics.ts'
import { median, runTurn } from '../harness/turns.ts'
import { PARTITIONS } from '../harness/servers.ts'

/** The three inboxes that are measured, and what one settler must decide of each in a second. */
const INBOXES = {
  busy: { name: '2,000 nodes', nodes: 2_000, inTurn: false, days: 1, costsPerSecondMin: 100_000 },
  wide: { name: '100,000 nodes in turn', nodes: 100_000, inTurn: true, days: 1, costsPerSecondMin: 30_000 },
  // Not older than the aggregator allows costs to be.
  old: {
    name: '2,000 nodes, 34 days of spend each',
    nodes: 2_000,
    inTurn: false,
    days: 34,
    costsPerSecondMin: 0,
  },
} as const
type InboxName = keyof typeof INBOXES

/** Accounts with a long past may cost this much more than those of one day. */
const HISTORY_RATIO_MAX = 1.2

interface Filled {
  readonly prefix: string
  readonly truth: InboxTruth
  readonly ends: readonly number[]
}

/**
 * Costs that one settler process decides in a second, exactly once, and what a million of them cost; the median of turns
 * that take the inboxes one after the other. Throws unless a turn decided every cost exactly once.
 */
export async function benchSettler(options: {
  readonly brokers: readonly string[]
  readonly costs: number
  readonly turns: number
}): Promise<BenchResult> {
  const { brokers, costs } = options
  const names = Object.keys(INBOXES) as InboxName[]
  const filled = new Map<InboxName, Filled>()
  for (const name of names) filled.set(name, await fill(brokers, name, costs))
  const turns: Record<InboxName, Turn[]> = { busy: [], wide: [], old: [] }
  for (let turn = 1; turn <= options.turns; turn++) {
    for (const name of names) turns[name].push(await settle(brokers, name, filled.get(name) as Filled))
  }
  const shares: BenchLine[] = []
  for (const name of names) {
    const stages = await profileTurn(
      (flags) => settle(brokers, name, filled.get(name) as Filled, flags),
      SETTLER_STAGES,
    )
    shares.push(shown(`settler: main thread by stage, ${INBOXES[name].name}`, stages))
  }
  const cpu = (name: InboxName): number => median(turns[name].map(({ cpuSeconds }) => cpuSeconds)) / costs
  const ratio = cpu('old') / cpu('busy')
  const speed = (name: 'busy' | 'wide'): BenchLine => {
    const perSecond = median(turns[name].map(({ eventsPerSecond }) => eventsPerSecond))
    const least = INBOXES[name].costsPerSecondMin
    return {
      what: `settler, ${INBOXES[name].name}: costs decided, exactly once (median of ${options.turns})`,
      value: `${Math.round(perSecond)}/s, ${(cpu(name) * 1e6).toFixed(2)} CPU-s per million`,
      target: `>= ${least}/s`,
      reached: perSecond >= least,
    }
  }
  return {
    lines: [
      speed('busy'),
      speed('wide'),
      {
        what: `settler, ${INBOXES.old.name} ÷ 1 day: CPU a cost`,
        value: `${ratio.toFixed(2)} x (${(cpu('old') * 1e6).toFixed(2)} CPU-s per million)`,
        target: `<= ${HISTORY_RATIO_MAX} x`,
        reached: ratio <= HISTORY_RATIO_MAX,
      },
      ...shares,
    ],
  }
}

async function fill(brokers: readonly string[], name: InboxName, costs: number): Promise<Filled> {
  const prefix = await newTopics(brokers, PARTITIONS)
  const truth = await fillInbox({ brokers, prefix, partitions: PARTITIONS, costs, ...INBOXES[name] })
  return { prefix, truth, ends: await topicEnds(brokers, topicNames(prefix).accountInbox) }
}

async function settle(
  brokers: readonly string[],
  name: InboxName,
  filled: Filled,
  nodeFlags: readonly string[] = [],
): Promise<Turn> {
  const { truth, ends } = filled
  const prefix = await newTopics(brokers, PARTITIONS)
  const argument = {
    brokers,
    topic: topicNames(filled.prefix).accountInbox,
    ends,
    prefix,
    costs: truth.costs,
  }
  const turn = await runTurn('settler-turn.ts', argument, [...SERVICE_NODE_FLAGS, ...nodeFlags])
  const { settlements, accounts } = await checkDecisions({ brokers, prefix, partitions: PARTITIONS, truth })
  console.log(
    `${INBOXES[name].name}: ${turn.eventsPerSecond} costs/s, ${turn.cpuSeconds.toFixed(2)} CPU-s, ${turn.rssMb} MB, ` +
      `${turn.detail['transactions']} transactions, ${settlements} settlements, ${accounts} accounts`,
  )
  return turn
}
