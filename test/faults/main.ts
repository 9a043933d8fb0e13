import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { BrokerNetwork } from '../support/servers/broker-network.ts'
import { EXIT } from '../../services/runtime/exit.ts'
import type { Fault } from './harness/fault.ts'
import { FAULTS } from './faults/all.ts'
import { diskFull } from './faults/clickhouse-server.ts'
import { REPLAYS } from './usage/replays.ts'
import { outageTable } from './harness/outage.ts'
import { countsLine, lastLine, table } from './harness/report.ts'
import { runFaults } from './harness/run.ts'
import { plan } from './harness/schedule.ts'
import { SmallDisk } from './harness/small-disk.ts'

const USAGE = `Usage: npm run faults -- [--brokers 1|3] [--seed N] [--events N] [--faults N] [--only NAME,…] [--minutes N] [--dir DIR]
Strikes real processes with faults from a seeded schedule while events come in, then checks that nothing was lost,
counted twice or paid twice. Ends with 6 where something was. After --minutes no further fault strikes. Faults:
${FAULTS.map(({ name, lanes, needs }) => `  ${name} (${lanes.join(', ')}${needs === undefined ? '' : `; needs ${needs}`})`).join('\n')}`

const SEED_DEFAULT = 20_261_125
const EVENTS_DEFAULT = '1000000'
const FAULTS_DEFAULT = '200'
const MINUTES_DEFAULT = '120'

interface Given {
  readonly brokers: number
  readonly seed: number
  readonly events: number
  readonly faults: number
  readonly minutes: number
  readonly only: readonly string[] | undefined
  readonly dir: string
}

function given(): Given {
  const { values } = parseArgs({
    options: {
      brokers: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(SEED_DEFAULT) },
      events: { type: 'string', default: EVENTS_DEFAULT },
      faults: { type: 'string', default: FAULTS_DEFAULT },
      minutes: { type: 'string', default: MINUTES_DEFAULT },
      only: { type: 'string' },
      dir: { type: 'string', default: '.hivemeter/faults' },
    },
  })
  const [seed, events, faults] = [Number(values.seed), Number(values.events), Number(values.faults)]
  const minutes = Number(values.minutes)
  if (![seed, events, faults, minutes].every((number) => Number.isSafeInteger(number) && number >= 0)) {
    throw new TypeError('--seed, --events, --faults and --minutes are whole numbers')
  }
  if (values.brokers !== '1' && values.brokers !== '3') throw new TypeError('--brokers is 1 or 3')
  const only = values.only?.split(',')
  const unknown = only?.find((wanted) => !FAULTS.some(({ name }) => name === wanted))
  if (unknown !== undefined) throw new TypeError(`there is no fault "${unknown}"`)
  const brokers = Number(values.brokers)
  return { brokers, seed, events, faults, minutes, only, dir: resolve(values.dir) }
}

/** Why the fault cannot strike in this run; undefined where it can. */
async function whyNot({ name, needs }: Fault, brokers: number): Promise<string | undefined> {
  if (name === diskFull.name && !(await SmallDisk.isPossible())) return 'this user may not mount a tmpfs'
  if (needs !== undefined && brokers === 1) return 'it needs several brokers (--brokers 3)'
  return needs === 'links' ? await BrokerNetwork.whyImpossible() : undefined
}

let options: Given
try {
  options = given()
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
  process.exit(EXIT.usage)
}
const { brokers, seed, events, minutes, only, dir } = options
rmSync(dir, { recursive: true, force: true })
mkdirSync(dir, { recursive: true })
const faults: Fault[] = []
for (const fault of FAULTS.filter(({ name }) => only === undefined || only.includes(name))) {
  const reason = await whyNot(fault, brokers)
  if (reason === undefined) faults.push(fault)
  // One broker is no reason to list everything that only several brokers could show.
  else if (brokers > 1 || fault.needs === undefined || only !== undefined) {
    console.log(`${fault.name} is left out: ${reason}`)
  }
}
const keep = (result: object): void => writeFileSync(`${dir}/result.json`, JSON.stringify(result, null, 1))
const rounds = plan(faults, options.faults, seed, brokers > 1)
const { results, injected, outages, exceeded, verdict, failures } = await runFaults({
  faults,
  rounds,
  brokers,
  seed,
  events,
  roundsMsMax: minutes * 60_000,
  dir,
  say: (line) => console.log(line),
  onInterrupt: (found, wrong) => {
    keep({ seed, results: found.all, strikes: found.strikes, failures: wrong, isInterrupted: true })
    console.log(`\n${table(found.all)}`)
    for (const failure of wrong) console.log(`FAILURE: ${failure}`)
    console.log(`Interrupted after ${found.injected} faults: nothing was checked.`)
  },
  finals: REPLAYS,
})
keep({ seed, brokers, results, outages, exceeded, verdict, failures })
console.log(`\n${table(results)}`)
if (outages.length > 0) console.log(`\n${outageTable(outages)}`)
console.log(`\n${countsLine(verdict)}`)
for (const failure of [...exceeded, ...failures]) console.log(`FAILURE: ${failure}`)
const wrong = verdict.lost + verdict.countedTwice + verdict.paidTwice + failures.length + exceeded.length
const isClean = wrong === 0
if (!isClean)
  console.log(`Seed ${seed}; schedule, history and logs are in ${dir}. The same seed strikes the same way.`)
console.log(lastLine(verdict, injected))
process.exit(isClean ? EXIT.ok : EXIT.differences)
