import { seededDice } from '../../../infra/local/sample/random.ts'
import type { Dice } from '../../../infra/local/sample/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { until } from '../../support/until.ts'
import type { Fleet } from '../harness/fleet.ts'
import type { RunningWork, WorkParts } from '../harness/workload.ts'
import { AccountRequests } from './account-requests.ts'
import { AckMeter } from './ack-meter.ts'
import { EventStream } from './event-stream.ts'
import { History } from './history.ts'
import { judge } from './judge.ts'
import { Load } from './load.ts'
import { recover } from './probe.ts'
import type { Verdict } from '../harness/report.ts'
import { watchReaders } from './watcher.ts'

/** The rate at which the events that are still missing to the requested number are sent, once the last fault has healed. */
const EVENTS_PER_SECOND_AFTER = 6_000
const SETTLE_MS = 60_000
const DRAIN_MS = 300_000

export interface UsageWorkParts extends WorkParts {
  readonly eventsPerSecond: number
}

/** Events, and requests about accounts, as providers and their tools send them; and clients that read the answers. */
export class UsageWork implements Omit<RunningWork, 'judge' | 'finish'> {
  readonly history: History
  readonly stream: EventStream
  readonly meter: AckMeter
  readonly #parts: UsageWorkParts
  readonly #load: Load
  readonly #over = new AbortController()
  readonly #running: Promise<unknown>

  constructor(parts: UsageWorkParts) {
    const { fleet, dir, seed } = parts
    this.#parts = parts
    this.history = new History(dir)
    const { partitions } = fleet.installation
    this.stream = new EventStream(seededDice(seed), seed, systemRandom.bytes(8), partitions)
    const { history, stream } = this
    this.#load = new Load({ fleet, history, stream, dice: seededDice(seed + 1) })
    this.meter = new AckMeter(fleet, history, stream)
    const { signal } = this.#over
    this.#running = Promise.all([
      this.#load.run(parts.eventsPerSecond, signal),
      this.meter.run(signal),
      watchReaders(fleet, history, stream.nodes, seededDice(seed + 2), signal),
      this.#sendRequests(seededDice(seed + 3)),
    ])
  }

  get #fleet(): Fleet {
    return this.#parts.fleet
  }

  async recover(): Promise<void> {
    await recover(this.#fleet, this.#load, this.stream)
  }

  /** Ends the load, once at least `events` have been accepted. */
  async finish(events: number): Promise<void> {
    this.#over.abort()
    await this.#running
    await this.#fillUp(events)
    await this.#load.settle(SETTLE_MS)
    await this.#drain()
  }

  abort(): void {
    this.#over.abort()
  }

  async stop(): Promise<void> {
    await this.#load.stop()
    await this.history.close()
  }

  /** Counts what was accepted; problems are added to `failures`, too. */
  async judge(failures: string[]): Promise<Verdict> {
    return await judge(this.#fleet, this.#parts.dir, this.#parts.say, failures)
  }

  /** Sends requests until the load ends, and then until Kafka has taken all that must be taken. */
  async #sendRequests(dice: Dice): Promise<void> {
    const { history, stream } = this
    const requests = new AccountRequests(this.#fleet.installation, {
      history,
      nodes: stream.nodesWithRequests,
      dice,
    })
    try {
      await requests.run(this.#over.signal)
      await requests.settle(SETTLE_MS)
    } finally {
      await requests.stop()
    }
  }

  async #fillUp(events: number): Promise<void> {
    const { history } = this
    const load = this.#load
    if (history.accepted >= events) return
    const over = new AbortController()
    const loading = load.run(EVENTS_PER_SECOND_AFTER, over.signal)
    while (history.accepted < events) await systemClock.delay(100)
    over.abort()
    await loading
  }

  /** Waits until ClickHouse has every accepted event, and the services have nothing left to do. */
  async #drain(): Promise<void> {
    const { history } = this
    const fleet = this.#fleet
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
      // The checker reports what is missing.
      process.stderr.write(`${messageOf(error)}\n`)
    })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
