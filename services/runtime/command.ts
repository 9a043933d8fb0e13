import { parseArgs } from 'node:util'
import type { ParseArgsOptionsConfig } from 'node:util'
import { ClickhouseAway } from '../../pipelines/clickhouse/client.ts'
import { explainFailure } from './check-access.ts'
import { clickhouseOrigins } from './clickhouse.ts'
import type { Config } from './config.ts'
import { loadSettings } from './config.ts'
import { EXIT, ExitError, describeError, exitCodeOf } from './exit.ts'
import type { ExitCode } from './exit.ts'

/** What a command that runs once gets. */
export interface CommandParts<Values> {
  readonly config: Config
  readonly values: Values
  /** Arguments without a name, where the command takes any. */
  readonly positionals: readonly string[]
  /** Aborts at SIGINT and SIGTERM; the command then ends at the next point where its work is complete. */
  readonly signal: AbortSignal
  /** Writes a line to standard output. */
  readonly say: (line: string) => void
}

export interface CommandSpec<Options extends ParseArgsOptionsConfig> {
  /** The name as in `npm run <name>`. */
  readonly name: string
  readonly options: Options
  /** True where the command takes arguments without a name. */
  readonly positionals?: boolean
  /** Shown after a wrong argument. */
  readonly usage: string
}

type ValuesOf<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options; strict: true }>
>['values']

/** `--config file.json` is an argument of every command. */
const SHARED = { config: { type: 'string' } } as const satisfies ParseArgsOptionsConfig

function readArguments<Options extends ParseArgsOptionsConfig>(
  spec: CommandSpec<Options>,
): {
  readonly values: ValuesOf<Options>
  readonly positionals: readonly string[]
  readonly configFile: string | undefined
} {
  try {
    const { values, positionals } = parseArgs({
      options: { ...spec.options, ...SHARED },
      strict: true,
      allowPositionals: spec.positionals === true,
    })
    const { config: configFile } = values as { config?: string }
    return { values, positionals, configFile }
  } catch (error) {
    throw new ExitError(EXIT.usage, `${describeError(error)}\n${spec.usage}`)
  }
}

/** What to say at the end: where ClickHouse does not answer, its address and what to do. */
async function lastWords(
  error: unknown,
  config: Config | undefined,
): Promise<{ exitCode: ExitCode; message: string }> {
  const refused = config === undefined ? undefined : await explainFailure(error, config)
  if (refused !== undefined) return { exitCode: refused.exitCode, message: refused.message }
  if (error instanceof ExitError) return { exitCode: error.exitCode, message: error.message }
  if (error instanceof ClickhouseAway && config !== undefined) {
    return {
      exitCode: EXIT.unreachable,
      message: `ClickHouse at ${clickhouseOrigins(config)} cannot be used: ${describeError(error)}. Start it, or set HIVEMETER_CLICKHOUSE_URL.`,
    }
  }
  return { exitCode: exitCodeOf(error), message: describeError(error) }
}

/**
 * The life of a command: arguments, settings, work, end. Ends the process with what `work` returns, 130 where it was
 * interrupted, 2 for a wrong argument, 78 for wrong settings, 69 where a dependency cannot be reached, else 1. For every
 * code but 0 the last lines on standard error give the reason.
 */
export async function runCommand<const Options extends ParseArgsOptionsConfig>(
  spec: CommandSpec<Options>,
  work: (parts: CommandParts<ValuesOf<Options>>) => Promise<ExitCode>,
): Promise<void> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort())
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  let config: Config | undefined
  try {
    const { values, positionals, configFile } = readArguments(spec)
    const settings = loadSettings({ file: configFile })
    for (const warning of settings.warnings) process.stderr.write(`hivemeter ${spec.name}: ${warning}\n`)
    config = settings.config
    process.exitCode = await work({ config, values, positionals, signal: interrupted.signal, say })
  } catch (error) {
    const end = interrupted.signal.aborted
      ? { exitCode: EXIT.interrupted, message: 'interrupted; run it again to go on.' }
      : await lastWords(error, config)
    for (const line of end.message.split('\n')) process.stderr.write(`hivemeter ${spec.name}: ${line}\n`)
    process.exitCode = end.exitCode
  }
  await Promise.all([taken(process.stdout), taken(process.stderr)])
  // Sockets that a client keeps for later use must not delay the end.
  process.exit()
}

/**
 * Resolves when the reader at the other end has taken everything that was written, or is gone. An exit before that would
 * lose the rest.
 */
function taken(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('error', () => resolve())
    stream.write('', () => resolve())
  })
}
