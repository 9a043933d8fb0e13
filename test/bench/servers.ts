import { parseArgs } from 'node:util'
import { SERVICE_NODE_FLAGS } from '../../infra/local/services.ts'
import { EXIT } from '../../services/exit.ts'
import { startStack } from '../support/stack.ts'
import type { Stack } from '../support/stack.ts'
import { printLines } from './bench-line.ts'
import type { BenchResult } from './bench-line.ts'

/** Where a benchmark's installation lives. */
export type BenchServers = Pick<Stack, 'brokers' | 'clickhouseUrl'>

/** Of every installation of a benchmark: the default of the product. */
export const PARTITIONS = 4

/** Apart from those of the tests and of the other benchmarks. */
const PORTS = { kafka: 26_950, kafkaController: 26_951, clickhouse: 26_953 }

/** Settings that give a service the flags that the npm scripts give it and, with a folder, a CPU profile at its end. */
export function serviceSettings(profileDir?: string): Record<string, string> {
  const profile = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]
  return { NODE_OPTIONS: [...SERVICE_NODE_FLAGS, ...profile].join(' ') }
}

/**
 * Runs one benchmark by itself, on servers of its own unless the environment names some, with the numbers and folders
 * that its command line gives; ends the process with 1 where a target was missed.
 */
export async function runAlone<const Names extends readonly string[]>(
  names: Names,
  bench: (servers: BenchServers, given: Partial<Record<Names[number], string>>) => Promise<BenchResult>,
): Promise<void> {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  const { values } = parseArgs({ options })
  const stack = await startStack(process.env, PORTS)
  let passed = false
  try {
    const result = await bench(stack, values as Partial<Record<Names[number], string>>)
    printLines(result)
    passed = result.lines.every(({ reached }) => reached)
  } finally {
    await stack.stop()
  }
  process.exit(passed ? EXIT.ok : EXIT.failure)
}

/** A number of the command line. */
export function numberOr(given: string | undefined, otherwise: number): number {
  return given === undefined ? otherwise : Number(given)
}
