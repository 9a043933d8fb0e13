import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../pipelines/clock.ts'
import { systemRandom } from '../../../pipelines/random.ts'
import { SERVICE_NODE_FLAGS } from '../../../infra/local/services.ts'
import { environmentOf } from './installation.ts'
import type { Installation } from './installation.ts'
import { until } from '../until.ts'
import type { ServiceName } from '../../../schemas/services.ts'

const READY_TIMEOUT_MS = 40_000
const STOP_TIMEOUT_MS = 12_000
const ANSWER_TIMEOUT_MS = 5_000
const LAST_LINES = 40

/**
 * Below the ports that the system gives to outgoing connections, so that none of those takes one in the meantime, and
 * below those of servers with a port of their own (26,000 and more), so that no service takes one before its server does.
 */
const PORTS = { from: 20_000, count: 6_000 }

export interface ServiceOptions {
  readonly settings?: Readonly<Record<string, string>>
}

export interface ReadyAnswer {
  readonly status: string
  readonly waiting_for: readonly string[]
  readonly halted: readonly {
    readonly topic: string
    readonly partition: number
    readonly reason: string
    readonly remedy: string
  }[]
  readonly notes?: readonly string[]
}

/** One service of an installation as a process of its own; tests use its port and its signals. */
export class ServiceProcess {
  readonly name: ServiceName
  readonly process: ChildProcess
  readonly url: string
  readonly #lines: string[] = []
  #exitCode: number | NodeJS.Signals | undefined

  constructor(name: ServiceName, child: ChildProcess, url: string) {
    this.name = name
    this.process = child
    this.url = url
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data: Buffer) => {
        this.#lines.push(...data.toString().trimEnd().split('\n'))
        if (this.#lines.length > LAST_LINES) this.#lines.splice(0, this.#lines.length - LAST_LINES)
      })
    }
    child.once('exit', (code, signal) => {
      this.#exitCode = code ?? signal ?? -1
    })
  }

  /** Exit code or signal once it has ended. */
  get ended(): number | NodeJS.Signals | undefined {
    return this.#exitCode
  }

  /** The last lines that it wrote. */
  get lastWords(): string {
    return this.#lines.join('\n')
  }

  /** The answer of /readyz; undefined while no process listens. */
  async readiness(): Promise<ReadyAnswer | undefined> {
    try {
      return (await (await this.#get('/readyz')).json()) as ReadyAnswer
    } catch {
      return undefined
    }
  }

  /** Resolves when it waits for nothing any more. */
  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<this> {
    await until(
      `${this.name} to be ready`,
      timeoutMs,
      async () => {
        assert(this.#exitCode === undefined, `${this.name} ended at its start:\n${this.lastWords}`)
        return (await this.readiness())?.status === 'ready'
      },
      async () => `${JSON.stringify(await this.readiness())}\n${this.lastWords}`,
    )
    return this
  }

  /** The partition's halt, once it is there. */
  async halted(partition: number, timeoutMs = READY_TIMEOUT_MS): Promise<ReadyAnswer['halted'][number]> {
    return await until(
      `${this.name} to halt partition ${partition}`,
      timeoutMs,
      async () => (await this.readiness())?.halted.find((halt) => halt.partition === partition),
      () => this.lastWords,
    )
  }

  /** A frozen process accepts connections and never answers. */
  async #get(path: string): Promise<Response> {
    return await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
  }

  /** The sum of the series of a metric whose labels include all of `labels`. */
  async metric(name: string, labels: Readonly<Record<string, string | number>> = {}): Promise<number> {
    const text = await (await this.#get('/metrics')).text()
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    let sum = 0
    for (const line of text.split('\n')) {
      if (!line.startsWith(`${name}{`) || !wanted.every((label) => line.includes(label))) continue
      sum += Number(line.slice(line.lastIndexOf(' ') + 1))
    }
    return sum
  }

  /** Whether it ends by itself within the time. */
  async endsWithin(timeoutMs: number): Promise<boolean> {
    const over = new AbortController()
    const onExit = () => over.abort()
    this.process.once('exit', onExit)
    if (this.#exitCode === undefined) await systemClock.delay(timeoutMs, over.signal)
    this.process.off('exit', onExit)
    return this.#exitCode !== undefined
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal)
  }

  /** kill -9, and waits for the end. */
  async kill(): Promise<void> {
    if (this.#exitCode !== undefined) return
    this.process.kill('SIGKILL')
    await until(`${this.name} to be gone`, STOP_TIMEOUT_MS, () => this.#exitCode !== undefined)
  }

  /** SIGTERM; the service must end with 0 by itself. */
  async stop(): Promise<void> {
    if (this.#exitCode === undefined) {
      this.process.kill('SIGTERM')
      await until(`${this.name} to stop`, STOP_TIMEOUT_MS, () => this.#exitCode !== undefined)
    }
    assert.equal(this.#exitCode, 0, `${this.name} ended with ${this.#exitCode}:\n${this.lastWords}`)
  }
}

/** Starts a service of the installation; it may not be ready yet. */
export async function startService(
  installation: Installation,
  name: ServiceName,
  options: ServiceOptions = {},
): Promise<ServiceProcess> {
  const port = await freePort()
  const main = fileURLToPath(new URL(`../../../services/${name}/main.ts`, import.meta.url))
  const child = spawn(process.execPath, [...SERVICE_NODE_FLAGS, main], {
    stdio: 'pipe',
    env: environmentOf({
      ...installation.environment,
      // It ends with the test, however that ends.
      HIVEMETER_WATCH_PARENT: '1',
      [portVariable(name)]: String(port),
      ...options.settings,
    }),
  })
  child.stdin.on('error', () => {})
  await once(child, 'spawn')
  return new ServiceProcess(name, child, `http://127.0.0.1:${port}`)
}

/** Starts services and waits until all are ready. */
export async function startServices<const Names extends readonly ServiceName[]>(
  installation: Installation,
  ...names: Names
): Promise<Record<Names[number], ServiceProcess>> {
  const started = await Promise.all(names.map((name) => startService(installation, name)))
  await Promise.all(started.map((service) => service.ready()))
  return Object.fromEntries(started.map((service) => [service.name, service])) as Record<
    Names[number],
    ServiceProcess
  >
}

function portVariable(name: ServiceName): string {
  const isServer = name === 'gateway' || name === 'reader'
  return `HIVEMETER_${name.toUpperCase()}_${isServer ? 'PORT' : 'OPS_PORT'}`
}

/** A port of 127.0.0.1 on which no process listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + Math.floor(systemRandom.next() * PORTS.count)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
