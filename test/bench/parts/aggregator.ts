import { topicNames } from '../../../schemas/topics.ts'
import { aggregatorTurn } from '../contestants/aggregator-turn.ts'
import { shown } from '../harness/bench-line.ts'
import type { BenchLine, BenchResult } from '../harness/bench-line.ts'
import { checkHandOver } from '../contestants/check-hand-over.ts'
import type { Turn } from '../harness/child-report.ts'
import { benchEvents, spanMs } from '../loads/events.ts'
import { Facts } from '../loads/facts.ts'
import { kafkaStreamsTurn, streamsOutputTopic } from '../peers/kafka-streams.ts'
import { checkStreams } from '../peers/streams-result.ts'
import { dropTopics, makeOwnTopics, makeTopic, TopicFiller, topicEnds } from '../loads/topics.ts'
import { median, runTurn } from '../harness/turns.ts'
import { PARTITIONS } from '../harness/servers.ts'
import { PACK } from '../loads/fleet.ts'

/** A setting of the peer's tuned form. */
const TUNED_ID_STEP_MS = 1_000

/** Two shared cores: two threads of Kafka Streams, two processes of ours. */
const PROCESSES = 2

/** Streams with point look-up and in-memory stores ÷ the bare loop on the same topic, in the reference measurements. */
const STREAMS_TO_BARE_REFERENCE = 119 / 478

/** What a ratio must reach: measured warm over 10 million events, and the guard of a short run in which no JIT is warm. */
const TARGETS = {
  full: { packedToStreams: 4, cpuToStreams: 0.25, singleToStreams: 2, packedToBare: 0.5, lame: 0.8 },
  quick: { packedToStreams: 1.5, cpuToStreams: 0.66, singleToStreams: 1, packedToBare: 0.2, lame: 0.4 },
} as const

export interface AggregatorBenchOptions {
  readonly brokers: readonly string[]
  readonly events: number
  readonly turns: number
  readonly quick: boolean
}

/** Input that is there before the first turn, and its known results. */
interface Input {
  readonly packed: { readonly topic: string; readonly ends: readonly number[] }
  readonly single: { readonly topic: string; readonly ends: readonly number[] }
  readonly facts: Facts
}

const CONTESTANTS = {
  barePacked: 'bare loop, 100 a record',
  packed: 'aggregator, 100 a record',
  packedAlone: 'the same, one process',
  streams: 'Kafka Streams, one a record',
  streamsTuned: 'the same, ids by second',
  single: 'aggregator, one a record',
  bareSingle: 'bare loop, one a record',
} as const
type Round = Record<keyof typeof CONTESTANTS, Turn>

/** Events/s and CPU of the aggregator beside Kafka Streams and a bare kafkajs loop, in turns on the same two cores. */
export async function benchAggregator(options: AggregatorBenchOptions): Promise<BenchResult> {
  const { brokers, turns } = options
  const prefix = `bench-${process.pid}-`
  const input = await fill(options, prefix)
  console.log('turn  contestant                   events/s  CPU-s/M  warm events/s  warm CPU-s/M  RSS MB')
  const rounds: Round[] = []
  for (let turn = 1; turn <= turns; turn++) {
    const play = async (name: keyof Round, run: () => Promise<Turn>): Promise<Turn> => {
      const result = await run()
      console.log(rowOf(turn, CONTESTANTS[name], result, input.facts.events))
      return result
    }
    const bare = (from: Input['packed'], name: string) => () =>
      runTurn('bare-loop.ts', {
        brokers,
        topic: from.topic,
        group: `${prefix}${name}-${turn}`,
        events: input.facts.events,
      })
    const own = (from: Input['packed'], processes: number, name: string) => () =>
      ownTurn(brokers, { ...from, facts: input.facts, processes, prefix: `${prefix}${name}-${turn}-` })
    // Ours and theirs in turns, so that a machine that becomes slower affects both.
    const barePacked = await play('barePacked', bare(input.packed, 'bare-packed'))
    const packed = await play('packed', own(input.packed, PROCESSES, 'packed'))
    const streams = await play('streams', () => streamsTurn(brokers, input, `${prefix}streams-${turn}-`, 1))
    const streamsTuned = await play('streamsTuned', () =>
      streamsTurn(brokers, input, `${prefix}tuned-${turn}-`, TUNED_ID_STEP_MS),
    )
    const single = await play('single', own(input.single, PROCESSES, 'single'))
    const bareSingle = await play('bareSingle', bare(input.single, 'bare-single'))
    const packedAlone = await play('packedAlone', own(input.packed, 1, 'alone'))
    rounds.push({ barePacked, packed, packedAlone, streams, streamsTuned, single, bareSingle })
  }
  await dropTopics(brokers, prefix)
  return { lines: linesOf(rounds, options.quick) }
}

async function fill({ brokers, events: count }: AggregatorBenchOptions, prefix: string): Promise<Input> {
  const topics = { packed: `${prefix}usage.packed`, single: `${prefix}usage.single` }
  for (const topic of Object.values(topics)) await makeTopic({ brokers, topic, partitions: PARTITIONS })
  const facts = new Facts()
  const packed = new TopicFiller({ brokers, topic: topics.packed, pack: PACK })
  const single = new TopicFiller({ brokers, topic: topics.single, pack: 1 })
  const beganMs = performance.now()
  for (const placed of benchEvents({ count, partitions: PARTITIONS, startMs: Date.now() - spanMs(count) })) {
    facts.add(placed)
    await packed.add(placed)
    await single.add(placed)
  }
  await packed.end()
  await single.end()
  console.log(
    `${count} events, ${facts.unique} of them unique, made in ${((performance.now() - beganMs) / 1_000).toFixed(1)} s`,
  )
  return {
    facts,
    packed: { topic: topics.packed, ends: await topicEnds(brokers, topics.packed) },
    single: { topic: topics.single, ends: await topicEnds(brokers, topics.single) },
  }
}

async function ownTurn(
  brokers: readonly string[],
  turn: {
    readonly topic: string
    readonly ends: readonly number[]
    readonly facts: Facts
    readonly processes: number
    readonly prefix: string
  },
): Promise<Turn> {
  const { prefix, facts } = turn
  await makeOwnTopics(brokers, prefix, PARTITIONS)
  const result = await aggregatorTurn({ ...turn, brokers, events: facts.events })
  await checkHandOver({ brokers, topic: topicNames(prefix).accountInbox, partitions: PARTITIONS, facts })
  await dropTopics(brokers, prefix)
  return result
}

async function streamsTurn(
  brokers: readonly string[],
  { single, facts }: Input,
  prefix: string,
  idStepMs: number,
): Promise<Turn> {
  const { events, windows: expected } = facts
  const result = await kafkaStreamsTurn({
    ...single,
    brokers,
    prefix,
    events,
    idStepMs,
  })
  await checkStreams({ brokers, topic: streamsOutputTopic(prefix), expected })
  await dropTopics(brokers, prefix)
  return result
}

const warm = ({ detail }: Turn) => ({
  perSecond: (detail['warmEvents'] ?? Number.NaN) / (detail['warmSeconds'] ?? Number.NaN),
  cpuPerMillion: ((detail['warmCpuSeconds'] ?? Number.NaN) / (detail['warmEvents'] ?? Number.NaN)) * 1e6,
})

function rowOf(turn: number, name: string, result: Turn, events: number): string {
  const { perSecond, cpuPerMillion } = warm(result)
  const numbers = [
    String(result.eventsPerSecond),
    ((result.cpuSeconds / events) * 1e6).toFixed(2),
    Number.isNaN(perSecond) ? '-' : String(Math.round(perSecond)),
    Number.isNaN(cpuPerMillion) ? '-' : cpuPerMillion.toFixed(2),
    String(result.rssMb),
  ]
  return `${String(turn).padEnd(6)}${name.padEnd(29)}${numbers.map((text) => text.padEnd(10)).join('')}`
}

function linesOf(rounds: readonly Round[], quick: boolean): BenchLine[] {
  const targets = TARGETS[quick ? 'quick' : 'full']
  const ratio = (of: (round: Round) => number): number => median(rounds.map(of))
  const atLeast = (what: string, value: number, target: number): BenchLine => ({
    what,
    value: value.toFixed(2),
    target: `≥ ${target}`,
    reached: value >= target,
  })
  const speed = (left: keyof Round, right: keyof Round): number =>
    ratio((round) => round[left].eventsPerSecond / round[right].eventsPerSecond)
  const cpu = (peer: keyof Round): number =>
    ratio((round) => warm(round.packed).cpuPerMillion / warm(round[peer]).cpuPerMillion)
  return [
    atLeast(
      'aggregator, 100 events a record ÷ Kafka Streams with dedupe, events/s',
      speed('packed', 'streams'),
      targets.packedToStreams,
    ),
    {
      what: 'the same, CPU-seconds per million, warm',
      value: cpu('streams').toFixed(2),
      target: `≤ ${targets.cpuToStreams}`,
      reached: cpu('streams') <= targets.cpuToStreams,
    },
    atLeast(
      'aggregator, one event a record ÷ Kafka Streams with dedupe, events/s',
      speed('single', 'streams'),
      targets.singleToStreams,
    ),
    shown(
      'the same three against Kafka Streams with ids kept by the second',
      `${speed('packed', 'streamsTuned').toFixed(2)}, ${cpu('streamsTuned').toFixed(2)}, ${speed('single', 'streamsTuned').toFixed(2)}`,
    ),
    atLeast(
      'aggregator ÷ bare kafkajs + avsc sums, 100 events a record',
      speed('packed', 'barePacked'),
      targets.packedToBare,
    ),
    shown('the same with one process', speed('packedAlone', 'barePacked').toFixed(2)),
    atLeast(
      `Kafka Streams ÷ its own ratio to the bare loop in the reference (${STREAMS_TO_BARE_REFERENCE.toFixed(2)}): no lame peer`,
      speed('streams', 'bareSingle') / STREAMS_TO_BARE_REFERENCE,
      targets.lame,
    ),
  ]
}
