import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signalTo } from '../../../infra/local/child.ts'
import { startKafka } from '../../../infra/local/kafka/start.ts'
import type { LocalKafka } from '../../../infra/local/kafka/start.ts'
import { kafkaFiles } from '../../../infra/local/kafka/storage.ts'

/** A local Kafka for one test, which the test may kill: always the same address, on the same data. */
export class OwnKafka {
  readonly broker: string
  readonly dir: string
  readonly #ports: { readonly port: number; readonly controllerPort: number }
  #kafka: LocalKafka | undefined

  private constructor(port: number, controllerPort: number, dir: string) {
    this.#ports = { port, controllerPort }
    this.dir = dir
    this.broker = `127.0.0.1:${port}`
  }

  static async start(port: number, controllerPort: number): Promise<OwnKafka> {
    const own = new OwnKafka(port, controllerPort, await mkdtemp(join(tmpdir(), 'hivemeter-kafka-')))
    await own.start()
    return own
  }

  /** The folder that holds its partitions' logs. */
  get logDir(): string {
    return kafkaFiles(this.dir).logDir
  }

  /** True while it is neither stopped nor killed. */
  get isRunning(): boolean {
    return this.#kafka !== undefined
  }

  async start(): Promise<void> {
    this.#kafka = await startKafka({ dataDir: this.dir, ...this.#ports })
  }

  /** kill -9; its data stays. */
  async kill(): Promise<void> {
    await this.#kafka?.kill()
    this.#kafka = undefined
  }

  /** A clean stop; its data stays. */
  async stop(): Promise<void> {
    await this.#kafka?.stop()
    this.#kafka = undefined
  }

  /** SIGSTOP or SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    if (this.#kafka !== undefined) signalTo(this.#kafka.pid, signal)
  }

  /** Ends it and deletes its data. */
  async dispose(): Promise<void> {
    await this.#kafka?.stop()
    await rm(this.dir, { recursive: true, force: true })
  }
}
