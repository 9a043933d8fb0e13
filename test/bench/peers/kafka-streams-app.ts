import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { javaCommand } from '../../../infra/local/java.ts'

const PROJECT = fileURLToPath(new URL('kafka-streams', import.meta.url))
const POM = join(PROJECT, 'pom.xml')
const SOURCES = join(PROJECT, 'src/main/java')

/** Beside Kafka's own jars: outside git, kept between runs. */
const BUILT = fileURLToPath(new URL('../../../.hivemeter/bench-peers/kafka-streams', import.meta.url))

/** The longest download of jars, on a slow line. */
const DOWNLOAD_TIMEOUT_MS = 15 * 60_000
const COMPILE_TIMEOUT_MS = 120_000

/** What `java` needs to run the app. */
export interface StreamsApp {
  readonly java: string
  readonly classPath: string
  readonly mainClass: string
}

function sourceFiles(): string[] {
  return readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.java'))
    .toSorted()
    .map((file) => join(SOURCES, file))
}

function sourcesHash(): string {
  const hash = createHash('sha256')
  for (const file of [POM, ...sourceFiles()])
    hash.update(file.slice(PROJECT.length)).update(readFileSync(file))
  return hash.digest('hex')
}

function isBuilt(hash: string): boolean {
  try {
    return readFileSync(join(BUILT, 'stamp'), 'utf8') === hash
  } catch {
    return false
  }
}

/**
 * Builds the Streams app unless it is built from exactly these sources: jars by Maven, classes by javac. It is made in
 * a folder beside and renamed when complete, so a half-made app is never run.
 */
export async function ensureStreamsApp(signal?: AbortSignal): Promise<StreamsApp> {
  const java = javaCommand()
  const hash = sourcesHash()
  if (!isBuilt(hash)) {
    const partial = `${BUILT}.partial-${process.pid}`
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(join(partial, 'classes'), { recursive: true })
    try {
      await build(java, partial, signal)
      writeFileSync(join(partial, 'stamp'), hash)
      rmSync(BUILT, { recursive: true, force: true })
      renameSync(partial, BUILT)
    } finally {
      rmSync(partial, { recursive: true, force: true })
    }
  }
  return {
    java,
    classPath: `${join(BUILT, 'classes')}:${join(BUILT, 'lib', '*')}`,
    mainClass: 'hivemeter.bench.Main',
  }
}

async function build(java: string, target: string, signal: AbortSignal | undefined): Promise<void> {
  const run = promisify(execFile)
  const cancel = signal === undefined ? {} : { signal }
  const lib = join(target, 'lib')
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${lib}`]
  await run('mvn', ['-B', '-q', '-f', POM, ...copy], { timeout: DOWNLOAD_TIMEOUT_MS, ...cancel })
  // javac is beside the java that will run what it compiles.
  const javac = java === 'java' ? 'javac' : join(dirname(java), 'javac')
  const to = ['-d', join(target, 'classes')]
  await run(javac, ['--release', '17', '-cp', join(lib, '*'), ...to, ...sourceFiles()], {
    timeout: COMPILE_TIMEOUT_MS,
    ...cancel,
  })
}
