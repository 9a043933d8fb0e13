import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signalTo } from '../../../infra/local/child.ts'
import { startClickhouse } from '../../../infra/local/clickhouse/start.ts'
import type { LocalServer } from '../../../infra/local/clickhouse/start.ts'
import { systemClock } from '../../../pipelines/clock.ts'

const START_AGAIN_MS = 500

/** A local ClickHouse for one test, which the test may kill: always the same address, on the same data. */
export class OwnClickhouse {
  readonly url: string
  readonly dir: string
  readonly #port: number
  /** How often it ended by itself; it is started again, as a supervisor would. */
  ownEnds = 0
  #server: LocalServer | undefined
  #isEnding = false

  private constructor(port: number, dir: string) {
    this.#port = port
    this.dir = dir
    this.url = `http://127.0.0.1:${port}`
  }

  /** Uses the data in `dir`, which is deleted at the end; a new folder unless given. */
  static async start(port: number, dir?: string): Promise<OwnClickhouse> {
    const own = new OwnClickhouse(port, dir ?? (await mkdtemp(join(tmpdir(), 'hivemeter-clickhouse-'))))
    await own.start()
    return own
  }

  async start(): Promise<void> {
    this.#isEnding = false
    const server = await startClickhouse({ dir: this.dir, port: this.#port, niceness: 0 })
    this.#server = server
    void server.exited.then(() => this.#startAgain(server))
  }

  /** A start may fail as well, on a full disk. */
  async #startAgain(ended: LocalServer): Promise<void> {
    while (!this.#isEnding && this.#server === ended) {
      this.ownEnds++
      try {
        await this.start()
      } catch {
        await systemClock.delay(START_AGAIN_MS)
      }
    }
  }

  /** kill -9; its data stays. */
  async kill(): Promise<void> {
    this.#isEnding = true
    this.#server?.kill()
    await this.#server?.exited
  }

  /** SIGSTOP or SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    if (this.#server !== undefined) signalTo(this.#server.pid, signal)
  }

  /** Stops it in order; its data stays. */
  async stop(): Promise<void> {
    this.#isEnding = true
    await this.#server?.stop()
  }

  /** Ends it and deletes its data. */
  async dispose(): Promise<void> {
    await this.stop()
    await rm(this.dir, { recursive: true, force: true })
  }
}
