import { SERVICE_NODE_FLAGS } from '../../../infra/local/services.ts'
import { topicNames } from '../../../schemas/topics.ts'
import { shown } from '../harness/bench-line.ts'
import type { BenchLine, BenchResult } from '../harness/bench-line.ts'
import { checkHandOver } from '../contestants/check-hand-over.ts'
import type { HandedOver } from '../contestants/check-hand-over.ts'
import type { Turn } from '../harness/child-report.ts'
import { fillFleet } from '../loads/fill-fleet.ts'
import { benchHistory } from './history-cost.ts'
import { AGGREGATOR_STAGES, profileTurn } from '../contestants/profile-turn.ts'
import { newTopics, topicEnds } from '../loads/topics.ts'
import { median, runTurn } from '../harness/turns.ts'

/** One size of the installation that is measured. */
interface Size {
  readonly name: string
  readonly partitions: number
  readonly nodes: number
}

const SIZES = {
  one: { name: '1 partition, 2,000 nodes', partitions: 1, nodes: 2_000 },
  sixteen: { name: '16 partitions, 2,000 nodes', partitions: 16, nodes: 2_000 },
  few: { name: '4 partitions, 100 nodes', partitions: 4, nodes: 100 },
  usual: { name: '4 partitions, 2,000 nodes', partitions: 4, nodes: 2_000 },
  many: { name: '4 partitions, 100,000 nodes', partitions: 4, nodes: 100_000 },
} as const satisfies Record<string, Size>
type SizeName = keyof typeof SIZES
const NAMES = Object.keys(SIZES) as SizeName[]

/** Enough for every id, and no ClickHouse that would let some leave. */
const TASK = { idsMax: 20_000_000, loaded: false } as const

const PARTITIONS_RATIO_MAX = 1.3
const NODES_RATIO_MAX = 1.5
const MANY_NODES_RATIO_MAX = 4

export interface ScaleOptions {
  readonly brokers: readonly string[]
  readonly events: number
  readonly turns: number
}

interface Input {
  readonly topic: string
  readonly ends: readonly number[]
  readonly facts: HandedOver
}

/**
 * CPU-seconds of the aggregator per million events at several numbers of partitions and of nodes, and with a long
 * history; and which stage uses them, from a profile of one more turn of each size. Turns of all sizes follow one
 * another, so that other work of the machine affects all of them.
 */
export async function benchScale(options: ScaleOptions): Promise<BenchResult> {
  const { brokers, events, turns } = options
  const inputs = new Map<SizeName, Input>()
  for (const name of NAMES) inputs.set(name, await prepare(options, SIZES[name]))
  const cpu = new Map<SizeName, number[]>(NAMES.map((name) => [name, []]))
  for (let turn = 1; turn <= turns; turn++) {
    for (const name of NAMES) {
      const { cpuSeconds } = await runSize(brokers, SIZES[name], inputs.get(name) as Input)
      cpu.get(name)?.push((cpuSeconds / events) * 1e6)
    }
  }
  const shares: BenchLine[] = []
  for (const name of NAMES) shares.push(await profile(brokers, SIZES[name], inputs.get(name) as Input))
  const perMillion = (name: SizeName): number => median(cpu.get(name) ?? [])
  for (const name of NAMES) {
    const each = (cpu.get(name) ?? []).map((value) => value.toFixed(2)).join(', ')
    console.log(`${SIZES[name].name}: ${perMillion(name).toFixed(2)} CPU-s per million (${each})`)
  }
  const ratio = (what: string, names: readonly SizeName[], max: number): BenchLine => {
    const all = names.map((name) => perMillion(name))
    const found = Math.max(...all) / Math.min(...all)
    return {
      what: `aggregator: CPU an event, ${what} (median of ${turns})`,
      value: `${found.toFixed(2)} x (${all.map((one) => one.toFixed(2)).join(', ')} CPU-s per million)`,
      target: `<= ${max} x`,
      reached: found <= max,
    }
  }
  return {
    lines: [
      ratio('1, 4 and 16 partitions', ['one', 'usual', 'sixteen'], PARTITIONS_RATIO_MAX),
      ratio('100 and 2,000 nodes', ['few', 'usual'], NODES_RATIO_MAX),
      ratio('100, 2,000 and 100,000 nodes', ['few', 'usual', 'many'], MANY_NODES_RATIO_MAX),
      await benchHistory(options),
      ...shares,
    ],
  }
}

async function prepare({ brokers, events }: ScaleOptions, { partitions, nodes }: Size): Promise<Input> {
  const topic = topicNames(await newTopics(brokers, partitions)).usageMetered
  const facts = await fillFleet({ brokers, topic, partitions, nodes, count: events, seed: 1 })
  return { topic, facts, ends: await topicEnds(brokers, topic) }
}

async function runSize(
  brokers: readonly string[],
  { name, partitions }: Size,
  { topic, facts, ends }: Input,
  nodeFlags: readonly string[] = [],
): Promise<Turn> {
  const prefix = await newTopics(brokers, partitions)
  const turn = await runTurn(
    'task-turn.ts',
    { ...TASK, brokers, topic, ends, prefix, partitions, events: facts.unique, spawnedAtMs: Date.now() },
    [...SERVICE_NODE_FLAGS, ...nodeFlags],
  )
  await checkHandOver({ brokers, topic: topicNames(prefix).accountInbox, partitions, facts })
  console.log(
    `${name}: ${turn.eventsPerSecond} events/s, ${turn.cpuSeconds.toFixed(2)} CPU-s, ${turn.rssMb} MB`,
  )
  return turn
}

/** Where one more turn spends its time. */
async function profile(brokers: readonly string[], size: Size, input: Input): Promise<BenchLine> {
  const shares = await profileTurn((flags) => runSize(brokers, size, input, flags), AGGREGATOR_STAGES)
  return shown(`aggregator: main thread by stage, ${size.name}`, shares)
}
