import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXIT, ExitError, describeError } from '../../../services/exit.ts'

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url))

/** Outside git and outside the data: `reset` keeps it, and every data folder uses it. */
export const JARS_DIR = fileURLToPath(new URL('../../../.hivemeter/kafka-jars', import.meta.url))

/** Longest download, on a slow line. */
const DOWNLOAD_TIMEOUT_MS = 15 * 60_000

/** The version of Kafka that the pom names. */
export const KAFKA_VERSION =
  /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(readFileSync(POM, 'utf8'))?.[1] ??
  'unknown'

function pomHash(): string {
  return createHash('sha256').update(readFileSync(POM)).digest('hex')
}

/** Whether the jars of exactly this pom are there, whole: the stamp is the last file written. */
export function jarsPresent(jarsDir: string = JARS_DIR): boolean {
  try {
    return readFileSync(join(jarsDir, 'stamp'), 'utf8') === pomHash()
  } catch {
    return false
  }
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

/**
 * Downloads Kafka's jars once per pom. They arrive in a folder beside and are renamed when complete, so a half-done
 * download is never used. Fails with 69 and Maven's own words.
 */
export async function ensureJars(
  jarsDir: string = JARS_DIR,
  onProgress: (download: Download) => void = () => {},
  signal?: AbortSignal,
): Promise<void> {
  if (jarsPresent(jarsDir)) return
  const partial = `${jarsDir}.partial-${process.pid}`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(dirname(jarsDir), { recursive: true })
  try {
    await runMaven(partial, onProgress, signal)
    writeFileSync(join(partial, 'stamp'), pomHash())
    // Another start may have finished the same download meanwhile.
    if (jarsPresent(jarsDir)) return
    rmSync(jarsDir, { recursive: true, force: true })
    renameSync(partial, jarsDir)
  } catch (error) {
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
