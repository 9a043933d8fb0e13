import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SERVICE_NODE_FLAGS } from '../../infra/local/services.ts'
import { topicNames } from '../../schemas/topics.ts'
import { runAlone } from './alone.ts'
import type { BenchLine, BenchResult } from './bench-line.ts'
import { endsOf, newTopics } from './bench-topics.ts'
import { checkHandOver } from './check-hand-over.ts'
import type { Turn } from './child-report.ts'
import { dearest, selfTimes, stageShares } from './cpu-profile.ts'
import type { Truth } from './data.ts'
import { fillFleet } from './fleet.ts'
import { benchHistory } from './history-cost.ts'
import { median, runTurn } from './turns.ts'

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

const PARTITIONS_RATIO_MAX = 1.3
const NODES_RATIO_MAX = 1.5
const MANY_NODES_RATIO_MAX = 4
const DEAREST = 12

export interface ScaleOptions {
  readonly brokers: readonly string[]
  readonly events: number
  readonly turns: number
}

interface Input {
  readonly topic: string
  readonly ends: readonly number[]
  readonly truth: Truth
}

/**
 * CPU-seconds of the aggregator per million events at several numbers of partitions and of nodes, and with a long
 * history; and which stage spends them, from a profile of one more turn of each size. Turns of all sizes follow one
 * another, so that what the machine does beside falls on all of them.
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
  const truth = await fillFleet({ brokers, topic, partitions, nodes, count: events, seed: 1 })
  return { topic, truth, ends: await endsOf(brokers, topic) }
}

async function runSize(
  brokers: readonly string[],
  { name, partitions }: Size,
  { topic, truth, ends }: Input,
  nodeFlags: readonly string[] = [],
): Promise<Turn> {
  const prefix = await newTopics(brokers, partitions)
  const turn = await runTurn(
    'aggregator-turn.ts',
    { brokers, topic, ends, prefix, partitions, events: truth.events },
    [...SERVICE_NODE_FLAGS, ...nodeFlags],
  )
  await checkHandOver({ brokers, topic: topicNames(prefix).accountInbox, partitions, truth })
  console.log(
    `${name}: ${turn.eventsPerSecond} events/s, ${turn.cpuSeconds.toFixed(2)} CPU-s, ${turn.rssMb} MB`,
  )
  return turn
}

/** Where one more turn spends its time: its main thread by stage, and what other threads (packing, gc) add. */
async function profile(brokers: readonly string[], size: Size, input: Input): Promise<BenchLine> {
  const dir = await mkdtemp(join(tmpdir(), 'hivemeter-profile-'))
  try {
    const flags = ['--cpu-prof', `--cpu-prof-dir=${dir}`, '--cpu-prof-name=turn.cpuprofile']
    const turn = await runSize(brokers, size, input, flags)
    const times = selfTimes(join(dir, 'turn.cpuprofile'))
    console.log(dearest(times, DEAREST))
    const mainSeconds = times.reduce((sum, { ms }) => sum + ms, 0) / 1_000
    const parts = [...stageShares(times)]
      .filter(([, share]) => share >= 0.005)
      .map(([stage, share]) => `${stage} ${(share * 100).toFixed(0)} %`)
    return {
      what: `aggregator: main thread by stage, ${size.name}`,
      value: `${parts.join(', ')}; ${mainSeconds.toFixed(1)} s of it, ${turn.cpuSeconds.toFixed(1)} CPU-s with all threads`,
      target: 'none: shown',
      reached: true,
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { events: { type: 'string' }, turns: { type: 'string' } } })
  const events = Number(values.events ?? 2_000_000)
  const turns = Number(values.turns ?? 3)
  await runAlone((brokers) => benchScale({ brokers, events, turns }))
}
