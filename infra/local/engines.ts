import { join, resolve } from 'node:path'
import { systemClock } from '../../pipelines/clock.ts'
import { systemRandom } from '../../pipelines/random.ts'
import type { Config } from '../../services/runtime/config.ts'
import { EXIT, describeError } from '../../services/runtime/exit.ts'
import type { LocalServer } from './clickhouse/start.ts'
import { startClickhouse } from './clickhouse/start.ts'
import type { Folder } from './folder.ts'
import type { Installation } from './installation.ts'
import { KAFKA_VERSION, jarsPresent } from './kafka/jars.ts'
import { startKafka } from './kafka/start.ts'
import { lastWords } from './last-words.ts'
import type { Part } from './part.ts'
import { PartFailed } from './part.ts'
import { ensureSecret } from './secret-file.ts'

/** The names under which the two engines appear on the screen and in the run file. */
export const KAFKA = 'Kafka'
export const CLICKHOUSE = 'ClickHouse'

export interface EngineOptions {
  readonly config: Config
  readonly folder: Folder
  readonly installation: Installation
}

/** Starts Kafka; resolves with its version. */
export async function runKafka(
  options: EngineOptions & { readonly signal: AbortSignal; readonly onProgress: (text: string) => void },
): Promise<string> {
  const { config, folder, signal, installation, onProgress } = options
  const jarsDir = resolve(config.kafkaJarsDir)
  if (!jarsPresent(jarsDir)) onProgress('downloading its jars with Maven')
  const kafka = await startKafka({
    dataDir: folder.root,
    logsDir: folder.logs,
    jarsDir,
    port: config.kafkaPort,
    controllerPort: config.kafkaControllerPort,
    signal,
    onDownload: ({ files, sizeBytes }) =>
      onProgress(`${files} files, ${(sizeBytes / 1e6).toFixed(1)} MB downloaded`),
  })
  const part: Part = {
    name: KAFKA,
    pid: kafka.pid,
    exited: kafka.exited,
    lastWords: () => kafka.lastWords(),
    stop: (timeoutMs) => kafka.stop(timeoutMs),
  }
  await installation.add(part)
  installation.watch(part, join(folder.logs, 'kafka.log'))
  return KAFKA_VERSION
}

/** Its own stop is bounded by 6 s; the supervisor may have less time left. */
async function stopWithin(server: LocalServer, timeoutMs: number): Promise<void> {
  const timer = new AbortController()
  const stopped = server.stop().then(() => timer.abort())
  await systemClock.delay(timeoutMs, timer.signal)
  if (!timer.signal.aborted) server.kill()
  await stopped
}

/** Starts ClickHouse; resolves with its version. */
export async function runClickhouse(options: EngineOptions): Promise<string> {
  const { config, folder, installation } = options
  const logFile = join(folder.logs, 'clickhouse.log')
  let server: LocalServer
  try {
    // Every user of this machine can reach the port, and the services' tables hold the money of all operators.
    ensureSecret(folder.clickhousePassword, systemRandom)
    server = await startClickhouse({
      dir: folder.clickhouse,
      port: config.clickhousePort,
      passwordFile: folder.clickhousePassword,
      logFile,
    })
  } catch (error) {
    const message = `ClickHouse did not start. Its last words stand above, all of them in ${logFile}.`
    throw new PartFailed(EXIT.failure, message, [...lastWords(logFile).slice(0, -1), describeError(error)], {
      cause: error,
    })
  }
  const part: Part = {
    name: CLICKHOUSE,
    pid: server.pid,
    exited: server.exited,
    lastWords: () => server.lastWords(),
    stop: (timeoutMs) => stopWithin(server, timeoutMs),
  }
  await installation.add(part)
  installation.watch(part, logFile)
  return server.version
}
