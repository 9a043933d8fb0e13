import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../../pipelines/clock.ts'
import { EXIT } from '../../services/runtime/exit.ts'
import { INSYNC_MS_MAX } from './faults/brokers/brokers-few.ts'
import { LoaderLag } from './usage/loader-lag.ts'
import { problemsOf } from './harness/outage.ts'
import type { Outage } from './harness/outage.ts'
import { countsLine } from './harness/report.ts'
import { Session } from './harness/session.ts'

const USAGE = `Usage: npm run cluster-run -- [--minutes N] [--rate N] [--every N] [--seed N] [--dir DIR]
Three brokers, two of each service, --rate events a second for --minutes; every --every minutes all brokers are
restarted in order, one after the other. Then checks that nothing was lost, counted twice or paid twice, that verify finds
no difference, and that the loader was never more than 10 s behind. Ends with 6 where something was.`

const BROKERS = 3

/** The most that ClickHouse may be behind the log after a restart. */
const LAG_MS_MAX = 10_000
const SEED_DEFAULT = 20_261_129

interface Given {
  readonly minutes: number
  readonly rate: number
  readonly every: number
  readonly seed: number
  readonly dir: string
}

/** The restart of one broker: the time until it had all records again, and the time until the next restart. */
interface Restart extends Outage {
  readonly insyncMs: number
  readonly behindMs: number
}

function given(): Given {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      rate: { type: 'string', default: '2000' },
      every: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(SEED_DEFAULT) },
      dir: { type: 'string', default: '.hivemeter/cluster-run' },
    },
  })
  const [minutes, rate, every] = [Number(values.minutes), Number(values.rate), Number(values.every)]
  const seed = Number(values.seed)
  if (![minutes, rate, every, seed].every((number) => Number.isSafeInteger(number) && number > 0)) {
    throw new TypeError('--minutes, --rate, --every and --seed are whole numbers above 0')
  }
  return { minutes, rate, every, seed, dir: resolve(values.dir) }
}

/** Restarts all brokers in order, once every so many minutes, until the time is over. */
async function restartInTurn(
  session: Session,
  lag: LoaderLag,
  { minutes, every }: Given,
  restarts: Restart[],
): Promise<void> {
  const { kafka } = session.fleet
  const startMs = systemClock.monotonicMs()
  const untilMinute = (minute: number): Promise<void> =>
    systemClock.delay(Math.max(0, startMs + minute * 60_000 - systemClock.monotonicMs()))
  for (let round = 1; round * every < minutes; round++) {
    await untilMinute(round * every)
    for (const broker of kafka.brokers) {
      const fromMs = systemClock.nowMs()
      await broker.stop()
      await broker.start()
      await kafka.untilInsync(INSYNC_MS_MAX)
      const insyncMs = systemClock.nowMs() - fromMs
      if (broker === kafka.brokers.at(-1)) await untilMinute(Math.min((round + 1) * every, minutes) - 0.5)
      const span = { fromMs, toMs: systemClock.nowMs() }
      const restart: Restart = {
        fault: `broker ${broker.id} restarted, round ${round}`,
        failoverMs: null,
        boundMs: null,
        withoutAckMs: session.usage.meter.withoutAckMs(span),
        withoutCostMs: null,
        ...session.usage.meter.refusals(span),
        insyncMs,
        behindMs: lag.lagMs(span),
      }
      restarts.push(restart)
      console.log(lineOf(restart), `${session.usage.history.accepted} events`)
    }
  }
  await untilMinute(minutes)
}

function lineOf(restart: Restart): string {
  const { fault, insyncMs, withoutAckMs, behindMs, refused, refusedAfterMsMax, unknown } = restart
  return [
    `| ${fault}`,
    seconds(insyncMs),
    seconds(withoutAckMs),
    seconds(behindMs),
    String(refused),
    refused === 0 ? '-' : seconds(refusedAfterMsMax),
    `${unknown} |`,
  ].join(' | ')
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1)

function failuresOf(restarts: readonly Restart[]): string[] {
  return restarts.flatMap((restart) => {
    const { fault, behindMs } = restart
    const isBehind = behindMs > LAG_MS_MAX
    return [
      ...problemsOf(restart),
      ...(isBehind ? [`${fault}: the loader was ${seconds(behindMs)} s behind`] : []),
    ]
  })
}

async function run(options: Given): Promise<number> {
  const { minutes, rate, seed, dir } = options
  const say = (line: string): void => console.log(line)
  const session = await Session.start({ dir, brokers: BROKERS, seed, eventsPerSecond: rate, say })
  const restarts: Restart[] = []
  const keep = (rest: object): void =>
    writeFileSync(`${dir}/result.json`, JSON.stringify({ ...options, restarts, ...rest }, null, 1))
  let ending: Promise<never> | undefined
  const interrupted = (): void => {
    keep({ isInterrupted: true })
    console.log(`Interrupted after ${restarts.length} restarts: nothing was checked.`)
    ending = session.dispose().finally(() => process.exit(EXIT.interrupted)) as Promise<never>
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  const over = new AbortController()
  try {
    say(
      '| restart | in sync again after s | without a 202 s | loader behind s | 503 | slowest 503 s | unknown |',
    )
    say('| --- | --- | --- | --- | --- | --- | --- |')
    const lag = new LoaderLag(session.fleet.installation)
    const looking = lag.run(over.signal)
    await restartInTurn(session, lag, options, restarts)
    over.abort()
    await looking
    const perSecond = session.usage.history.accepted / (minutes * 60)
    say(`${perSecond.toFixed(0)} events/s were accepted; ${lag.missed} looks at the loader failed`)
    const failures = failuresOf(restarts)
    const verdict = await session.finish({ events: 0, finals: [], failures })
    keep({ perSecond, verdict, failures })
    for (const failure of failures) say(`FAILURE: ${failure}`)
    say(countsLine(verdict))
    const { lost, countedTwice, paidTwice } = verdict
    return lost + countedTwice + paidTwice + failures.length === 0 ? EXIT.ok : EXIT.differences
  } finally {
    await ending
    over.abort()
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await session.dispose()
  }
}

let options: Given
try {
  options = given()
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
  process.exit(EXIT.usage)
}
rmSync(options.dir, { recursive: true, force: true })
mkdirSync(options.dir, { recursive: true })
process.exit(await run(options))
