import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { EXIT } from '../../services/exit.ts'
import { FAULTS } from './faults/all.ts'
import { diskFull } from './faults/clickhouse-server.ts'
import { REPLAYS } from './replays.ts'
import { lastLine, table } from './report.ts'
import { runFaults } from './run.ts'
import { plan } from './schedule.ts'
import { SmallDisk } from './small-disk.ts'

const USAGE = `Usage: npm run faults -- [--brokers 1|3] [--seed N] [--events N] [--faults N] [--only NAME] [--dir DIR]
Strikes real processes with faults from a seeded schedule while events come in, then checks that nothing was lost,
counted twice or paid twice. Ends with 6 where something was. Faults:
${FAULTS.map(({ name, lanes }) => `  ${name} (${lanes.join(', ')})`).join('\n')}`

const SEED_DEFAULT = 20_261_125
const EVENTS_DEFAULT = '1000000'
const FAULTS_DEFAULT = '200'

function given(): {
  brokers: number
  seed: number
  events: number
  faults: number
  only: string | undefined
  dir: string
} {
  const { values } = parseArgs({
    options: {
      brokers: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(SEED_DEFAULT) },
      events: { type: 'string', default: EVENTS_DEFAULT },
      faults: { type: 'string', default: FAULTS_DEFAULT },
      only: { type: 'string' },
      dir: { type: 'string', default: '.hivemeter/faults' },
    },
  })
  const [seed, events, faults] = [Number(values.seed), Number(values.events), Number(values.faults)]
  if (![seed, events, faults].every((number) => Number.isSafeInteger(number) && number >= 0)) {
    throw new TypeError('--seed, --events and --faults are whole numbers')
  }
  if (values.brokers !== '1' && values.brokers !== '3') throw new TypeError('--brokers is 1 or 3')
  if (values.only !== undefined && !FAULTS.some(({ name }) => name === values.only)) {
    throw new TypeError(`there is no fault "${values.only}"`)
  }
  const brokers = Number(values.brokers)
  return { brokers, seed, events, faults, only: values.only, dir: resolve(values.dir) }
}

let options: ReturnType<typeof given>
try {
  options = given()
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
  process.exit(EXIT.usage)
}
const { brokers, seed, events, only, dir } = options
rmSync(dir, { recursive: true, force: true })
mkdirSync(dir, { recursive: true })
let faults = only === undefined ? FAULTS : FAULTS.filter(({ name }) => name === only)
if (!(await SmallDisk.isPossible())) {
  faults = faults.filter(({ name }) => name !== diskFull.name)
  console.log(`${diskFull.name} is left out: this user may not mount a tmpfs`)
}
const rounds = plan(faults, options.faults, seed)
const { results, injected, verdict, failures } = await runFaults({
  faults,
  rounds,
  brokers,
  seed,
  events,
  dir,
  say: (line) => console.log(line),
  finals: REPLAYS,
})
const said = table(results, verdict)
writeFileSync(`${dir}/result.json`, JSON.stringify({ seed, results, verdict, failures }, null, 1))
console.log(`\n${said}`)
for (const failure of failures) console.log(`FAILURE: ${failure}`)
const isClean = verdict.lost + verdict.countedTwice + verdict.paidTwice === 0 && failures.length === 0
if (!isClean)
  console.log(`Seed ${seed}; schedule, history and logs are in ${dir}. The same seed strikes the same way.`)
console.log(lastLine(verdict, injected))
process.exit(isClean ? EXIT.ok : EXIT.differences)
