import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Java prints its version within a second on an idle machine. */
const ANSWER_TIMEOUT_MS = 10_000

/**
 * The Java to run: that of JAVA_HOME where it is set and has one, as Kafka's and Maven's own scripts do, else that of the
 * path.
 */
export function javaCommand(): string {
  const home = process.env['JAVA_HOME']
  const own = home === undefined ? undefined : join(home, 'bin', 'java')
  return own !== undefined && existsSync(own) ? own : 'java'
}

/** The major version in what `java -version` prints: 17 for "17.0.15", 8 for "1.8.0_392". */
function majorOf(printed: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(printed)
  return match === null ? undefined : Number(match[1])
}

/** The major version of the Java that would run; undefined where there is none. */
export async function javaMajor(): Promise<number | undefined> {
  try {
    const { stderr, stdout } = await promisify(execFile)(javaCommand(), ['-version'], {
      timeout: ANSWER_TIMEOUT_MS,
    })
    return majorOf(stderr + stdout)
  } catch {
    return undefined
  }
}
