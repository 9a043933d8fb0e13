import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { variableOf } from '../../services/runtime/config-schema.ts'
import type { Config, ConfigKey } from '../../services/runtime/config.ts'
import { EXIT, ExitError } from '../../services/runtime/exit.ts'
import { portTaken } from '../../services/http/listen.ts'
import { javaMajor } from './java.ts'
import { SERVICES } from '../../schemas/services.ts'
import { jarsPresent } from './kafka/jars.ts'
import { MIB } from '../../schemas/units.ts'

const JAVA_MIN = 17
/** Maven prints its version within a second on an idle machine. */
const ANSWER_TIMEOUT_MS = 20_000

/** What a start needs to know about the machine. */
export interface Facts {
  readonly ports: readonly {
    readonly key: ConfigKey
    readonly host: string
    readonly port: number
    readonly free: boolean
  }[]
  /** Major version; undefined where there is no Java. Not checked where no Kafka is to be started. */
  readonly java: number | undefined
  readonly maven: boolean
  readonly needsJava: boolean
  /** Only while Kafka's jars are missing. */
  readonly needsMaven: boolean
  readonly freeMemoryMb: number
  readonly freeDiskMb: number
}

/** Which parts this start runs itself. */
export interface LocalParts {
  readonly kafka: boolean
  readonly clickhouse: boolean
}

/** Everything that would make the start fail, each with its remedy; nothing has been started or written before this. */
export function preflightProblems(facts: Facts, config: Config): ExitError[] {
  const problems: ExitError[] = []
  const add = (message: string) => problems.push(new ExitError(EXIT.failure, message))
  for (const { key, host, port, free } of facts.ports) if (!free) problems.push(portTaken(host, port, key))
  const remedy = `Install Java ${JAVA_MIN} (Debian, Ubuntu: apt-get install openjdk-17-jre-headless), or set JAVA_HOME to one.`
  if (facts.needsJava && facts.java === undefined) {
    add(`No Java was found, and Kafka needs Java ${JAVA_MIN} or newer. ${remedy}`)
  } else if (facts.needsJava && (facts.java ?? 0) < JAVA_MIN) {
    add(`Java ${facts.java} is too old: Kafka needs Java ${JAVA_MIN} or newer. ${remedy}`)
  }
  if (facts.needsMaven && !facts.maven) {
    add(
      "No Maven was found, and the first start downloads Kafka's jars with it. Install it (Debian, Ubuntu: apt-get install maven).",
    )
  }
  if (facts.freeMemoryMb < config.memoryMinMb) {
    add(
      `Only ${facts.freeMemoryMb} MB of memory are free, and ${config.memoryMinMb} MB are needed. ` +
        `Close other programs, or lower ${variableOf('memoryMinMb')}.`,
    )
  }
  if (facts.freeDiskMb < config.diskMinMb) {
    add(
      `Only ${facts.freeDiskMb} MB of disk are free for ${config.dataDir}, and ${config.diskMinMb} MB are needed. ` +
        `Make room, set ${variableOf('dataDir')} to another disk, or lower ${variableOf('diskMinMb')}.`,
    )
  }
  return problems
}

function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((answer) => {
    const server = createServer()
    server.once('error', () => answer(false))
    server.listen({ host, port }, () => server.close(() => answer(true)))
  })
}

async function hasMaven(): Promise<boolean> {
  try {
    await promisify(execFile)('mvn', ['--version'], { timeout: ANSWER_TIMEOUT_MS })
    return true
  } catch {
    return false
  }
}

/** Memory that can be had without swapping; the kernel's own estimate. */
function freeMemoryMb(): number {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))
  return Math.floor(Number(match?.[1] ?? 0) / 1024)
}

/** Free space on the disk that will hold `path`, which may not exist yet. */
async function freeDiskMb(path: string): Promise<number> {
  let existing = path
  while (!existsSync(existing)) existing = dirname(existing)
  const disk = await statfs(existing)
  return Math.floor((disk.bavail * disk.bsize) / MIB)
}

/** Reads the state of the machine; changes nothing. */
export async function gatherFacts(config: Config, root: string, local: LocalParts): Promise<Facts> {
  const wanted = Object.values(SERVICES).map(({ host, port }): [ConfigKey, string] => [port, config[host]])
  if (local.kafka) wanted.push(['kafkaPort', '127.0.0.1'], ['kafkaControllerPort', '127.0.0.1'])
  if (local.clickhouse) wanted.push(['clickhousePort', '127.0.0.1'])
  const ports = await Promise.all(
    wanted.map(async ([key, host]) => {
      const port = Number(config[key])
      return { key, host, port, free: await isPortFree(host, port) }
    }),
  )
  const needsMaven = local.kafka && !jarsPresent(resolve(config.kafkaJarsDir))
  return {
    ports,
    needsJava: local.kafka,
    java: local.kafka ? await javaMajor() : undefined,
    needsMaven,
    maven: needsMaven && (await hasMaven()),
    freeMemoryMb: freeMemoryMb(),
    freeDiskMb: await freeDiskMb(root),
  }
}
