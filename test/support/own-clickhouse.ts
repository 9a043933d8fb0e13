import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signalTo } from '../../infra/local/child.ts'
import { startClickhouse } from '../../infra/local/clickhouse/start.ts'
import type { LocalServer } from '../../infra/local/clickhouse/start.ts'

/** A local ClickHouse of a test's own, which it may kill: always the same address, on the same data. */
export class OwnClickhouse {
  readonly url: string
  readonly dir: string
  readonly #port: number
  #server: LocalServer | undefined

  private constructor(port: number, dir: string) {
    this.#port = port
    this.dir = dir
    this.url = `http://127.0.0.1:${port}`
  }

  /** On data in `dir`, which is forgotten at the end; in a new folder unless given. */
  static async start(port: number, dir?: string): Promise<OwnClickhouse> {
    const own = new OwnClickhouse(port, dir ?? (await mkdtemp(join(tmpdir(), 'hivemeter-clickhouse-'))))
    await own.start()
    return own
  }

  async start(): Promise<void> {
    this.#server = await startClickhouse({ dir: this.dir, port: this.#port })
  }

  /** kill -9; what it holds stays. */
  async kill(): Promise<void> {
    this.#server?.kill()
    await this.#server?.exited
  }

  /** SIGSTOP or SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    if (this.#server !== undefined) signalTo(this.#server.pid, signal)
  }

  /** Stops it in order; what it holds stays. */
  async stop(): Promise<void> {
    await this.#server?.stop()
  }

  /** Ends it and forgets its data. */
  async dispose(): Promise<void> {
    await this.stop()
    await rm(this.dir, { recursive: true, force: true })
  }
}
