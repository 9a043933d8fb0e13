import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A first build compiles a driver with everything that it needs. */
const RUN_MAX_MS = 10 * 60_000
const OUTPUT_MAX_BYTES = 16 * 1024 ** 2

/**
 * The reason why a test cannot run here: the first of these commands that fails. Where no test may be left out, there is
 * no reason, and the test fails by itself.
 */
export function toolMissing(
  commands: readonly (readonly [file: string, ...args: string[]])[],
): string | undefined {
  if (process.env['CI'] === 'true') return undefined
  const missing = commands.find(([file, ...args]) => spawnSync(file, args).status !== 0)
  return missing === undefined ? undefined : `${missing.join(' ')} does not work here`
}

/** The output of a program. @throws Error with the output when it fails. */
export async function outputOf(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  try {
    const { stdout } = await run(command, args, {
      ...options,
      timeout: RUN_MAX_MS,
      maxBuffer: OUTPUT_MAX_BYTES,
    })
    return stdout
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
    throw new Error(`${command} ${args.join(' ')} failed: ${stderr || stdout}`, { cause: error })
  }
}
