import { processCpuSeconds, localClickhousePids } from '../harness/process-figures.ts'
import { asRows } from '../peers/rowbinary-topic.ts'
import { kafkaEngineTurn } from '../peers/kafka-engine.ts'
import { install } from '../../support/processes/installation.ts'
import type { Installation } from '../../support/processes/installation.ts'
import { startService } from '../../support/processes/service-process.ts'
import { until } from '../../support/until.ts'
import type { BenchLine, BenchResult } from '../harness/bench-line.ts'
import { benchEvents, spanMs } from '../loads/events.ts'
import { Facts } from '../loads/facts.ts'
import { dropTopics, makeTopic, TopicFiller } from '../loads/topics.ts'
import { median, runTurn } from '../harness/turns.ts'
import { PARTITIONS } from '../harness/servers.ts'
import { PACK } from '../loads/fleet.ts'

const TURN_TIMEOUT_MS = 240_000

/** Windows only, one event a record ÷ the bare loop on as many events, in the reference measurements. */
const ENGINE_TO_BARE_REFERENCE = 180 / 478

export interface EndToEndOptions {
  readonly brokers: readonly string[]
  readonly clickhouseUrl: string
  readonly events: number
  readonly turns: number
}

/** Seconds of each contestant. */
type Round = Record<'single' | 'packed' | 'engineSingle' | 'enginePacked', number>

interface EndToEndTurn {
  readonly seconds: number
  readonly cpuSeconds: number
}

/**
 * From a full topic to raw rows and windows that a query sees: ours deduplicated and exactly once, by two aggregators and
 * a loader as the services run them; ClickHouse's Kafka engine at least once, with all repeats. Ours is counted from the
 * start of its processes, theirs from the view that begins to consume, in a server that runs already.
 */
export async function benchEndToEnd(options: EndToEndOptions): Promise<BenchResult> {
  const { events: count, turns } = options
  const events = () => benchEvents({ count, partitions: PARTITIONS, startMs: Date.now() - spanMs(count) })
  console.log('turn  contestant                     seconds  events/s  CPU-s/M')
  const show = (turn: number, name: string, { seconds, cpuSeconds }: EndToEndTurn): number => {
    const perMillion = ((cpuSeconds / count) * 1e6).toFixed(2)
    console.log(
      `${String(turn).padEnd(6)}${name.padEnd(31)}${seconds.toFixed(1).padEnd(9)}${String(Math.round(count / seconds)).padEnd(10)}${perMillion}`,
    )
    return seconds
  }
  const rounds: Round[] = []
  for (let turn = 1; turn <= turns; turn++) {
    const single = show(turn, 'Hivemeter, one a record', await ownTurn(options, events(), 1))
    const engineSingle = show(turn, 'Kafka engine, one a record', await engineTurn(options, events(), 1))
    const packed = show(turn, 'Hivemeter, 100 a record', await ownTurn(options, events(), PACK))
    const enginePacked = show(turn, 'Kafka engine, 100 a record', await engineTurn(options, events(), PACK))
    rounds.push({ single, engineSingle, packed, enginePacked })
  }
  const line = (what: string, value: number, target: number): BenchLine => ({
    what,
    value: value.toFixed(2),
    target: `≥ ${target}`,
    reached: value >= target,
  })
  const engineWindows = show(
    turns,
    'Kafka engine, windows only',
    await engineTurn(options, events(), 1, true),
  )
  const bare = show(turns, 'bare loop, one a record', await bareTurn(options, events()))
  return {
    lines: [
      line(
        "end to end ÷ ClickHouse's Kafka engine, one event a record",
        median(rounds.map(({ single, engineSingle }) => engineSingle / single)),
        1.3,
      ),
      line(
        "end to end from 100 events a record ÷ the engine's best",
        median(
          rounds.map(
            ({ packed, engineSingle, enginePacked }) => Math.min(engineSingle, enginePacked) / packed,
          ),
        ),
        2,
      ),
      line(
        `the engine with windows only ÷ its own ratio to the bare loop in the reference (${ENGINE_TO_BARE_REFERENCE.toFixed(2)}): no lame peer`,
        bare / engineWindows / ENGINE_TO_BARE_REFERENCE,
        0.8,
      ),
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

let made = 0

/** A name that no other turn has: group offsets outlive their topic for a moment. */
const newName = (contestant: string): string => `bench_${contestant}_${process.pid}_${++made}`

/** The base for the peer: the same input, decoded and added up, and nothing else. */
async function bareTurn(options: EndToEndOptions, events: Events): Promise<EndToEndTurn> {
  const { brokers } = options
  const name = newName('bare')
  await makeTopic({ brokers, topic: name, partitions: PARTITIONS })
  const filler = new TopicFiller({ brokers, topic: name, pack: 1 })
  let count = 0
  for (const placed of events) {
    await filler.add(placed)
    count++
  }
  await filler.end()
  const turn = await runTurn('bare-loop.ts', { brokers, topic: name, group: name, events: count })
  await dropTopics(brokers, name)
  return turn
}

async function engineTurn(
  options: EndToEndOptions,
  events: Events,
  pack: number,
  windowsOnly = false,
): Promise<EndToEndTurn> {
  const { brokers, clickhouseUrl } = options
  const name = newName('engine')
  const topic = `${name}.rows`
  await makeTopic({ brokers, topic, partitions: PARTITIONS })
  const facts = new Facts()
  const filler = new TopicFiller({ brokers, topic, pack, encode: asRows })
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
    windowsOnly,
  })
  await dropTopics(brokers, name)
  return turn
}
