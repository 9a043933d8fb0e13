import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../pipelines/clock.ts'
import type { FailpointName } from '../../../pipelines/failpoints.ts'
import { SERVICE_NODE_FLAGS } from '../../../infra/local/services.ts'
import { ClickhouseProxy } from '../../support/servers/clickhouse-proxy.ts'
import { environmentOf } from '../../support/processes/installation.ts'
import { KafkaProxy } from '../../support/servers/kafka-proxy.ts'
import { freePort } from '../../support/processes/service-process.ts'
import { until } from '../../support/until.ts'
import type { FromService, ToService } from './messages.ts'
import type { ServiceName } from '../../../schemas/services.ts'

const ENTRY = fileURLToPath(new URL('./service-entry.ts', import.meta.url))
const READY_TIMEOUT_MS = 90_000
const STOP_TIMEOUT_MS = 12_000
const REACH_TIMEOUT_MS = 20_000
const ANSWER_TIMEOUT_MS = 2_000

export interface MemberPlace {
  readonly name: ServiceName
  /** 1 or 2: which of the two instances. */
  readonly number: number
  readonly brokers: readonly string[]
  readonly clickhouseUrl: string
  readonly environment: Readonly<Record<string, string>>
  readonly logsDir: string
}

interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One instance of a service: a process behind proxies of its own to Kafka and to ClickHouse, which outlive it. */
export class Member {
  readonly name: ServiceName
  readonly number: number
  readonly url: string
  readonly kafka: KafkaProxy
  readonly clickhouse: ClickhouseProxy
  readonly #place: MemberPlace
  readonly #port: number
  #process: ChildProcess | undefined
  #exit: Exit | undefined
  /** How often it ended by itself, without a signal that ends a process. */
  ownEnds = 0
  #isEnding = false
  #hasBegun = false
  /** Announcements of failpoints that no caller has taken yet. */
  #reached: FailpointName[] = []

  private constructor(place: MemberPlace, port: number, kafka: KafkaProxy, clickhouse: ClickhouseProxy) {
    this.#place = place
    this.name = place.name
    this.number = place.number
    this.#port = port
    this.url = `http://127.0.0.1:${port}`
    this.kafka = kafka
    this.clickhouse = clickhouse
  }

  static async prepare(place: MemberPlace): Promise<Member> {
    const ports: number[] = []
    while (ports.length < place.brokers.length) ports.push(await freePort())
    const kafka = await KafkaProxy.start(place.brokers, ports)
    const clickhouse = await ClickhouseProxy.start(place.clickhouseUrl, await freePort())
    return new Member(place, await freePort(), kafka, clickhouse)
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#exit === undefined
  }

  /** INSERTs of this member that ClickHouse has not answered yet. */
  get insertsUnderWay(): number {
    return this.clickhouse.insertsUnderWay
  }

  /** "aggregator-1", as logs and reports name it. */
  get title(): string {
    return `${this.name}-${this.number}`
  }

  /** Starts the process; `armed` failpoints hold from its first moment. */
  start(armed: readonly FailpointName[] = []): void {
    const portKey = this.name === 'gateway' || this.name === 'reader' ? 'PORT' : 'OPS_PORT'
    const child = fork(ENTRY, [], {
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
      execArgv: [...SERVICE_NODE_FLAGS],
      env: environmentOf({
        ...this.#place.environment,
        HIVEMETER_WATCH_PARENT: '1',
        HIVEMETER_KAFKA_BROKERS: this.kafka.brokers.join(','),
        HIVEMETER_CLICKHOUSE_URL: this.clickhouse.url,
        [`HIVEMETER_${this.name.toUpperCase()}_${portKey}`]: String(this.#port),
      }),
    })
    const log = createWriteStream(join(this.#place.logsDir, `${this.title}.log`), { flags: 'a' })
    for (const stream of [child.stdout, child.stderr]) stream?.pipe(log, { end: false })
    child.stdin?.on('error', () => {})
    this.#process = child
    this.#isEnding = false
    this.#exit = undefined
    this.#reached = []
    this.#hasBegun = false
    child.on('message', (message: FromService) => {
      if ('begun' in message) this.#hasBegun = true
      else this.#reached.push(message.reached)
    })
    child.on('error', () => {})
    child.once('exit', (code, signal) => {
      if (!this.#isEnding) this.ownEnds++
      this.#exit = { code, signal }
    })
    // Its last messages may come after its exit.
    child.once('close', () => log.end())
    this.tell({ start: this.name, armed })
  }

  tell(message: ToService): void {
    if (this.#process?.connected === true) this.#process.send(message, () => {})
  }

  /** Arms a failpoint and waits until the process announces that it waits there. Throws where that does not come about. */
  async reach(name: FailpointName, timeoutMs = REACH_TIMEOUT_MS): Promise<void> {
    this.tell({ arm: name })
    await this.announces(name, timeoutMs)
  }

  /** Waits for the announcement of a failpoint that is armed. */
  async announces(name: FailpointName, timeoutMs = REACH_TIMEOUT_MS): Promise<void> {
    try {
      await until(`${this.title} to announce ${name}`, timeoutMs, () => this.#reached.includes(name))
    } catch (error) {
      // A process that reaches the point later must not wait for a caller that has given up.
      this.tell({ release: true })
      throw error
    }
    this.#reached = this.#reached.filter((other) => other !== name)
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  /** kill -9, and waits for the end. */
  async kill(): Promise<void> {
    if (!this.isRunning) return
    this.#isEnding = true
    await this.#end('SIGKILL')
  }

  /** SIGTERM; the process must end by itself with 0, unless Node was still loading it and the signal's own action ended it. */
  async stop(): Promise<void> {
    if (!this.isRunning) return
    this.#isEnding = true
    const { code, signal } = await this.#end('SIGTERM')
    if (code !== 0 && (this.#hasBegun || signal !== 'SIGTERM'))
      throw new Error(`${this.title} ended with ${code ?? signal} after SIGTERM`)
  }

  /** Sends a signal that ends, and waits for the end of that process: another may be running by then. */
  async #end(signal: NodeJS.Signals): Promise<Exit> {
    let exit: Exit | undefined
    this.#process?.once('exit', (code, by) => {
      exit = { code, signal: by }
    })
    this.#process?.kill(signal)
    return await until(`${this.title} to end by ${signal}`, STOP_TIMEOUT_MS, () => exit)
  }

  /** Starts the process anew where it has ended, and waits until it is ready. */
  async revive(armed: readonly FailpointName[] = []): Promise<void> {
    if (!this.isRunning) this.start(armed)
    await this.ready()
  }

  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    await until(`${this.title} to be ready`, timeoutMs, async () => {
      // A process that ended by itself (its broker was away for long) is started again, as a supervisor would.
      if (!this.isRunning) this.start()
      return (await this.readiness())?.status === 'ready'
    })
  }

  /** The answer of /readyz; undefined while the process does not answer. */
  async readiness(): Promise<{ status: string; halted: readonly { reason: string }[] } | undefined> {
    try {
      const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
      return (await response.json()) as { status: string; halted: { reason: string }[] }
    } catch {
      return undefined
    }
  }

  /** The sum of a metric's series; 0 while the process does not answer. */
  async metric(name: string, label = ''): Promise<number> {
    try {
      const response = await fetch(`${this.url}/metrics`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
      return (await response.text())
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
    } catch {
      return 0
    }
  }

  /** Removes every toxic. */
  heal(): void {
    this.kafka.onReply = () => 'pass'
    this.kafka.onRequest = () => 'pass'
    this.kafka.delayMs = 0
    this.clickhouse.onInsert = undefined
    this.clickhouse.onSent = undefined
    this.clickhouse.onAcknowledged = undefined
    this.clickhouse.delayMs = 0
  }

  /** Ends the process and the proxies. */
  async dispose(): Promise<void> {
    this.heal()
    this.signal('SIGCONT')
    await this.kill()
    await this.kafka.stop()
    await this.clickhouse.stop()
  }

  /** Waits for a time that a strike needs, by the machine's clock. */
  static wait(ms: number): Promise<void> {
    return systemClock.delay(ms)
  }
}
