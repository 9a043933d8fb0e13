import { seededDice } from '../../infra/local/sample/random.ts'
import type { Dice } from '../../infra/local/sample/random.ts'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { until } from '../support/until.ts'
import { AccountRequests } from './account-requests.ts'
import { AckMeter } from './ack-meter.ts'
import { judge } from './judge.ts'
import { EventStream } from './event-stream.ts'
import { Fleet } from './fleet.ts'
import { History } from './history.ts'
import { Load } from './load.ts'
import type { Verdict } from './report.ts'
import { watchReaders } from './watcher.ts'

/** What is missing to the asked number once the last fault has healed. */
const EVENTS_PER_SECOND_AFTER = 6_000
const SETTLE_MS = 60_000
const DRAIN_MS = 300_000

export interface SessionOptions {
  /** History and logs go here. */
  readonly dir: string
  /** Kafka nodes: 1 or 3. */
  readonly brokers: number
  readonly seed: number
  readonly eventsPerSecond: number
  readonly say: (line: string) => void
}

export interface FinishOptions {
  /** Accepted events at least. */
  readonly events: number
  /** Checks that need the drained services, before they stop; each returns what it found wrong. */
  readonly finals: readonly ((fleet: Fleet) => Promise<readonly string[]>)[]
  /** What went wrong beside the counts; more is added. */
  readonly failures: string[]
}

/** A fleet under load, with all that watches it: from its start until everything has been drained and checked. */
export class Session {
  readonly fleet: Fleet
  readonly history: History
  readonly stream: EventStream
  readonly load: Load
  readonly meter: AckMeter
  readonly #options: SessionOptions
  readonly #over = new AbortController()
  readonly #running: Promise<unknown>

  private constructor(fleet: Fleet, options: SessionOptions) {
    const { dir, seed } = options
    this.#options = options
    this.fleet = fleet
    this.history = new History(dir)
    const { partitions } = fleet.installation
    this.stream = new EventStream(seededDice(seed), seed, systemRandom.bytes(8), partitions)
    const { history, stream } = this
    this.load = new Load({ fleet, history, stream, dice: seededDice(seed + 1) })
    this.meter = new AckMeter(fleet, history, stream)
    const { signal } = this.#over
    this.#running = Promise.all([
      this.load.run(options.eventsPerSecond, signal),
      this.meter.run(signal),
      watchReaders(fleet, history, stream.nodes, seededDice(seed + 2), signal),
      this.#askOfAccounts(seededDice(seed + 3)),
    ])
  }

  static async start(options: SessionOptions): Promise<Session> {
    return new Session(await Fleet.start(options.dir, options.brokers), options)
  }

  /** Ends the load, drains, and checks. */
  async finish({ events, finals, failures }: FinishOptions): Promise<Verdict> {
    const { fleet, history, load } = this
    const { dir, say } = this.#options
    this.#over.abort()
    await this.#running
    await this.#fillUp(events)
    await load.settle(SETTLE_MS)
    await this.#drain()
    const halts = await fleet.halts()
    for (const halt of halts) failures.push(`halted: ${halt}`)
    for (const final of halts.length === 0 ? finals : []) {
      failures.push(...(await final(fleet).catch((error: unknown) => [messageOf(error)])))
    }
    await load.stop()
    const { members, clickhouse } = fleet
    for (const { title, ownEnds } of [...members, { title: 'clickhouse', ownEnds: clickhouse.ownEnds }]) {
      if (ownEnds > 0) say(`${title} ended by itself ${ownEnds} times and was started again`)
    }
    await fleet.stopServices()
    await history.close()
    return await judge(fleet, dir, say, failures)
  }

  async dispose(): Promise<void> {
    this.#over.abort()
    await this.fleet.dispose()
  }

  /** Asks until the load ends, and then until Kafka has taken all that must be taken. */
  async #askOfAccounts(dice: Dice): Promise<void> {
    const { history, stream } = this
    const requests = new AccountRequests(this.fleet.installation, { history, nodes: stream.askedNodes, dice })
    try {
      await requests.run(this.#over.signal)
      await requests.settle(SETTLE_MS)
    } finally {
      await requests.stop()
    }
  }

  async #fillUp(events: number): Promise<void> {
    const { history, load } = this
    if (history.accepted >= events) return
    const over = new AbortController()
    const loading = load.run(EVENTS_PER_SECOND_AFTER, over.signal)
    while (history.accepted < events) await systemClock.delay(100)
    over.abort()
    await loading
  }

  /** Waits until ClickHouse has every accepted event, and the services have nothing left to do. */
  async #drain(): Promise<void> {
    const { fleet, history } = this
    let found = { rows: '', decisions: '', costs: '', accounts: '', commands: '' }
    let stable = ''
    await until(
      `${history.accepted} accepted events and ${history.commands} commands to be counted and decided`,
      DRAIN_MS,
      async () => {
        found = await fleet.installation.row<typeof found>(
          `SELECT (SELECT uniqExact(node_id, id_kind, event_id) FROM usage_events) AS rows,
                  (SELECT count() FROM usage_events WHERE task_source != 'own' AND cost_nano_usd > 0) AS costs,
                  (SELECT count() FROM cost_decisions) AS decisions,
                  (SELECT count() FROM wallet_ledger) AS accounts,
                  (SELECT uniqExact(command_id) FROM audit_log) AS commands`,
        )
        await systemClock.delay(1_000)
        const before = stable
        stable = JSON.stringify(found)
        const isCounted = Number(found.rows) >= history.accepted && found.costs === found.decisions
        if (isCounted && Number(found.commands) >= history.commands && stable === before) return true
        // A halted partition stays as it is.
        return (await fleet.halts()).length > 0
      },
      async () => [JSON.stringify(found), ...(await fleet.halts())].join('\n'),
    ).catch((error: unknown) => {
      // What is missing is the checker's to say.
      process.stderr.write(`${messageOf(error)}\n`)
    })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
