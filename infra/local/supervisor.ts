import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import { SERVICE_NAMES, STOP_ORDER } from '../../schemas/services.ts'
import type { Settings } from '../../services/runtime/config.ts'
import { layoutOf } from '../../services/runtime/layout.ts'
import { CLICKHOUSE, KAFKA, runClickhouse, runKafka } from './engines.ts'
import { checkGivenClickhouse, checkGivenKafka } from './external.ts'
import { folderAt } from './folder.ts'
import type { Folder } from './folder.ts'
import { Installation } from './installation.ts'
import { checkStorage } from './kafka/storage.ts'
import type { PartFailed } from './part.ts'
import { GivenUp } from './part.ts'
import { gatherFacts, preflightProblems } from './preflight.ts'
import type { LocalParts } from './preflight.ts'
import { awaitKeysSeen } from './keys-seen.ts'
import { bearer, localKeys } from './local-keys.ts'
import type { Probe } from './probe.ts'
import { runProbe } from './probe.ts'
import { fetchExamples, readyScreen } from './ready-screen.ts'
import type { RunningSample } from './sample/send.ts'
import { startSample } from './sample/send.ts'
import { markProcess } from './run-file.ts'
import type { ProcessMark } from './run-file.ts'
import type { Screen } from './screen.ts'
import { addressOf, runMigrate, startService } from './services.ts'
import { awaitLeftovers, checkFolder, leftovers, takeFolder } from './take-folder.ts'
import type { ServiceName } from '../../schemas/services.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** One local installation: brings it up step by step, watches it, takes it down in order. */
export class Supervisor {
  readonly #settings: Settings
  readonly #environment: NodeJS.ProcessEnv
  readonly #screen: Screen
  readonly #signal: AbortSignal
  readonly #folder: Folder
  readonly #local: LocalParts
  readonly #startMs = systemClock.monotonicMs()
  readonly #supervisor: ProcessMark
  readonly #installation: Installation
  #release: () => void = () => {}
  #sample: RunningSample | undefined
  /** Filled as they become known. */
  readonly #versions = { kafka: 'given by HIVEMETER_KAFKA_BROKERS', clickhouse: '' }

  constructor(options: {
    readonly settings: Settings
    /** What the children are given; settings included. */
    readonly environment: NodeJS.ProcessEnv
    readonly screen: Screen
    /** Aborts when the user requests a stop. */
    readonly signal: AbortSignal
  }) {
    this.#settings = options.settings
    this.#environment = options.environment
    this.#screen = options.screen
    this.#signal = options.signal
    this.#folder = folderAt(options.settings.config.dataDir)
    const { sources } = options.settings
    this.#local = {
      kafka: sources.kafkaBrokers === 'default',
      clickhouse: sources.clickhouseUrl === 'default',
    }
    this.#supervisor = markProcess('supervisor', process.pid)
    this.#installation = new Installation({
      order: [...STOP_ORDER, CLICKHOUSE, KAFKA],
      runFile: this.#folder.runFile,
      supervisor: this.#supervisor,
    })
  }

  /** Resolves when an event has gone all the way to a wallet and the last screen is shown. */
  async start(): Promise<void> {
    await this.#check()
    this.#release = takeFolder(this.#folder, this.#supervisor)
    await this.#startEngines()
    this.#signal.throwIfAborted()
    await this.#screen.step('migrate', async () => {
      await runMigrate({ environment: this.#environment, logsDir: this.#folder.logs, signal: this.#signal })
      return 'tables and topics are there'
    })
    await this.#showPartitions()
    this.#signal.throwIfAborted()
    await this.#together(SERVICE_NAMES.map((name) => (signal) => this.#startService(name, signal)))
    this.#signal.throwIfAborted()
    await this.#finish()
  }

  /** The number of partitions belongs to the installation: the setting has an effect on a new one only. */
  async #showPartitions(): Promise<void> {
    const { config, sources } = this.#settings
    const { partitions, growing } = await layoutOf(config, 'hivemeter-start')
    if (growing !== null) {
      this.#screen.say(
        `The growth to ${growing.partitions} partitions was interrupted: run npm run migrate -- --grow ${growing.partitions} in another terminal.`,
      )
    } else if (sources.partitions !== 'default' && config.partitions > partitions) {
      this.#screen.say(
        `HIVEMETER_PARTITIONS says ${config.partitions}, this installation has ${partitions}: npm run migrate -- --grow ${config.partitions} in another terminal grows it while it runs.`,
      )
    }
  }

  /** Resolves when a part ends without a request. */
  failed(): Promise<PartFailed> {
    return this.#installation.failed
  }

  /** Stops in order what runs, within 10 s, and releases the folder. */
  async stop(): Promise<void> {
    await this.#sample?.stop()
    await this.#installation.stop((name, tookMs) =>
      this.#screen.say(`  ✓ ${name} stopped  ${(tookMs / SECOND_MS).toFixed(1)} s`),
    )
    this.#release()
  }

  /** Everything that can be known before the first process is started. */
  async #check(): Promise<void> {
    const { config } = this.#settings
    checkFolder(this.#folder)
    if (leftovers(this.#folder).length > 0) {
      await this.#screen.step('earlier start', async (progress) => {
        await awaitLeftovers(this.#folder, progress)
        return 'all parts of an earlier start have ended'
      })
    }
    await this.#screen.step('checks', async () => {
      if (!this.#local.kafka) await checkGivenKafka(config)
      if (!this.#local.clickhouse) this.#versions.clickhouse = await checkGivenClickhouse(config)
      const facts = await gatherFacts(config, this.#folder.root, this.#local)
      const [first, ...others] = preflightProblems(facts, config)
      for (const other of others) this.#screen.say(`  ! ${other.message}`)
      if (first !== undefined) throw first
      if (this.#local.kafka) checkStorage(this.#folder.root)
      const java = this.#local.kafka ? `Java ${facts.java}, ` : ''
      return `${java}${facts.ports.length} ports free, ${facts.freeMemoryMb} MB of memory, ${facts.freeDiskMb} MB of disk`
    })
  }

  async #startEngines(): Promise<void> {
    const { config } = this.#settings
    const options = { config, folder: this.#folder, installation: this.#installation }
    const kafka = (signal: AbortSignal) =>
      this.#screen.step(KAFKA, async (onProgress) => {
        this.#versions.kafka = await runKafka({ ...options, signal, onProgress })
        return `${KAFKA} ${this.#versions.kafka} at ${config.kafkaBrokers.join(', ')}`
      })
    const clickhouse = () =>
      this.#screen.step(CLICKHOUSE, async () => {
        this.#versions.clickhouse = await runClickhouse(options)
        return `${CLICKHOUSE} ${this.#versions.clickhouse} at ${config.clickhouseUrl}`
      })
    await this.#together([
      ...(this.#local.kafka ? [kafka] : []),
      ...(this.#local.clickhouse ? [clickhouse] : []),
    ])
  }

  #startService(name: ServiceName, signal: AbortSignal): Promise<void> {
    const { config } = this.#settings
    return this.#screen.step(name, async (onProgress) => {
      await startService({
        name,
        config,
        environment: this.#environment,
        logsDir: this.#folder.logs,
        signal,
        installation: this.#installation,
        onProgress,
      })
      return `${name} at ${addressOf(name, config)}`
    })
  }

  /** The sample begins; then one event of our own must become money before anything is called ready. */
  async #finish(): Promise<void> {
    const { config } = this.#settings
    const gatewayUrl = addressOf('gateway', config)
    const clock = systemClock
    const keys = await localKeys(config, this.#folder, clock, systemRandom)
    const readerUrl = addressOf('reader', config)
    if (keys !== undefined) await awaitKeysSeen(keys, { readerUrl, gatewayUrl }, clock, this.#signal)
    this.#sample = startSample({
      gatewayUrl,
      readerUrl,
      headers: bearer(keys?.sample),
      adminHeaders: bearer(keys?.admin),
      eventsPerSecond: config.sampleEventsPerSecond,
      clock,
    })
    let probe: Probe | undefined
    await this.#screen.step('first event', async () => {
      probe = await runProbe({
        gatewayUrl,
        readerUrl,
        headers: bearer(keys?.admin),
        clock,
        random: systemRandom,
        signal: this.#signal,
      })
      return 'an event has gone through to a wallet'
    })
    if (probe === undefined) return
    const elapsedMs = clock.monotonicMs() - this.#startMs
    const showsKeys = this.#screen.isTerminal
    const examples = await fetchExamples(config, probe, keys, showsKeys)
    const facts = {
      config,
      folder: this.#folder,
      versions: this.#versions,
      probe,
      keys,
      showsKeys,
      elapsedMs,
    }
    this.#screen.say(readyScreen(facts, examples))
  }

  /** Runs starts side by side. When one fails the others are given up, and all have come to an end before it is thrown. */
  async #together(starts: readonly ((signal: AbortSignal) => Promise<void>)[]): Promise<void> {
    const failure = new AbortController()
    const signal = AbortSignal.any([this.#signal, failure.signal])
    const errors: unknown[] = []
    await Promise.all(
      starts.map((start) =>
        start(signal).catch((error: unknown) => {
          errors.push(error)
          failure.abort()
        }),
      ),
    )
    if (errors.length > 0) throw errors.find((error) => !(error instanceof GivenUp)) ?? errors[0]
  }
}
