import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededDice } from '../../../infra/local/sample/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { EXIT } from '../../../services/runtime/exit.ts'
import { costTimes } from '../usage/cost-times.ts'
import type { Fault } from './fault.ts'
import { INSYNC_MS_MAX } from '../faults/brokers/brokers-few.ts'
import type { Fleet } from './fleet.ts'
import { longestGapMs, problemsOf } from './outage.ts'
import type { Outage } from './outage.ts'
import { Results } from './report.ts'
import type { FaultResult, KafkaStrike, Verdict } from './report.ts'
import type { Planned, Round } from './schedule.ts'
import { Session } from './session.ts'

/**
 * The rate while faults strike: low enough that services restart under load and still catch up on two cores, also beside
 * three brokers. With 200 a second, these took half of the cores, all of it was busy, and a recovery took 14 s in place of 4.
 */
const eventsPerSecondOf = (brokers: number): number => (brokers === 1 ? 300 : 100)

export interface RunOptions {
  readonly faults: readonly Fault[]
  readonly rounds: readonly Round[]
  /** Kafka nodes: 1 or 3. */
  readonly brokers: number
  readonly seed: number
  /** At least so many events are accepted. */
  readonly events: number
  /** No round begins later than this after the start; whatever was struck until then is checked all the same. */
  readonly roundsMsMax: number
  /** The folder for history, logs and schedule. */
  readonly dir: string
  readonly say: (line: string) => void
  /** Gets what has been measured so far where the run is interrupted; nothing is checked then. */
  readonly onInterrupt: (results: Results, failures: readonly string[]) => void
  /** Checks that need the drained services, before they stop; each returns what it found wrong. */
  readonly finals: readonly ((fleet: Fleet) => Promise<readonly string[]>)[]
}

export interface RunResult {
  readonly results: readonly FaultResult[]
  readonly injected: number
  readonly outages: readonly Outage[]
  /** Outages that were longer or less clean than is promised, in words. */
  readonly exceeded: readonly string[]
  readonly verdict: Verdict
  /** What went wrong apart from the counts: a fault that did not come about, a partition that halted, a slow recovery. */
  readonly failures: readonly string[]
}

/** One fault run: starts the fleet, drives load, strikes by the schedule, heals, drains, checks. */
export async function runFaults(options: RunOptions): Promise<RunResult> {
  const { dir, rounds, brokers, seed, events, say, finals } = options
  writeFileSync(join(dir, 'schedule.json'), JSON.stringify({ seed, events, brokers, rounds }, null, 1))
  const failures: string[] = []
  const results = new Results()
  const session = await Session.start({
    dir,
    brokers,
    seed,
    eventsPerSecond: eventsPerSecondOf(brokers),
    say,
  })
  let ending: Promise<never> | undefined
  const interrupted = (): void => {
    options.onInterrupt(results, failures)
    ending = session.dispose().finally(() => process.exit(EXIT.interrupted)) as Promise<never>
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    const isWell = await strikeRounds(session, options, results, failures)
    const outages = await outagesOf(session, results)
    // Replays of a partition that does no work would wait as long again.
    const verdict = await session.finish({ events, finals: isWell ? finals : [], failures })
    const exceeded = outages.flatMap(problemsOf)
    return { results: results.all, injected: results.injected, outages, exceeded, verdict, failures }
  } finally {
    // Tearing the run down makes the strike under way fail: that failure belongs to the interruption.
    await ending
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await session.dispose()
  }
}

/** Strikes round by round, each after the one before has healed; ends early, with false, where one does not heal. */
async function strikeRounds(
  session: Session,
  options: RunOptions,
  results: Results,
  failures: string[],
): Promise<boolean> {
  const { history } = session.usage
  const { rounds, say, roundsMsMax } = options
  const startMs = systemClock.monotonicMs()
  say(`recovery without a fault: ${seconds(await recoveryMs(session))} s`)
  for (const [number, round] of rounds.entries()) {
    const names = round.map(({ fault, lane, target }) =>
      lane === 'world' ? fault : `${fault} on ${lane}-${target}`,
    )
    const title = `${number + 1}/${rounds.length} ${names.join(', ')}`
    const beganMs = systemClock.monotonicMs()
    if (beganMs - startMs > roundsMsMax) {
      say(`${title}: not struck, nor what follows: the time for faults is over`)
      return true
    }
    const fromMs = systemClock.nowMs()
    const struck = await strikeRound(session, options, round, results, failures)
    const recovered = await healed(session)
    const toMs = systemClock.nowMs()
    for (const { fault, outage } of struck)
      if (outage !== undefined) results.outage({ fault, fromMs, toMs, ...outage })
    if (typeof recovered === 'string') {
      failures.push(`after ${names.join(', ')}: ${recovered}`)
      say(`${title}: NOT RECOVERED: ${recovered}`)
      return false
    }
    for (const { fault } of struck) results.recovered(fault, recovered)
    const tookS = seconds(systemClock.monotonicMs() - beganMs)
    say(`${title}: ${tookS} s, recovery ${seconds(recovered)} s, ${history.accepted} events`)
  }
  return true
}

async function recoveryMs(session: Session): Promise<number> {
  const startMs = systemClock.monotonicMs()
  await session.recover()
  return systemClock.monotonicMs() - startMs
}

/** Returns how long it took until everything worked again, in milliseconds, or in words what did not. */
async function healed(session: Session): Promise<number | string> {
  const { fleet } = session
  try {
    const tookMs = await recoveryMs(session)
    await fleet.ready()
    if (fleet.kafka.brokers.length > 1) await fleet.kafka.untilInsync(INSYNC_MS_MAX)
    return tookMs
  } catch (error) {
    return messageOf(error)
  }
}

/** Strikes all faults of a round at once; returns those that came about. */
async function strikeRound(
  session: Session,
  { faults, say }: RunOptions,
  round: Round,
  results: Results,
  failures: string[],
): Promise<
  (Pick<KafkaStrike, 'fault'> & { outage: Pick<KafkaStrike, 'failoverMs' | 'boundMs'> | undefined })[]
> {
  const { fleet } = session
  const { history, stream } = session.usage
  const strike = async ({ fault: name, lane, target, seed }: Planned) => {
    const fault = faults.find((one) => one.name === name)
    if (fault === undefined) throw new Error(`There is no fault "${name}".`)
    const [first, second] = fleet.of(lane === 'world' ? 'gateway' : lane)
    const [struck, other] = target === 1 ? [first, second] : [second, first]
    const context = { fleet, history, stream, say, target: struck, other, dice: seededDice(seed) }
    try {
      const met = await fault.strike(context)
      results.add(name, met)
      return [{ fault: name, outage: met.outage }]
    } catch (error) {
      failures.push(`${name} on ${lane}-${target} did not come about: ${messageOf(error)}`)
      return []
    } finally {
      for (const member of lane === 'world' ? fleet.members : [struck, other]) {
        member.heal()
        member.signal('SIGCONT')
        fleet.resting.delete(member)
      }
      if (lane === 'world') await fleet.kafka.mend()
    }
  }
  return (await Promise.all(round.map(strike))).flat()
}

/** What clients and tasks had to do without at each strike on Kafka. */
async function outagesOf({ fleet, usage: { meter } }: Session, results: Results): Promise<Outage[]> {
  if (results.strikes.length === 0) return []
  // Where the log cannot be read any more, the rest is reported all the same.
  const times = await costTimes(fleet.installation).catch(() => null)
  return results.strikes.map(({ fault, failoverMs, boundMs, fromMs, toMs }) => {
    const span = { fromMs, toMs }
    const gaps = times?.map((some) => longestGapMs(some, span))
    return {
      fault,
      failoverMs,
      boundMs,
      withoutAckMs: meter.withoutAckMs(span),
      withoutCostMs: gaps === undefined ? null : Math.max(...gaps),
      ...meter.refusals(span),
    }
  })
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1)

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
