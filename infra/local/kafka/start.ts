import type { ChildProcess } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../pipelines/clock.ts'
import { EXIT } from '../../../services/runtime/exit.ts'
import { describeExit, signalTo, startChild, stopProcess } from '../child.ts'
import type { Exit } from '../child.ts'
import { javaCommand } from '../java.ts'
import { lastWords } from '../last-words.ts'
import { GivenUp, PartFailed } from '../part.ts'
import { JARS_DIR, ensureJars } from './jars.ts'
import type { Download } from './jars.ts'
import type { KafkaNode } from './properties.ts'
import { answersMetadata } from './ready.ts'
import { kafkaFiles, prepareStorage } from './storage.ts'
import { MIB, MINUTE_MS, SECOND_MS } from '../../../schemas/units.ts'

const GUARDIAN = fileURLToPath(new URL('./guardian.sh', import.meta.url))
const LOG4J = fileURLToPath(new URL('./log4j2.properties', import.meta.url))

/** Longest start, including one after kill -9 with a log to recover. */
const START_TIMEOUT_MS = MINUTE_MS
const POLL_MS = 50
/** A clean stop takes about a second; after this the broker is killed, which loses nothing that it acknowledged. */
const STOP_TIMEOUT_MS = 6_000

/** Heap of the broker's JVM; the page cache holds the logs. */
const HEAP_BYTES_MAX = 768 * MIB

export interface LocalKafka {
  readonly brokers: readonly string[]
  /** The broker's JVM. */
  readonly pid: number
  /**
   * Stops it cleanly, so that the next start needs no recovery; kill -9 when it takes longer than `timeoutMs` (6 s unless
   * given).
   */
  stop(timeoutMs?: number): Promise<void>
  /** kill -9, for tests. */
  kill(): Promise<void>
  readonly exited: Promise<Exit>
  lastWords(): string[]
}

export interface KafkaOptions {
  readonly dataDir: string
  readonly port: number
  readonly controllerPort: number
  /** One of several; the only one unless given. It answers only after most of them run: start them together. */
  readonly node?: KafkaNode
  /** Further lines of server.properties, by name; they replace the others. */
  readonly settings?: Readonly<Record<string, string>>
  /** Further arguments of the format, where the storage is formatted. */
  readonly formatArguments?: readonly string[]
  /** Further options of the JVM. */
  readonly javaOptions?: readonly string[]
  /** A command that the JVM is started through, with its first arguments (`ip netns exec …`); it must become the JVM. */
  readonly through?: readonly string[]
  /** The largest size of the JVM's heap; 768 MiB unless given. */
  readonly heapBytesMax?: number
  /** Folder for kafka.log (the broker's) and kafka.out (the JVM's); the data folder unless given. */
  readonly logsDir?: string
  readonly jarsDir?: string
  readonly onDownload?: (download: Download) => void
  /** Gives up the start: what was started is stopped, and the start fails. */
  readonly signal?: AbortSignal
}

/** The pid that the guardian reports once it has started the JVM. */
async function reportedPid(guardian: ChildProcess): Promise<number> {
  const report = guardian.stdio[3]
  if (report === null || report === undefined || !('on' in report)) throw new Error('no pipe for the pid')
  let text = ''
  for await (const data of report as AsyncIterable<Buffer>) text += data.toString('utf8')
  const pid = Number(text)
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error(`the guardian reported no pid but "${text}"`)
  return pid
}

function jvmArguments(options: KafkaOptions, logFile: string): string[] {
  const { dataDir, jarsDir = JARS_DIR, heapBytesMax = HEAP_BYTES_MAX, javaOptions = [] } = options
  // The broker lives for minutes on shared cores: its second compiler took half of its CPU (measured, 1.0 → 0.7 CPU-s a
  // million events).
  const heap = [
    '-Xms256m',
    `-Xmx${heapBytesMax}`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Xshare:auto',
  ]
  const log = [`-Dlog4j2.configurationFile=${LOG4J}`, `-Dkafka.log.file=${logFile}`]
  const main = ['-cp', join(jarsDir, '*'), 'kafka.Kafka', kafkaFiles(dataDir).properties]
  return [...heap, '-Djava.net.preferIPv4Stack=true', ...javaOptions, ...log, ...main]
}

/**
 * Starts the local broker: jars by Maven the first time, storage formatted the first time, the JVM under a guardian
 * that ends it when this process dies. Resolves when the broker answers; fails with its last words otherwise.
 */
export async function startKafka(options: KafkaOptions): Promise<LocalKafka> {
  const { dataDir, port, controllerPort, node, settings = {}, through = [] } = options
  const { jarsDir = JARS_DIR, logsDir = dataDir, formatArguments = [] } = options
  const host = node?.host ?? '127.0.0.1'
  const java = javaCommand()
  await ensureJars(jarsDir, options.onDownload, options.signal)
  const place = { port, controllerPort, settings, ...(node === undefined ? {} : { node }) }
  await prepareStorage({ java, jarsDir, dataDir, formatArguments, ...place })

  const logFile = join(logsDir, 'kafka.log')
  const startBytes = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
  const guardian = await startChild({
    command: 'sh',
    args: [GUARDIAN, ...through, java, ...jvmArguments(options, logFile)],
    logFile: join(logsDir, 'kafka.out'),
    reports: true,
  })
  const words = () => {
    const broker = lastWords(logFile, startBytes)
    return broker.length > 0 ? broker : guardian.lastWords()
  }
  const pid = await reportedPid(guardian.process)
  let exit: Exit | undefined
  const exited = guardian.exited.then((ended) => (exit = ended))

  const seeLog = `Its last words stand above, all of them in ${logFile}.`
  const deadlineMs = systemClock.monotonicMs() + START_TIMEOUT_MS
  while (!(await answersMetadata(port, host, node?.nodeId))) {
    const isLate = systemClock.monotonicMs() > deadlineMs
    const isGivenUp = options.signal?.aborted === true
    if (exit === undefined && (isLate || isGivenUp)) await stopProcess(pid, exited, STOP_TIMEOUT_MS)
    if (isGivenUp) throw new GivenUp('Kafka')
    if (isLate)
      throw new PartFailed(
        EXIT.failure,
        `Kafka did not answer within ${START_TIMEOUT_MS / SECOND_MS} s. ${seeLog}`,
        words(),
      )
    if (exit !== undefined)
      throw new PartFailed(EXIT.failure, `Kafka did not start (${describeExit(exit)}). ${seeLog}`, words())
    await systemClock.delay(POLL_MS)
  }
  return {
    brokers: [`${host}:${port}`],
    pid,
    exited,
    lastWords: words,
    stop: (timeoutMs = STOP_TIMEOUT_MS) => stopProcess(pid, exited, timeoutMs),
    kill: async () => {
      signalTo(pid, 'SIGKILL')
      await exited
    },
  }
}
