import { openAdmin } from '../../pipelines/kafka/kafkajs/admin.ts'
import { layoutEnd } from '../../pipelines/kafka/kafkajs/layout.ts'
import type { Logger } from '../../pipelines/logger.ts'
import { topicNames } from '../../schemas/topics.ts'
import type { Config } from './config.ts'
import { EXIT, ExitError } from './exit.ts'
import type { ClosedServer } from '../http/closed-server.ts'
import { openClosedServer } from '../http/closed-server.ts'
import { kafkaOf } from './kafka.ts'
import { LayoutMissing, layoutOf } from './layout.ts'
import type { LayoutInForce } from './layout.ts'
import { checkTopics, TopicsMissing } from '../migrate/topics.ts'
import type { RunningService, ServiceParts } from './process.ts'
import type { ServiceName } from '../../schemas/services.ts'

/** How often a service checks whether the layout has changed, and a server whether Kafka and the topics are there. */
const LOOK_PAUSE_MS = 1_000

/** What a service is started with: its parts, and the topics in force. */
export interface LayoutParts extends ServiceParts {
  readonly layout: LayoutInForce
  /** The token that an end record must carry, as the newest layout has it; null while no version ends. */
  readonly endToken: () => Buffer | null
}

type Start = (parts: LayoutParts) => Promise<RunningService>

/**
 * A service on the topics that are in force. Its start ends with 78 where a topic does not hold what the guarantee needs.
 * When another version of the topics comes into force, the service stops in order and starts on that version, in this
 * process. A server also listens while Kafka is away, and the gateway while a version is drained; they answer 503 meanwhile.
 */
export function followingLayout(
  name: ServiceName,
  start: Start,
): (parts: ServiceParts) => Promise<RunningService> {
  return async (parts) => {
    const service = new FollowingService(name, start, parts)
    await service.start()
    return service
  }
}

/** The result of one check: a layout to run on, or why there is none to run on now. */
type LayoutCheck = { readonly layout: LayoutInForce } | { readonly waits: string }

class FollowingService implements RunningService {
  readonly failed: Promise<Error>
  readonly #name: ServiceName
  readonly #start: Start
  readonly #parts: ServiceParts
  readonly #fail: (error: Error) => void
  readonly #stopping = new AbortController()
  readonly #stopped: Promise<undefined>
  #admin: ReturnType<typeof openAdmin> | undefined
  #layout: LayoutInForce | undefined
  #end = -1n
  #inner: RunningService | undefined
  #closed: ClosedServer | undefined
  #waitsFor = ''
  /** Version and state that this process runs in, as one text. */
  #mode = ''
  #switching: Promise<void> = Promise.resolve()

  constructor(name: ServiceName, start: Start, parts: ServiceParts) {
    this.#name = name
    this.#start = start
    this.#parts = parts
    const { promise, resolve } = Promise.withResolvers<Error>()
    this.failed = promise
    this.#fail = resolve
    this.#stopped = new Promise((resolveStopped) => {
      this.#stopping.signal.addEventListener('abort', () => resolveStopped(undefined), { once: true })
    })
  }

  async start(): Promise<void> {
    this.#switching = this.#follow(await this.#checkLayout())
    await this.#switching
    void this.#watch()
  }

  readiness(): ReturnType<RunningService['readiness']> {
    return this.#inner?.readiness() ?? { waitingFor: [this.#waitsFor], halted: [] }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#switching.catch(() => {})
    await Promise.all([this.#inner?.stop(), this.#closed?.stop(), this.#admin?.disconnect()])
  }

  async #watch(): Promise<void> {
    const { clock, logger } = this.#parts
    const { signal } = this.#stopping
    try {
      while (!signal.aborted) {
        await clock.delay(LOOK_PAUSE_MS, signal)
        if (signal.aborted) return
        this.#switching = this.#follow(await this.#checkLayout())
        await this.#switching
      }
    } catch (error) {
      logger.debug({ err: error }, 'the layout could not be followed')
      this.#fail(
        error instanceof Error ? error : new Error('The layout cannot be followed.', { cause: error }),
      )
    }
  }

  /** Runs as the check found, unless the process already runs in that way. */
  async #follow(check: LayoutCheck): Promise<void> {
    const { logger } = this.#parts
    if (this.#stopping.signal.aborted) return
    const mode = 'waits' in check ? `waits ${check.waits}` : `version ${check.layout.version}`
    if (mode === this.#mode) return
    await this.#inner?.stop()
    this.#inner = undefined
    if ('waits' in check) {
      this.#waitsFor = check.waits
      await this.#closed?.stop()
      this.#closed = await openClosedServer(this.#name, this.#parts, check.waits)
    } else {
      await this.#closed?.stop()
      this.#closed = undefined
      const { layout } = check
      logger.info({ version: layout.version, partitions: layout.partitions }, 'topics in force')
      // As at the first start of a process, a start that is no longer wanted is not awaited: joining a group may take long.
      const inner = await Promise.race([
        this.#start({
          ...this.#parts,
          layout,
          endToken: () => this.#layout?.growing?.token ?? null,
        }),
        this.#stopped,
      ])
      if (inner === undefined) return
      this.#inner = inner
      void inner.failed.then((error) => {
        if (this.#inner === inner) this.#fail(error)
      })
    }
    this.#mode = mode
  }

  /** Rejects with an ExitError where this process must end. */
  async #checkLayout(): Promise<LayoutCheck> {
    const { config, logger } = this.#parts
    try {
      await this.#read(config, logger)
    } catch (error) {
      if (this.#layout === undefined && !(isServer(this.#name) && isPassing(error))) throw error
      logger.debug({ err: error }, 'the layout cannot be read now; tried again every second')
      if (this.#layout === undefined) return { waits: this.#kafkaWords() }
    }
    const layout = this.#layout as LayoutInForce
    if (this.#name === 'gateway' && layout.growing !== null) {
      return { waits: `the installation to be grown to ${layout.growing.partitions} partitions` }
    }
    return { layout }
  }

  async #read(config: Config, logger: Logger): Promise<void> {
    const clientId = `hivemeter-${this.#name}`
    if (this.#layout === undefined) {
      // The end offset is not kept here, so the next check reads the layout once more: one may be written between the two
      // requests.
      const layout = await layoutOf(config, clientId, logger)
      await checkTopics(config, this.#name, layout)
      this.#layout = layout
      return
    }
    const end = await this.#newestEnd()
    if (end === this.#end) return
    const layout = await layoutOf(config, clientId, logger)
    if (layout.version !== this.#layout.version) await checkTopics(config, this.#name, layout)
    this.#end = end
    this.#layout = layout
  }

  async #newestEnd(): Promise<bigint> {
    const { config, logger } = this.#parts
    if (this.#admin === undefined) {
      const admin = openAdmin(kafkaOf(config, `hivemeter-${this.#name}`, logger))
      await admin.connect()
      this.#admin = admin
    }
    return await layoutEnd(this.#admin, topicNames(config.topicPrefix).installation)
  }

  #kafkaWords(): string {
    const { kafkaBrokers, topicPrefix } = this.#parts.config
    const what = this.#name === 'gateway' ? 'take a record of usage.metered' : 'answer'
    return `Kafka at ${kafkaBrokers.join(', ')} to ${what.replace('usage', `${topicPrefix}usage`)}`
  }
}

const isServer = (name: ServiceName): boolean => name === 'gateway' || name === 'reader'

/** Kafka is away, or the topics do not exist yet: a server waits for both. */
function isPassing(error: unknown): boolean {
  if (error instanceof TopicsMissing || error instanceof LayoutMissing) return true
  return error instanceof ExitError && error.exitCode === EXIT.unreachable
}
