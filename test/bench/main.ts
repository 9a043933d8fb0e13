import { parseArgs } from 'node:util'
import { EXIT } from '../../services/runtime/exit.ts'
import { startStack } from '../support/servers/stack.ts'
import { verdict } from './harness/bench-line.ts'
import type { BenchResult } from './harness/bench-line.ts'
import { isPart, PARTS, QUICK } from './parts.ts'
import type { BenchSettings, Part, PartName } from './parts.ts'
import { writePart } from './harness/performance-page.ts'

const USAGE = `Usage: npm run bench [-- PART] [--quick] [--events N] [--turns N] [--seconds N] [--nodes N] [--profile DIR]
Without a part: all of them, two hours and more.
${Object.entries(PARTS)
  .map(([name, { what }]) => `  ${name.padEnd(12)}${what}`)
  .join('\n')}
  --quick     a small ${QUICK.parts.join(' and ')}, below 3 minutes; guards ratios, never times
A run at full size writes its figures into docs/performance.md. Ends with 1 where a figure falls short.`

const NO_SERVERS = { brokers: [], clickhouseUrl: '' }

const PORTS = { kafka: 26_930, kafkaController: 26_931, clickhouse: 26_933 }

/** A part by itself, on servers of its own, so that it is not affected by what another has left. */
async function runPart(name: PartName, settings: BenchSettings): Promise<BenchResult> {
  const part: Part = PARTS[name]
  if (part.needsNoServers === true) return await part.run(NO_SERVERS, settings)
  const stack = await startStack(process.env, PORTS, ['Kafka'])
  try {
    return await part.run(stack, settings)
  } finally {
    await stack.stop()
  }
}

function misused(problem: string): never {
  console.error(`${problem}\n${USAGE}`)
  return process.exit(EXIT.usage)
}

function count(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) && value > 0 ? value : misused(`"${text}" is no count.`)
}

function readArguments() {
  const text = { type: 'string' } as const
  const options = { events: text, turns: text, seconds: text, nodes: text, profile: text }
  try {
    return parseArgs({
      allowPositionals: true,
      options: { ...options, quick: { type: 'boolean', default: false } },
    })
  } catch (error) {
    return misused((error as Error).message)
  }
}

const { values, positionals } = readArguments()
const { quick, profile } = values
const [requested, ...more] = positionals
if (more.length > 0) misused(`One part at a time: "${more.join(' ')}" is too much.`)
if (requested !== undefined && !isPart(requested)) misused(`There is no part "${requested}".`)
const given = {
  events: count(values.events),
  turns: count(values.turns),
  seconds: count(values.seconds),
  nodes: count(values.nodes),
}
const settings = { ...(quick ? { ...given, ...QUICK } : given), profileDir: profile, quick }
const isFullSize =
  !quick && profile === undefined && Object.values(given).every((value) => value === undefined)
const all = quick ? QUICK.parts : (Object.keys(PARTS) as PartName[])
let missed = 0
for (const name of requested === undefined ? all : [requested]) {
  console.log(`\n${name}: ${PARTS[name].what}`)
  const { lines } = await runPart(name, settings)
  for (const line of lines) {
    console.log(`${verdict(line).padEnd(9)}${line.what}: ${line.value} (${line.target})`)
    if (!line.reached) missed++
  }
  if (isFullSize) writePart(name, lines)
}
process.exit(missed === 0 ? EXIT.ok : EXIT.failure)
