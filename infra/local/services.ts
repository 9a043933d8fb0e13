import { execPath } from 'node:process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../pipelines/clock.ts'
import { SERVICES } from '../../schemas/services.ts'
import type { ServiceName } from '../../schemas/services.ts'
import type { Config } from '../../services/runtime/config.ts'
import { EXIT } from '../../services/runtime/exit.ts'
import { startChild, stopProcess } from './child.ts'
import type { Exit } from './child.ts'
import type { Installation } from './installation.ts'
import type { Part } from './part.ts'
import { GivenUp, PartFailed, failedStart } from './part.ts'
import { MINUTE_MS, SECOND_MS } from '../../schemas/units.ts'

const START_TIMEOUT_MS = MINUTE_MS
const MIGRATE_TIMEOUT_MS = 10 * MINUTE_MS
const POLL_MS = 100
const ANSWER_TIMEOUT_MS = 2_000

/**
 * V8 lets its young generation grow to 96 MB where most of what a service makes is garbage at once. Measured at the
 * aggregator with 5 million ids: 690 MB with that, and 582 MB with this flag. The npm scripts carry the same flag.
 */
export const SERVICE_NODE_FLAGS = ['--max-semi-space-size=8'] as const

/**
 * Where Node keeps what it has compiled of the sources, so that the next process need not: a service's start then costs
 * 0.55 instead of 0.90 CPU-s (the gateway, measured). What no longer fits its source is compiled anew.
 */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/node-compile', import.meta.url)),
} as const

const mainOf = (name: string) => fileURLToPath(new URL(`../../services/${name}/main.ts`, import.meta.url))

/** Where a service answers /readyz, /healthz and /metrics. */
export function addressOf(name: ServiceName, config: Config): string {
  const { host: hostKey, port: portKey } = SERVICES[name]
  const [host, port] = [config[hostKey], config[portKey]]
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** What a service reports that it waits for; an empty list when it is ready. */
async function waitingFor(address: string): Promise<readonly string[]> {
  try {
    const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    if (answer.ok) return []
    const body = (await answer.json()) as {
      waiting_for?: string[]
      halted?: { topic: string; partition: number }[]
    }
    const halted = (body.halted ?? []).map(
      ({ topic, partition }) => `halted partition ${partition} of ${topic}`,
    )
    return [...(body.waiting_for ?? []), ...halted]
  } catch {
    return ['an answer from /readyz']
  }
}

/** Starts a service, which the installation then stops; resolves when the service reports that it is ready. */
export async function startService(options: {
  readonly name: ServiceName
  readonly config: Config
  readonly environment: NodeJS.ProcessEnv
  readonly logsDir: string
  readonly signal: AbortSignal
  readonly installation: Installation
  readonly onProgress: (text: string) => void
}): Promise<void> {
  const { name, config, signal, installation } = options
  const logFile = join(options.logsDir, `${name}.log`)
  const child = await startChild({
    command: execPath,
    args: [...SERVICE_NODE_FLAGS, mainOf(name)],
    environment: { ...COMPILE_CACHE, ...options.environment, HIVEMETER_WATCH_PARENT: '1' },
    logFile,
  })
  const pid = child.process.pid ?? 0
  let exit: Exit | undefined
  const exited = child.exited.then((ended) => (exit = ended))
  const part: Part = {
    name,
    pid,
    exited,
    lastWords: () => child.lastWords(),
    stop: (timeoutMs) => stopProcess(pid, exited, timeoutMs),
  }
  await installation.add(part)

  const deadlineMs = systemClock.monotonicMs() + START_TIMEOUT_MS
  while (!signal.aborted) {
    const waits = await waitingFor(addressOf(name, config))
    if (exit !== undefined) throw failedStart(name, exit, child.lastWords(), logFile)
    if (waits.length === 0) {
      installation.watch(part, logFile)
      return
    }
    options.onProgress(`waits for ${waits.join(', ')}`)
    if (systemClock.monotonicMs() > deadlineMs) {
      const message = `${name} was not ready within ${START_TIMEOUT_MS / SECOND_MS} s: it waits for ${waits.join(', ')}. Its log is in ${logFile}.`
      throw new PartFailed(EXIT.failure, message, child.lastWords())
    }
    await systemClock.delay(POLL_MS, signal)
  }
  throw new GivenUp(name)
}

/** Runs `migrate` to its end: tables, topics, keys in files. */
export async function runMigrate(options: {
  readonly environment: NodeJS.ProcessEnv
  readonly logsDir: string
  readonly signal: AbortSignal
}): Promise<void> {
  const logFile = join(options.logsDir, 'migrate.log')
  const child = await startChild({
    command: execPath,
    args: [mainOf('migrate')],
    environment: { ...COMPILE_CACHE, ...options.environment },
    logFile,
  })
  const pid = child.process.pid ?? 0
  const timer = new AbortController()
  const ended = child.exited.then(() => timer.abort())
  await systemClock.delay(MIGRATE_TIMEOUT_MS, AbortSignal.any([timer.signal, options.signal]))
  // Interrupted or too long: a migration resumes where it was.
  if (!timer.signal.aborted) await stopProcess(pid, child.exited, ANSWER_TIMEOUT_MS)
  await ended
  if (options.signal.aborted) throw new GivenUp('migrate')
  const exit = await child.exited
  if (exit.code !== 0) throw failedStart('migrate', exit, child.lastWords(), logFile)
}
