import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** A first build compiles a driver with all that it needs. */
const RUN_MAX_MS = 10 * 60_000
const OUTPUT_MAX_BYTES = 16 * 1024 ** 2

/**
 * Why the programs of a language cannot be built here; undefined where they can. A test prints it and passes over; where
 * CI says that nothing may be passed over, it is an error.
 */
export async function missingTool(commands: readonly (readonly string[])[]): Promise<string | undefined> {
  for (const [command = '', ...args] of commands) {
    try {
      await run(command, args, { timeout: RUN_MAX_MS })
    } catch (error) {
      const reason = `${command} cannot be run here: ${(error as Error).message.split('\n', 1)[0]}`
      if (process.env['CI'] === 'true') throw new Error(reason, { cause: error })
      return reason
    }
  }
  return undefined
}

/** What a program printed. @throws Error with what it said when it fails. */
export async function outputOf(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
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
