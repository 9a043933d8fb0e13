import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { seededDice } from '../../infra/local/sample/random.ts'
import type { Dice } from '../../infra/local/sample/random.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { EXIT } from '../../services/exit.ts'
import { until } from '../support/until.ts'
import { AccountRequests } from './account-requests.ts'
import { EventStream } from './event-stream.ts'
import type { Fault, FaultContext } from './fault.ts'
import { Fleet } from './fleet.ts'
import { History } from './history.ts'
import { Load } from './load.ts'
import { recover } from './probe.ts'
import { Results } from './report.ts'
import type { FaultResult, Verdict } from './report.ts'
import type { Planned, Round } from './schedule.ts'
import { watchReaders } from './watcher.ts'

const CHECKER = fileURLToPath(new URL('./checker/main.ts', import.meta.url))

/** While faults strike: little enough that services restart under load and still catch up. */
const EVENTS_PER_SECOND = 300
/** What is missing to the asked number once the last fault has healed. */
const EVENTS_PER_SECOND_AFTER = 6_000
const SETTLE_MS = 60_000

/** Where the checker could not say anything: nothing is known, so nothing is 0. */
const NO_VERDICT: Verdict = { events: 0, unknown: 0, lost: 1, countedTwice: 1, paidTwice: 1, differences: 1 }
const DRAIN_MS = 300_000
/** For a million events. */
const VERIFY_MS_MAX = 900_000
const CHECKER_OUTPUT_BYTES_MAX = 64 * 1_048_576

export interface RunOptions {
  readonly faults: readonly Fault[]
  readonly rounds: readonly Round[]
  /** Kafka nodes: 1 or 3. */
  readonly brokers: number
  readonly seed: number
  /** Accepted events at least. */
  readonly events: number
  /** History, logs and schedule go here. */
  readonly dir: string
  readonly say: (line: string) => void
  /** Checks that need the drained services, before they stop; each returns what it found wrong. */
  readonly finals: readonly ((fleet: Fleet) => Promise<readonly string[]>)[]
}

export interface RunResult {
  readonly results: readonly FaultResult[]
  readonly injected: number
  readonly verdict: Verdict
  /** What went wrong beside the counts: a fault that did not come about, a partition that halted, a slow recovery. */
  readonly failures: readonly string[]
}

/** One fault run: starts the fleet, drives load, strikes by the schedule, heals, drains, checks. */
export async function runFaults(options: RunOptions): Promise<RunResult> {
  const { dir, rounds, seed, say } = options
  writeFileSync(join(dir, 'schedule.json'), JSON.stringify({ seed, events: options.events, rounds }, null, 1))
  const failures: string[] = []
  const results = new Results()
  const history = new History(dir)
  const fleet = await Fleet.start(dir, options.brokers)
  const interrupted = (): void => void fleet.dispose().finally(() => process.exit(EXIT.interrupted))
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    const stream = new EventStream(
      seededDice(seed),
      seed,
      systemRandom.bytes(8),
      fleet.installation.partitions,
    )
    const load = new Load({ fleet, history, stream, dice: seededDice(seed + 1) })
    const over = new AbortController()
    const watching = watchReaders(fleet, history, stream.nodes, seededDice(seed + 2), over.signal)
    const loading = load.run(EVENTS_PER_SECOND, over.signal)
    const asking = askOfAccounts(fleet, history, stream, seededDice(seed + 3), over.signal)
    say(`recovery without a fault: ${seconds(await recover(fleet, load, stream))} s`)
    for (const [number, round] of rounds.entries()) {
      const names = round.map(({ fault, lane, target }) =>
        lane === 'world' ? fault : `${fault} on ${lane}-${target}`,
      )
      const beganMs = systemClock.monotonicMs()
      const struck = await strikeRound(
        { fleet, history, stream, say },
        options.faults,
        round,
        results,
        failures,
      )
      try {
        const recoveryMs = await recover(fleet, load, stream)
        await fleet.ready()
        for (const fault of struck) results.recovered(fault, recoveryMs)
        const tookS = seconds(systemClock.monotonicMs() - beganMs)
        say(
          `${number + 1}/${rounds.length} ${names.join(', ')}: ${tookS} s, recovery ${seconds(recoveryMs)} s, ${history.accepted} events`,
        )
      } catch (error) {
        failures.push(`after ${names.join(', ')}: ${messageOf(error)}`)
        say(`${number + 1}/${rounds.length} ${names.join(', ')}: NOT RECOVERED: ${messageOf(error)}`)
        break
      }
    }
    over.abort()
    await Promise.all([loading, watching, asking])
    await fillUp(load, history, options.events)
    await load.settle(SETTLE_MS)
    await drain(fleet, history)
    for (const halt of await fleet.halts()) failures.push(`halted: ${halt}`)
    for (const final of options.finals) {
      failures.push(...(await final(fleet).catch((error: unknown) => [messageOf(error)])))
    }
    await load.stop()
    for (const { title, ownEnds } of [
      ...fleet.members,
      { title: 'clickhouse', ownEnds: fleet.clickhouse.ownEnds },
    ]) {
      if (ownEnds > 0) say(`${title} ended by itself ${ownEnds} times and was started again`)
    }
    await fleet.stopServices()
    await history.close()
    const verdict = await check(fleet, dir, say, failures)
    return { results: results.all, injected: results.injected, verdict, failures }
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await fleet.dispose()
  }
}

/** Asks until `signal` aborts, and then until Kafka has taken all that must be taken. */
async function askOfAccounts(
  { installation }: Fleet,
  history: History,
  stream: EventStream,
  dice: Dice,
  signal: AbortSignal,
): Promise<void> {
  const requests = new AccountRequests(installation, { history, nodes: stream.askedNodes, dice })
  try {
    await requests.run(signal)
    await requests.settle(SETTLE_MS)
  } finally {
    await requests.stop()
  }
}

/** Strikes all faults of a round at once; returns the names of those that came about. */
async function strikeRound(
  given: Pick<FaultContext, 'fleet' | 'history' | 'stream' | 'say'>,
  faults: readonly Fault[],
  round: Round,
  results: Results,
  failures: string[],
): Promise<string[]> {
  const strike = async ({ fault: name, lane, target, seed }: Planned): Promise<string[]> => {
    const fault = faults.find((one) => one.name === name)
    if (fault === undefined) throw new Error(`There is no fault "${name}".`)
    const { fleet } = given
    const [first, second] = fleet.of(lane === 'world' ? 'aggregator' : lane)
    const [struck, other] = target === 1 ? [first, second] : [second, first]
    try {
      results.add(name, await fault.strike({ ...given, target: struck, other, dice: seededDice(seed) }))
      return [name]
    } catch (error) {
      failures.push(`${name} on ${lane}-${target} did not come about: ${messageOf(error)}`)
      return []
    } finally {
      for (const member of [struck, other]) {
        member.heal()
        member.signal('SIGCONT')
        fleet.resting.delete(member)
      }
    }
  }
  return (await Promise.all(round.map(strike))).flat()
}

async function fillUp(load: Load, history: History, events: number): Promise<void> {
  if (history.accepted >= events) return
  const over = new AbortController()
  const loading = load.run(EVENTS_PER_SECOND_AFTER, over.signal)
  while (history.accepted < events) await systemClock.delay(100)
  over.abort()
  await loading
}

/** Waits until ClickHouse has every accepted event, and the services have nothing left to do. */
async function drain(fleet: Fleet, history: History): Promise<void> {
  let found = { rows: '', decisions: '', costs: '', accounts: '', commands: '' }
  let stable = ''
  await until(
    `${history.accepted} accepted events and ${history.commands} commands to be counted and decided`,
    DRAIN_MS,
    async () => {
      found = await fleet.installation.row<typeof found>(
        `SELECT (SELECT uniqExact(node_id, event_id) FROM usage_events) AS rows,
                (SELECT count() FROM usage_events WHERE task_source != 'own' AND cost_nano_usd > 0) AS costs,
                (SELECT count() FROM cost_decisions) AS decisions,
                (SELECT count() FROM wallet_ledger) AS accounts,
                (SELECT uniqExact(command_id) FROM audit_log) AS commands`,
      )
      await systemClock.delay(1_000)
      const before = stable
      stable = JSON.stringify(found)
      const isCounted = Number(found.rows) >= history.accepted && found.costs === found.decisions
      return isCounted && Number(found.commands) >= history.commands && stable === before
    },
    async () => [JSON.stringify(found), ...(await fleet.halts())].join('\n'),
  ).catch((error: unknown) => {
    // What is missing is the checker's to say.
    process.stderr.write(`${messageOf(error)}\n`)
  })
}

async function check(
  fleet: Fleet,
  dir: string,
  say: (line: string) => void,
  failures: string[],
): Promise<Verdict> {
  const { installation, kafka, clickhouse } = fleet
  const args = ['--history', dir, '--brokers', kafka.addresses.join(','), '--clickhouse-url', clickhouse.url]
  args.push('--database', installation.database, '--prefix', installation.prefix)
  args.push('--partitions', String(installation.partitions))
  const output = await promisify(execFile)(
    process.execPath,
    ['--max-old-space-size=4096', CHECKER, ...args],
    {
      maxBuffer: CHECKER_OUTPUT_BYTES_MAX,
    },
  ).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; stderr?: string }) => {
      const said = error.stdout ?? ''
      if (!said.trimEnd().split('\n').at(-1)?.startsWith('{'))
        failures.push(`the checker failed: ${error.stderr}`)
      return said
    },
  )
  const lines = output.trimEnd().split('\n')
  for (const line of lines) say(`checker: ${line}`)
  const last = lines.at(-1) ?? ''
  const verdict = (last.startsWith('{') ? JSON.parse(last) : NO_VERDICT) as Verdict
  if (verdict.differences > 0) failures.push(`${verdict.differences} differences; see the checker's lines`)
  const verify = await installation.command('verify', [], VERIFY_MS_MAX)
  say(`verify: ${verify.output.trimEnd().split('\n').at(-1)}`)
  if (verify.exitCode !== 0)
    failures.push(`verify ended with ${verify.exitCode}: ${verify.output.slice(0, 2_000)}`)
  return verdict
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1)

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
