import { parseArgs } from 'node:util'
import type { FastifyPluginAsync } from 'fastify'
import type { Clock } from '../../pipelines/clock.ts'
import { systemClock } from '../../pipelines/clock.ts'
import type { DecidePoint, Failpoint } from '../../pipelines/failpoints.ts'
import { noFailpoint } from '../../pipelines/failpoints.ts'
import type { Logger } from '../../pipelines/logger.ts'
import type { Random } from '../../pipelines/random.ts'
import { systemRandom } from '../../pipelines/random.ts'
import type { Metrics } from '../../schemas/metrics.ts'
import { checkClickhouseAccess, checkKafkaAccess, refusalBehind } from './check-access.ts'
import type { Config, Settings } from './config.ts'
import { loadSettings } from './config.ts'
import { EXIT, ExitError, describeError, exitCodeOf } from './exit.ts'
import type { ExitCode } from './exit.ts'
import type { OpsSources, Readiness } from '../http/ops.ts'
import { opsRoutes } from '../http/ops.ts'
import { startOpsServer } from '../http/ops-server.ts'
import { createLogger } from './logger.ts'
import { createMetrics } from './metrics.ts'
import { SERVICES, isServer } from '../../schemas/services.ts'
import type { ServiceName } from '../../schemas/services.ts'
import { overrideProblems } from './rules.ts'
import { SECOND_MS } from '../../schemas/units.ts'

export type { Readiness } from '../http/ops.ts'

/** What every service is made of. Only `main.ts` creates these; the code below it gets them. */
export interface ServiceParts {
  readonly service: ServiceName
  readonly config: Config
  readonly logger: Logger
  readonly clock: Clock
  readonly metrics: Metrics
  readonly random: Random
  /** What happens at the named points of a commit: nothing, except in the fault runs. */
  readonly failpoint: Failpoint
  /** What may make a decision fail: nothing, except in the fault runs. */
  readonly decidePoint?: DecidePoint | undefined
  /** Aborts when the process is requested to end, also in the middle of the start. */
  readonly signal: AbortSignal
  /**
   * Aborts as soon as the process is requested to end: while it drains it still answers, and every answer closes its
   * connection.
   */
  readonly leaving: AbortSignal
  /** The routes /healthz, /readyz and /metrics: gateway and reader register them on their own server. */
  readonly ops: FastifyPluginAsync
}

export interface RunningService {
  readiness(): Readiness
  /** Finishes accepted work and releases everything; called once. */
  stop(): Promise<void>
  /** Resolves with the reason if the service must end by itself; never rejects. */
  readonly failed: Promise<Error>
}

/** The points of a process that the fault runs can set. */
type Points = Pick<ServiceParts, 'failpoint' | 'decidePoint'>

/** Longest orderly stop; a supervisor waits 10 s. */
export const STOP_TIMEOUT_MS = 8_000

type End = { readonly exitCode: ExitCode; readonly reason: string; readonly error?: unknown }

/** `--config file.json` is the only argument of a service; any other is exit 2. */
function configFile(): string | undefined {
  try {
    return parseArgs({ options: { config: { type: 'string' } }, strict: true }).values.config
  } catch (error) {
    throw new ExitError(EXIT.usage, `${describeError(error)}. The only argument is --config <file.json>.`)
  }
}

/** The first request to end the process: a signal, or the end of the parent where a supervisor started it. */
function endOfProcess(settings: Settings): Promise<End> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve({ exitCode: EXIT.ok, reason: 'SIGTERM' }))
    process.on('SIGINT', () => resolve({ exitCode: EXIT.interrupted, reason: 'SIGINT' }))
    if (!settings.watchParent) return
    // The supervisor holds the other end of this pipe; the kernel closes it however the supervisor ends.
    const parentGone = () => resolve({ exitCode: EXIT.failure, reason: 'the supervisor has gone' })
    process.stdin.on('end', parentGone).on('error', parentGone).resume()
  })
}

const never = new Promise<End>(() => {})

/**
 * Gateway and reader still answer for `drainS` after SIGTERM but are no longer ready, so that load balancers use other
 * servers before the port is closed. A second signal ends this wait at once, and so does anything that would end the
 * process by itself.
 */
async function drain(drainS: number, failed: Promise<End>): Promise<void> {
  const over = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => over.abort())
  await Promise.race([systemClock.delay(drainS * SECOND_MS, over.signal), failed])
}

/** The error of a server that this service needs and that does not let it in; undefined where there is none. */
async function checkAccess(name: ServiceName, config: Config): Promise<ExitError | undefined> {
  const checks = [checkKafkaAccess(config), ...(name === 'gateway' ? [] : [checkClickhouseAccess(config)])]
  return (await Promise.all(checks)).find((error) => error !== undefined)
}

/** The end that follows from an error: where a server does not let this process in, the settings are the cause. */
function endBy(error: unknown, config: Config): End {
  const cause = error instanceof ExitError ? error : (refusalBehind(error, config) ?? error)
  return { exitCode: exitCodeOf(cause), reason: describeError(cause), error }
}

/** A line for a person on standard error, which a supervisor and a shell show first. */
function writeLastLine(name: string, message: string): void {
  for (const line of message.split('\n')) process.stderr.write(`hivemeter ${name}: ${line}\n`)
}

/** Strangers can reach the ports of gateway and reader; the other ports are for the operator only. */
function termsForStrangers({ opsDetails }: Config): Pick<OpsSources, 'details' | 'clock'> {
  return { details: opsDetails, clock: systemClock }
}

async function run(
  name: ServiceName,
  start: (parts: ServiceParts) => Promise<RunningService>,
  points: Points,
): Promise<ExitCode> {
  const settings = loadSettings({ file: configFile(), check: overrideProblems })
  // This comes first: the program that starts a process may end it at once.
  const ending = endOfProcess(settings)
  const { config } = settings
  const logger = await createLogger(name, config.logLevel)
  for (const warning of settings.warnings) logger.warn({}, warning)
  const metrics = createMetrics(name)
  const abort = new AbortController()

  let running: RunningService | undefined
  const leaving = new AbortController()
  const isLeaving = (): boolean => leaving.signal.aborted
  const readiness = (): Readiness => {
    if (isLeaving()) return { waitingFor: ['the end of this process'], halted: [] }
    return running?.readiness() ?? { waitingFor: ['the start of this process'], halted: [] }
  }
  const ops = opsRoutes({ readiness, isLeaving, metrics, ...(isServer(name) && termsForStrangers(config)) })

  await using cleanup = new AsyncDisposableStack()
  if (!isServer(name)) {
    const key = SERVICES[name].port
    const listens = { host: config.opsHost, port: config[key], key }
    const server = await startOpsServer({ ...listens, ops, clock: systemClock, logger })
    cleanup.defer(() => server.close())
  }

  const parts = {
    service: name,
    config,
    logger,
    clock: systemClock,
    metrics,
    random: systemRandom,
    ...points,
    signal: abort.signal,
    leaving: leaving.signal,
    ops,
  }
  const started = start(parts).then(async (service): Promise<End> => {
    running = service
    logger.info({}, `${name} started`)
    return endBy(await service.failed, config)
  })
  // Runs in parallel with the start, not before it: a Kafka or a ClickHouse that hangs must not delay the start.
  const access = checkAccess(name, config)
  const failedStart = started.catch(async (error: unknown) => endBy((await access) ?? error, config))
  const end = await Promise.race([
    ending,
    failedStart,
    access.then((error) => (error && endBy(error, config)) ?? never),
  ])

  leaving.abort()
  if (isServer(name) && running !== undefined && end.exitCode === EXIT.ok && config.drainS > 0) {
    logger.info({}, `${name} answers on for ${config.drainS} s, and is not ready any more`)
    await drain(config.drainS, failedStart)
  }
  void systemClock.delay(STOP_TIMEOUT_MS).then(() => {
    writeLastLine(name, `did not stop within ${STOP_TIMEOUT_MS / SECOND_MS} s and was ended.`)
    process.exit(EXIT.failure)
  })
  abort.abort()
  if (end.error === undefined) logger.info({}, `${name} stops: ${end.reason}`)
  else logger.error({ err: end.error }, `${name} failed: ${end.reason}`)
  await running?.stop()
  if (end.error !== undefined) writeLastLine(name, end.reason)
  return end.exitCode
}

/**
 * The life of a service process: settings, log, metrics, start, stop. Ends the process with 0 after SIGTERM, 130 after
 * SIGINT, 78 for wrong settings, 2 for a wrong argument, 69 when a dependency cannot be reached, else 1, with the reason
 * on one line.
 */
export async function runService(
  name: ServiceName,
  start: (parts: ServiceParts) => Promise<RunningService>,
  points: Points = { failpoint: noFailpoint },
): Promise<void> {
  // After an error that was not caught the state is unknown. Only the log can be trusted, so the process ends at once.
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${error.stack ?? ''}\n`)
    writeLastLine(name, `ended by an error that nothing handled: ${describeError(error)}`)
    process.exit(EXIT.failure)
  })
  try {
    process.exit(await run(name, start, points))
  } catch (error) {
    writeLastLine(name, error instanceof ExitError ? error.message : describeError(error))
    process.exit(exitCodeOf(error))
  }
}
