import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXIT, ExitError, describeError } from '../../../services/runtime/exit.ts'
import { MINUTE_MS } from '../../../schemas/units.ts'

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url))

/** It is outside git and outside the data: `reset` keeps it, and every data folder uses it. */
export const JARS_DIR = fileURLToPath(new URL('../../../.hivemeter/kafka-jars', import.meta.url))

/** Longest download, on a slow line. */
const DOWNLOAD_TIMEOUT_MS = 15 * MINUTE_MS

/** The version of Kafka that the pom names. */
export const KAFKA_VERSION =
  /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(readFileSync(POM, 'utf8'))?.[1] ??
  'unknown'

/**
 * The expected checksum of each jar: Maven trusts a repository or a mirror; we trust only what was checked when the pom
 * was written.
 */
const CHECKSUMS = fileURLToPath(new URL('./jars.sha256', import.meta.url))

const STAMP = 'stamp'

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Changes with the pom and with the checksums. */
function stampOf(): string {
  return sha256(Buffer.concat([readFileSync(POM), readFileSync(CHECKSUMS)]))
}

/** The jars by name with their checksums, in the form of `sha256sum`. */
export function readChecksums(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => line !== '')
  return new Map(lines.map((line) => [line.slice(64).trim(), line.slice(0, 64)]))
}

/** How the folder differs from the checksums, in words; undefined where it holds exactly their jars. */
export function jarsProblem(jarsDir: string, expected: ReadonlyMap<string, string>): string | undefined {
  const there = readdirSync(jarsDir).filter((name) => name !== STAMP)
  const extra = there.find((name) => !expected.has(name))
  if (extra !== undefined) return `${extra} is none of the jars of infra/local/kafka/jars.sha256`
  for (const [name, checksum] of expected) {
    if (!there.includes(name)) return `${name} is missing`
    if (sha256(readFileSync(join(jarsDir, name))) !== checksum)
      return `${name} is not the file that it should be`
  }
  return undefined
}

/**
 * Whether the jars are there and complete: the stamp is the last file written. Under an earlier stamp the jars themselves
 * are checked instead, since an earlier version may have used the same files.
 */
export function jarsPresent(jarsDir: string = JARS_DIR): boolean {
  try {
    if (readFileSync(join(jarsDir, STAMP), 'utf8') === stampOf()) return true
    return jarsProblem(jarsDir, readChecksums(readFileSync(CHECKSUMS, 'utf8'))) === undefined
  } catch {
    return false
  }
}

/**
 * So that the next start need not check every file. The file is renamed into its place: a folder of jars may be a copy
 * made of links.
 */
function renewStamp(jarsDir: string): void {
  const stamp = join(jarsDir, STAMP)
  if (readFileSync(stamp, 'utf8') === stampOf()) return
  const draft = `${jarsDir}.stamp-${process.pid}`
  writeFileSync(draft, stampOf())
  renameSync(draft, stamp)
}

export interface Download {
  readonly files: number
  readonly sizeBytes: number
}

/** Sums up Maven's "Downloaded from …: …jar (169 kB at 555 kB/s)" lines. */
function readDownload(line: string): number | undefined {
  const match = /Downloaded from .* \(([\d.]+) (B|kB|MB|GB) at/.exec(line)
  if (match === null) return undefined
  const unit = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[match[2] ?? 'B'] ?? 1
  return Number(match[1]) * unit
}

function runMaven(
  target: string,
  onProgress: (download: Download) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const args = ['-B', '-f', POM, 'dependency:copy-dependencies', '-DincludeScope=runtime']
  const maven = spawn('mvn', [...args, `-DoutputDirectory=${target}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DOWNLOAD_TIMEOUT_MS,
    ...(signal && { signal }),
  })
  const words: string[] = []
  let files = 0
  let sizeBytes = 0
  let rest = ''
  const read = (data: Buffer) => {
    const lines = (rest + data.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const size = readDownload(line)
      if (size !== undefined) onProgress({ files: ++files, sizeBytes: (sizeBytes += size) })
      if (line.startsWith('[ERROR]') && line.trim() !== '[ERROR]') words.push(line)
    }
  }
  maven.stdout.on('data', read)
  maven.stderr.on('data', read)
  return new Promise((resolve, reject) => {
    maven.once('error', reject).once('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`mvn ended with ${signal ?? `exit code ${code}`}: ${words[0] ?? rest}`))
    })
  })
}

/** The jars came and are not those that were expected; none of them is kept. */
function refuseJars(problem: string): never {
  throw new ExitError(
    EXIT.failure,
    `Kafka's jars as Maven brought them are not used: ${problem}. Look at the repository that Maven asks (~/.m2/settings.xml), and remove what it keeps in ~/.m2/repository.`,
  )
}

/**
 * Downloads Kafka's jars once for each pom and compares them with our checksums. They arrive in a separate folder, which
 * is renamed when it is complete, so a half-done download is never used. Fails with 69 and Maven's own words.
 */
export async function ensureJars(
  jarsDir: string = JARS_DIR,
  onProgress: (download: Download) => void = () => {},
  signal?: AbortSignal,
): Promise<void> {
  if (jarsPresent(jarsDir)) {
    renewStamp(jarsDir)
    return
  }
  mkdirSync(dirname(jarsDir), { recursive: true })
  // A folder of its own for each: brokers of one process may start side by side.
  const partial = mkdtempSync(`${jarsDir}.partial-`)
  try {
    await runMaven(partial, onProgress, signal)
    const problem = jarsProblem(partial, readChecksums(readFileSync(CHECKSUMS, 'utf8')))
    if (problem !== undefined) refuseJars(problem)
    writeFileSync(join(partial, STAMP), stampOf())
    // Another start may have finished the same download meanwhile.
    if (jarsPresent(jarsDir)) return
    rmSync(jarsDir, { recursive: true, force: true })
    renameSync(partial, jarsDir)
  } catch (error) {
    if (error instanceof ExitError) throw error
    throw new ExitError(
      EXIT.unreachable,
      `Kafka's jars could not be downloaded with Maven: ${describeError(error)}. ` +
        'Check that Maven reaches its repository (mvn -version, ~/.m2/settings.xml) and start again.',
      { cause: error },
    )
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}
