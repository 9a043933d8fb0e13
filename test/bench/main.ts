import { parseArgs } from 'node:util'
import { EXIT } from '../../services/exit.ts'
import { startStack } from '../support/stack.ts'
import type { BenchResult } from './bench-line.ts'
import { isPart, PARTS, QUICK } from './parts.ts'
import type { BenchSettings, PartName } from './parts.ts'
import { writePart } from './performance-page.ts'

const USAGE = `Usage: npm run bench [-- PART] [--events N] [--turns N] [--quick]
Without a part: all of them, an hour and more. Each writes its figures into docs/performance.md, but with --quick.
${Object.entries(PARTS)
  .map(([name, { what }]) => `${name.padEnd(12)}${what}`)
  .join('\n')}
--quick     a small ${QUICK.parts.join(' and ')}, below 3 minutes; guards ratios, never times
Ends with 1 where a figure falls short.`

const PORTS = { kafka: 26_930, kafkaController: 26_931, clickhouse: 26_933 }

/** A part by itself, on servers of its own, so that none meets what another has left. */
async function runPart(
  name: PartName,
  settings: Omit<BenchSettings, 'brokers' | 'clickhouseUrl'>,
): Promise<BenchResult> {
  const stack = await startStack(process.env, PORTS)
  try {
    const { brokers, clickhouseUrl } = stack
    return await PARTS[name].run({ ...settings, brokers, clickhouseUrl })
  } finally {
    await stack.stop()
  }
}

function count(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  console.error(`"${text}" is no count.\n${USAGE}`)
  return process.exit(EXIT.usage)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string' },
    turns: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const { quick } = values
const [asked = 'all', ...more] = positionals
if (more.length > 0 || (asked !== 'all' && !isPart(asked))) {
  console.error(USAGE)
  process.exit(EXIT.usage)
}
const all = quick ? QUICK.parts : (Object.keys(PARTS) as PartName[])
const events = count(values.events) ?? (quick ? QUICK.events : undefined)
const turns = count(values.turns) ?? (quick ? QUICK.turns : undefined)
let missed = 0
for (const name of isPart(asked) ? [asked] : all) {
  console.log(`\n${name}: ${PARTS[name].what}`)
  const { lines } = await runPart(name, { events, turns, quick })
  for (const { what, value, target, reached } of lines) {
    console.log(`${reached ? 'reached' : 'MISSED '}  ${what}: ${value} (${target})`)
    if (!reached) missed++
  }
  if (!quick) writePart(name, lines)
}
process.exit(missed === 0 ? EXIT.ok : EXIT.failure)
