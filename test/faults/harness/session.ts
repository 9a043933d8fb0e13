import { WORKLOADS } from '../workloads.ts'
import { UsageWork } from '../usage/usage-work.ts'
import { Fleet } from './fleet.ts'
import type { Verdict } from './report.ts'
import type { RunningWork } from './workload.ts'

export interface SessionOptions {
  /** The folder for history and logs. */
  readonly dir: string
  /** Kafka nodes: 1 or 3. */
  readonly brokers: number
  readonly seed: number
  readonly eventsPerSecond: number
  readonly say: (line: string) => void
}

export interface FinishOptions {
  /** At least so many events are accepted. */
  readonly events: number
  /** Checks that need the drained services, before they stop; each returns what it found wrong. */
  readonly finals: readonly ((fleet: Fleet) => Promise<readonly string[]>)[]
  /** What went wrong apart from the counts; the session adds to it. */
  readonly failures: string[]
}

/** A fleet under load, with everything that watches it: from its start until everything has been drained and checked. */
export class Session {
  readonly fleet: Fleet
  readonly usage: UsageWork
  readonly #others: readonly RunningWork[]
  readonly #options: SessionOptions

  private constructor(fleet: Fleet, options: SessionOptions) {
    this.#options = options
    this.fleet = fleet
    this.usage = new UsageWork({ ...options, fleet })
    this.#others = WORKLOADS.map(({ start }) => start({ ...options, fleet }))
  }

  static async start(options: SessionOptions): Promise<Session> {
    return new Session(await Fleet.start(options.dir, options.brokers), options)
  }

  /** Sends something through every partition of every pipeline, and waits until all of it has come out. */
  async recover(): Promise<void> {
    await Promise.all([this.usage, ...this.#others].map((work) => work.recover()))
  }

  /** Ends the load, drains, and checks. */
  async finish({ events, finals, failures }: FinishOptions): Promise<Verdict> {
    const { fleet, usage } = this
    await Promise.all([usage.finish(events), ...this.#others.map((work) => work.finish())])
    const halts = await fleet.halts()
    for (const halt of halts) failures.push(`halted: ${halt}`)
    for (const final of halts.length === 0 ? finals : []) {
      failures.push(...(await final(fleet).catch((error: unknown) => [messageOf(error)])))
    }
    await Promise.all(this.#others.map((work) => work.stop()))
    const { members, clickhouse } = fleet
    for (const { title, ownEnds } of [...members, { title: 'clickhouse', ownEnds: clickhouse.ownEnds }]) {
      if (ownEnds > 0) this.#options.say(`${title} ended by itself ${ownEnds} times and was started again`)
    }
    await fleet.stopServices()
    await usage.stop()
    for (const work of this.#others) failures.push(...(await work.judge()))
    return await usage.judge(failures)
  }

  async dispose(): Promise<void> {
    for (const work of [this.usage, ...this.#others]) work.abort()
    await this.fleet.dispose()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
