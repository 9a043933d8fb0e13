import { processCpuSeconds, localClickhousePids } from './process-figures.ts'
import { asRow } from './peers/rowbinary-topic.ts'
import { kafkaEngineTurn } from './peers/kafka-engine.ts'
import { install } from '../support/installation.ts'
import type { Installation } from '../support/installation.ts'
import { startService } from '../support/service-process.ts'
import { until } from '../support/until.ts'
import type { BenchLine, BenchResult } from './bench-line.ts'
import { benchEvents, spanMs } from './events.ts'
import { Facts } from './facts.ts'
import { dropTopics, makeTopic, TopicFiller } from './topics.ts'
import { median } from './turns.ts'
import { PARTITIONS } from './servers.ts'
import { PACK } from './fleet.ts'

const TURN_TIMEOUT_MS = 240_000

export interface EndToEndOptions {
  readonly brokers: readonly string[]
  readonly clickhouseUrl: string
  readonly events: number
  readonly turns: number
}

interface EndToEndTurn {
  readonly seconds: number
  readonly cpuSeconds: number
}

/**
 * From a full topic to raw rows and windows that a query sees: ours deduplicated and exactly once, by two aggregators and a
 * loader as the services run them; ClickHouse's Kafka engine at least once, repeats and all. Ours is counted from the
 * start of its processes, theirs from the view that begins to consume, in a server that runs already.
 */
export async function benchEndToEnd(options: EndToEndOptions): Promise<BenchResult> {
  const { events: count, turns } = options
  const events = () => benchEvents({ count, partitions: PARTITIONS, startMs: Date.now() - spanMs(count) })
  console.log('turn  contestant                     seconds  events/s  CPU-s/M')
  const rounds: { readonly engine: number; readonly single: number; readonly packed: number }[] = []
  for (let turn = 1; turn <= turns; turn++) {
    const show = (name: string, { seconds, cpuSeconds }: EndToEndTurn): number => {
      const perMillion = ((cpuSeconds / count) * 1e6).toFixed(2)
      console.log(
        `${String(turn).padEnd(6)}${name.padEnd(31)}${seconds.toFixed(1).padEnd(9)}${String(Math.round(count / seconds)).padEnd(10)}${perMillion}`,
      )
      return seconds
    }
    const single = show('Hivemeter, one a record', await ownTurn(options, events(), 1))
    const engine = show('Kafka engine, one a record', await engineTurn(options, events()))
    const packed = show('Hivemeter, 100 a record', await ownTurn(options, events(), PACK))
    rounds.push({ engine, single, packed })
  }
  const ratio = (of: 'single' | 'packed'): number => median(rounds.map((round) => round.engine / round[of]))
  const line = (what: string, value: number, target: number): BenchLine => ({
    what,
    value: value.toFixed(2),
    target: `≥ ${target}`,
    reached: value >= target,
  })
  return {
    lines: [
      line("end to end ÷ ClickHouse's Kafka engine, one event a record", ratio('single'), 1.3),
      line("end to end from 100 events a record ÷ the engine's best", ratio('packed'), 2),
    ],
  }
}

type Events = ReturnType<typeof benchEvents>

async function ownTurn(options: EndToEndOptions, events: Events, pack: number): Promise<EndToEndTurn> {
  await using cleanup = new AsyncDisposableStack()
  const { brokers, clickhouseUrl } = options
  const installation = await install({ name: 'bench', partitions: PARTITIONS, brokers, clickhouseUrl })
  cleanup.defer(() => installation.dispose())
  const facts = new Facts()
  const filler = new TopicFiller({ brokers, topic: installation.topics.usageMetered, pack })
  for (const placed of events) {
    facts.add(placed)
    await filler.add(placed)
  }
  await filler.end()
  const clickhouse = localClickhousePids(clickhouseUrl)
  const cpuBefore = processCpuSeconds(clickhouse)
  const startedMs = performance.now()
  const services = await Promise.all(
    (['aggregator', 'aggregator', 'loader'] as const).map((name) => startService(installation, name)),
  )
  for (const service of services) cleanup.defer(() => service.stop())
  await until('all rows to be visible', TURN_TIMEOUT_MS, async () => {
    const { raw, windowed } = await visible(installation)
    if (raw > facts.unique || windowed > facts.unique)
      throw new Error(`${raw} rows of ${facts.unique} events`)
    return raw === facts.unique && windowed === facts.unique
  })
  const seconds = (performance.now() - startedMs) / 1_000
  const pids = services.map(({ process }) => process.pid ?? 0)
  const cpuSeconds = processCpuSeconds(pids) + processCpuSeconds(clickhouse) - cpuBefore
  await checkSums(installation, facts)
  return { seconds, cpuSeconds }
}

async function visible({ clickhouse }: Installation): Promise<{ raw: number; windowed: number }> {
  const [row] = await clickhouse.rows<{ raw: string; windowed: string }>(
    'SELECT (SELECT count() FROM usage_events) AS raw, (SELECT sum(events) FROM usage_1m) AS windowed',
  )
  return { raw: Number(row?.raw ?? 0), windowed: Number(row?.windowed ?? 0) }
}

async function checkSums(installation: Installation, facts: Facts): Promise<void> {
  let expected = 0n
  for (const { costNanoUsd } of facts.windows.values()) expected += costNanoUsd
  const { raw, windows } = await installation.row<{ raw: string; windows: string }>(
    'SELECT (SELECT sum(cost_nano_usd) FROM usage_events) AS raw, (SELECT sum(cost_nano_usd) FROM usage_1m) AS windows',
  )
  if (BigInt(raw) !== expected || BigInt(windows) !== expected)
    throw new Error(`Costs are ${raw} in rows and ${windows} in windows, and should be ${expected} nano-USD.`)
}

async function engineTurn(options: EndToEndOptions, events: Events): Promise<EndToEndTurn> {
  const { brokers, clickhouseUrl } = options
  const name = `bench_engine_${process.pid}`
  const topic = `${name}.rows`
  await makeTopic({ brokers, topic, partitions: PARTITIONS })
  const facts = new Facts()
  const filler = new TopicFiller({ brokers, topic, pack: 1, encode: asRow })
  for (const placed of events) {
    facts.add(placed)
    await filler.add(placed)
  }
  await filler.end()
  const turn = await kafkaEngineTurn({
    clickhouseUrl,
    brokers,
    topic,
    events: facts.events,
    database: name,
    pids: localClickhousePids(clickhouseUrl),
    expected: facts.windowsWithRepeats,
  })
  await dropTopics(brokers, name)
  return turn
}
