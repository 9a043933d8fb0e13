import { cpus } from 'node:os'
import { systemClock } from '../../pipelines/clock.ts'
import { parseArgs } from 'node:util'
import { ensureTopics, logRanges, withAdmin } from '../../pipelines/kafka/admin.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { topicNames } from '../../schemas/topics.ts'
import { SERVICE_NODE_FLAGS } from '../../infra/local/services.ts'
import { EXIT } from '../../services/exit.ts'
import { startStack } from '../support/stack.ts'
import { checkHandOver } from './check-hand-over.ts'
import type { Turn } from './child-report.ts'
import { fillUsage } from './data.ts'
import type { Truth } from './data.ts'
import { median, runTurn } from './turns.ts'

const USAGE = `Usage: npm run bench -- aggregator|memory [--events N] [--turns N]
aggregator  events per second of one aggregator over those of a bare kafkajs + avsc loop, turns A B A B; exit 1 below 0.35
memory      peak memory of one aggregator that holds 5 million ids; exit 1 at 600 MB or more`

/** Below this the guard fails: one aggregator process ÷ the bare loop, records of 100 events. */
const AGGREGATOR_RATIO_MIN = 0.35
const MEMORY_MB_MAX = 600
const PARTITIONS = 4
const PORTS = { kafka: 26_930, kafkaController: 26_931, clickhouse: 26_933 }

interface Bench {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly ends: readonly number[]
  readonly truth: Truth
}

async function prepare(brokers: readonly string[], count: number, repeats: boolean): Promise<Bench> {
  const prefix = `bench-${process.pid}-`
  await makeTopics(brokers, prefix)
  const topic = topicNames(prefix).usageMetered
  const beganMs = performance.now()
  const truth = await fillUsage({ brokers, topic, partitions: PARTITIONS, count, repeats })
  console.log(`${count} events made in ${seconds(performance.now() - beganMs)} s`)
  const ranges = await withAdmin({ brokers, clientId: 'bench', logger: silentLogger }, (admin) =>
    logRanges(admin, topic),
  )
  return {
    brokers,
    topic,
    truth,
    ends: Array.from({ length: PARTITIONS }, (_, partition) => Number(ranges.get(partition)?.end ?? 0n)),
  }
}

async function makeTopics(brokers: readonly string[], prefix: string): Promise<void> {
  await ensureTopics({
    clock: systemClock,
    brokers,
    clientId: 'bench',
    logger: silentLogger,
    prefix,
    partitions: PARTITIONS,
    replicationFactor: 1,
    retention: 'size',
  })
}

async function aggregatorTurn(bench: Bench, turn: number): Promise<Turn> {
  const prefix = `bench-${process.pid}-${turn}-`
  await makeTopics(bench.brokers, prefix)
  const result = await runTurn(
    'aggregator-turn.ts',
    {
      brokers: bench.brokers,
      topic: bench.topic,
      ends: bench.ends,
      prefix,
      partitions: PARTITIONS,
      events: bench.truth.events,
    },
    SERVICE_NODE_FLAGS,
  )
  await checkHandOver({
    brokers: bench.brokers,
    topic: topicNames(prefix).accountInbox,
    partitions: PARTITIONS,
    truth: bench.truth,
  })
  return result
}

async function bareTurn(bench: Bench, turn: number): Promise<Turn> {
  const { brokers, topic, truth } = bench
  return await runTurn('bare-loop.ts', {
    brokers,
    topic,
    events: truth.events,
    group: `bare-${process.pid}-${turn}`,
  })
}

async function benchAggregator(brokers: readonly string[], count: number, turns: number): Promise<boolean> {
  const bench = await prepare(brokers, count, true)
  const ratios: number[] = []
  console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}; Node ${process.versions.node}`)
  console.log('turn  bare events/s  aggregator events/s  ratio  bare CPU-s/M  aggregator CPU-s/M  RSS MB')
  for (let turn = 1; turn <= turns; turn++) {
    const bare = await bareTurn(bench, turn)
    const aggregator = await aggregatorTurn(bench, turn)
    const ratio = aggregator.eventsPerSecond / bare.eventsPerSecond
    ratios.push(ratio)
    const perMillion = (result: Turn): string => ((result.cpuSeconds / count) * 1e6).toFixed(2)
    console.log(
      `${turn}     ${bare.eventsPerSecond}  ${aggregator.eventsPerSecond}  ${ratio.toFixed(2)}  ` +
        `${perMillion(bare)}  ${perMillion(aggregator)}  ${aggregator.rssMb}`,
    )
  }
  const middle = median(ratios)
  const passed = middle >= AGGREGATOR_RATIO_MIN
  console.log(
    `aggregator ÷ bare loop: ${middle.toFixed(2)} (median of ${turns}; at least ${AGGREGATOR_RATIO_MIN}): ${passed ? 'reached' : 'MISSED'}`,
  )
  return passed
}

async function benchMemory(brokers: readonly string[], count: number): Promise<boolean> {
  const bench = await prepare(brokers, count, false)
  const turn = await aggregatorTurn(bench, 0)
  const passed = turn.rssMb < MEMORY_MB_MAX && turn.detail['ids'] === bench.truth.unique
  console.log(
    `${turn.detail['ids']} ids held, peak memory ${turn.rssMb} MB (below ${MEMORY_MB_MAX}), ` +
      `${turn.eventsPerSecond} events/s: ${passed ? 'reached' : 'MISSED'}`,
  )
  return passed
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { events: { type: 'string' }, turns: { type: 'string' } },
})
const [what] = positionals
if (what !== 'aggregator' && what !== 'memory') {
  console.error(USAGE)
  process.exit(EXIT.usage)
}
const stack = await startStack(process.env, PORTS)
let passed = false
try {
  passed =
    what === 'aggregator'
      ? await benchAggregator(stack.brokers, Number(values.events ?? 2_000_000), Number(values.turns ?? 3))
      : await benchMemory(stack.brokers, Number(values.events ?? 5_000_000))
} finally {
  await stack.stop()
}
process.exit(passed ? EXIT.ok : EXIT.failure)
