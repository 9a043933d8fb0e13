import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../../pipelines/clock.ts'
import { VERSION } from '../../schemas/version.ts'
import { loadSettings } from '../../services/runtime/config.ts'
import { EXIT, ExitError, describeError, exitCodeOf } from '../../services/runtime/exit.ts'
import type { ExitCode } from '../../services/runtime/exit.ts'
import { PartFailed } from './part.ts'
import { Screen } from './screen.ts'
import { Supervisor } from './supervisor.ts'
import { overrideProblems } from '../../services/runtime/rules.ts'

const USAGE = 'The only argument is --config <file.json>: npm start -- --config settings.json.'

/** When a start is interrupted, its steps under way get this long to end by themselves. */
const GIVE_UP_TIMEOUT_MS = 3_000

function configFile(): string | undefined {
  try {
    const { config } = parseArgs({ options: { config: { type: 'string' } }, strict: true }).values
    return config === undefined ? undefined : resolve(config)
  } catch (error) {
    throw new ExitError(EXIT.usage, `${describeError(error)}. ${USAGE}`)
  }
}

/** What went wrong; the last line matters most: what, where, what to do. */
function writeError(error: unknown): void {
  if (error instanceof PartFailed) for (const word of error.words) process.stderr.write(`  | ${word}\n`)
  const message = error instanceof ExitError ? error.message : describeError(error)
  for (const line of message.split('\n')) process.stderr.write(`hivemeter: ${line}\n`)
}

async function run(): Promise<ExitCode> {
  const file = configFile()
  const settings = loadSettings({ file, check: overrideProblems })
  const screen = new Screen(process.stdout)
  screen.say(`Hivemeter ${VERSION}`)

  const abort = new AbortController()
  const interrupted = new Promise<ExitCode>((resolveCode) => {
    process.on('SIGINT', () => resolveCode(EXIT.interrupted))
    process.on('SIGTERM', () => resolveCode(EXIT.ok))
  })
  void interrupted.then(() => abort.abort())
  const environment = { ...process.env, ...(file !== undefined && { HIVEMETER_CONFIG_FILE: file }) }
  const supervisor = new Supervisor({ settings, environment, screen, signal: abort.signal })

  const starting = supervisor.start()
  const failed = starting.then(
    () => supervisor.failed(),
    (error: unknown) => error,
  )
  const first = await Promise.race([interrupted, failed, supervisor.failed()])
  const exitCode = typeof first === 'number' ? (first as ExitCode) : undefined
  if (exitCode !== undefined) screen.say('\nStopping …')
  abort.abort()
  await Promise.race([starting.catch(() => {}), systemClock.delay(GIVE_UP_TIMEOUT_MS)])
  await supervisor.stop()
  if (exitCode === undefined) {
    writeError(first)
    return exitCodeOf(first)
  }
  screen.say(`Stopped. The data is kept in ${resolve(settings.config.dataDir)}.`)
  return exitCode
}

try {
  process.exit(await run())
} catch (error) {
  writeError(error)
  process.exit(exitCodeOf(error))
}
