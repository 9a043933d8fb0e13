import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Dice } from '../../infra/local/sample/random.ts'
import { systemClock } from '../../pipelines/clock.ts'
import type { TopicRole } from '../../schemas/topics.ts'
import { endSessions } from './group-members.ts'
import type { Installation } from './installation.ts'
import { hasOpenTransaction } from './kafka-wire.ts'
import { startService } from './service-process.ts'
import type { ServiceProcess, TaskService } from './service-process.ts'

const ANNOUNCING = fileURLToPath(new URL('announcing-service.ts', import.meta.url))

/** How long a service lives after it is ready, before it is aimed at. */
const LIFE_MS = { task: { min: 20, max: 300 }, loader: { min: 200, max: 2_500 } }

/** A transaction takes 10 to 30 ms: a kill so soon after its begin falls before its commit, mostly. */
const AIM_MS = { min: 0, max: 16 }

/** Of four kills of a task, three are aimed at an open transaction and one falls where it falls. */
const AIMED_SHARE = 0.75
const BEGIN_WAIT_MS = 2_000

export interface Kills {
  readonly all: number
  /** Kills of a process that had begun a transaction and had not seen it committed. */
  readonly betweenBeginAndCommit: number
  /** Of these, kills after which the broker held records of an open transaction. */
  readonly leftOpen: number
}

const OUTPUT_TOPIC = { aggregator: 'usageIds', settler: 'nodeState' } as const satisfies Record<
  string,
  TopicRole
>

/** One service that is killed -9 again and again, and started again at once, until it is asked to be left alone. */
export class KilledService {
  readonly name: TaskService
  readonly #installation: Installation
  readonly #dice: Dice
  readonly #open = new Set<number>()
  #current: ServiceProcess | undefined
  #reportEnded: Promise<unknown> = Promise.resolve()
  #kills = { all: 0, betweenBeginAndCommit: 0, leftOpen: 0 }

  constructor(installation: Installation, name: TaskService, dice: Dice) {
    this.#installation = installation
    this.name = name
    this.#dice = dice
  }

  get kills(): Kills {
    return this.#kills
  }

  /** Kills and starts until `signal` aborts; then the service runs on. */
  async run(signal: AbortSignal): Promise<void> {
    let service = await this.#start()
    for (;;) {
      await service.ready()
      const { min, max } = this.name === 'loader' ? LIFE_MS.loader : LIFE_MS.task
      await systemClock.delay(this.#dice.between(min, max), signal)
      if (signal.aborted) return
      await this.#aim(service)
      await service.kill()
      await this.#reportEnded
      await this.#count()
      await endSessions(this.#installation, this.name)
      service = await this.#start()
    }
  }

  async stop(): Promise<void> {
    await this.#current?.stop()
  }

  async #start(): Promise<ServiceProcess> {
    const { name } = this
    this.#open.clear()
    const isTask = name !== 'loader'
    const service = await startService(
      this.#installation,
      name,
      isTask ? { main: ANNOUNCING, args: [name], reports: true } : {},
    )
    this.#current = service
    if (isTask) this.#reportEnded = this.#follow(service.process.stdio[3] as Readable)
    return service
  }

  async #follow(report: Readable): Promise<void> {
    for await (const line of createInterface({ input: report })) {
      const [what, partition] = line.split(' ')
      if (what === 'begin') this.#open.add(Number(partition))
      else this.#open.delete(Number(partition))
    }
  }

  /** Most often lets a task die a little after its next transaction has begun. */
  async #aim(service: ServiceProcess): Promise<void> {
    if (this.name === 'loader' || this.#dice.next() > AIMED_SHARE) return
    service.process.stdin?.write(`die ${this.#dice.between(AIM_MS.min, AIM_MS.max)}\n`)
    await service.endsWithin(BEGIN_WAIT_MS)
  }

  async #count(): Promise<void> {
    this.#kills.all++
    if (this.#open.size === 0 || this.name === 'loader') return
    this.#kills.betweenBeginAndCommit++
    const { kafka, topics } = this.#installation
    const topic = topics[OUTPUT_TOPIC[this.name]]
    const open = await Promise.all(
      [...this.#open].map((partition) => hasOpenTransaction(kafka.brokers[0] ?? '', topic, partition)),
    )
    if (open.includes(true)) this.#kills.leftOpen++
  }
}
