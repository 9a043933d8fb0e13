import { SERVICES } from '../../../schemas/services.ts'
import type { Dice } from '../../../infra/local/sample/random.ts'
import { systemClock } from '../../../pipelines/clock.ts'
import { endSessions } from '../servers/group-members.ts'
import type { Installation } from './installation.ts'
import { API, KafkaProxy } from '../servers/kafka-proxy.ts'
import { hasOpenTransaction } from '../servers/kafka-wire.ts'
import { freePort, startService } from './service-process.ts'
import type { ServiceProcess } from './service-process.ts'
import type { ConsumerName } from '../../../schemas/services.ts'

/** How long a service lives after it is ready, before the next kill is prepared. */
const LIFE_MS = { task: { min: 20, max: 300 }, loader: { min: 200, max: 2_500 } }

/** The longest wait for the answer at which a task is to die. */
const AIM_TIMEOUT_MS = 3_000

/**
 * Where a task dies. `written`: the broker has the transaction's records and no commit, and the task waits for the
 * answer. `committed`: the broker has committed, and the task does not know it. `anywhere`: at a random moment.
 */
export type Moment = 'written' | 'committed' | 'anywhere'

const MOMENTS: readonly Moment[] = ['written', 'written', 'written', 'written', 'committed', 'anywhere']
const ANSWER_OF = { written: API.produce, committed: API.endTransaction } as const

export interface Kills {
  readonly all: number
  /** Kills after which the broker had an open transaction of the task: between begin and commit. */
  readonly betweenBeginAndCommit: number
  /** Kills at the answer to a commit. */
  readonly atCommitAnswer: number
}

/** One service that is killed with kill -9 and started again at once, again and again, until the test ends that. */
export class KilledService {
  readonly name: ConsumerName
  readonly #installation: Installation
  readonly #dice: Dice
  readonly #proxy: KafkaProxy
  #service: ServiceProcess | undefined
  #kills = { all: 0, betweenBeginAndCommit: 0, atCommitAnswer: 0 }

  private constructor(installation: Installation, name: ConsumerName, dice: Dice, proxy: KafkaProxy) {
    this.#installation = installation
    this.name = name
    this.#dice = dice
    this.#proxy = proxy
  }

  /** The service talks to Kafka through a proxy, which shows the moments at which to kill it. */
  static async prepare(installation: Installation, name: ConsumerName, dice: Dice): Promise<KilledService> {
    const proxy = await KafkaProxy.start(installation.kafka.brokers, [await freePort()])
    return new KilledService(installation, name, dice, proxy)
  }

  get kills(): Kills {
    return this.#kills
  }

  /** Kills and starts until `signal` aborts; then the service keeps running. */
  async run(signal: AbortSignal): Promise<void> {
    let service = await this.#start()
    for (;;) {
      const { min, max } = this.name === 'loader' ? LIFE_MS.loader : LIFE_MS.task
      await systemClock.delay(this.#dice.between(min, max), signal)
      if (signal.aborted) return
      const moment = this.name === 'loader' ? 'anywhere' : this.#dice.pick(MOMENTS)
      const partition = moment === 'anywhere' ? undefined : await this.#aim(service, moment)
      // No answer came in time: the service lives on, and the next kill is prepared.
      if (moment !== 'anywhere' && partition === undefined) continue
      await service.kill()
      await this.#count(partition)
      await endSessions(this.#installation, this.name)
      service = await this.#start()
    }
  }

  async stop(): Promise<void> {
    await this.#service?.stop()
    await this.#proxy.stop()
  }

  async #start(): Promise<ServiceProcess> {
    const settings = { HIVEMETER_KAFKA_BROKERS: this.#proxy.brokers.join(',') }
    this.#service = await startService(this.#installation, this.name, { settings })
    return await this.#service.ready()
  }

  /** Kills the task at a moment of its next transaction; returns the transaction's partition, if the moment came. */
  async #aim(service: ServiceProcess, moment: 'written' | 'committed'): Promise<number | undefined> {
    const transactionalId = `${this.#installation.prefix}${this.name}-`
    let partition: number | undefined
    this.#proxy.onReply = ({ api, request }) => {
      if (api !== ANSWER_OF[moment] || partition !== undefined) return 'pass'
      const at = request.indexOf(transactionalId)
      if (at < 0) return 'pass'
      service.signal('SIGKILL')
      const length = request.readInt16BE(at - 2)
      partition = Number(request.toString('latin1', at + transactionalId.length, at + length))
      if (moment === 'committed') this.#kills.atCommitAnswer++
      return 'swallow'
    }
    await service.endsWithin(AIM_TIMEOUT_MS)
    this.#proxy.onReply = () => 'pass'
    return partition
  }

  async #count(partition: number | undefined): Promise<void> {
    this.#kills.all++
    if (this.name === 'loader') return
    const { kafka, topics, partitions } = this.#installation
    const { outputs, state } = SERVICES[this.name]
    const looked = partition === undefined ? Array.from({ length: partitions }, (_, p) => p) : [partition]
    // A large transaction is several sends: its first may not have reached the state topic.
    const open = await Promise.all(
      [...outputs, state].flatMap((role) =>
        looked.map((each) => hasOpenTransaction(kafka.brokers[0] ?? '', topics[role], each)),
      ),
    )
    if (open.includes(true)) this.#kills.betweenBeginAndCommit++
  }
}
