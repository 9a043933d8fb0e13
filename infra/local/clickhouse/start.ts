import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { SECOND_MS } from '../../../schemas/units.ts'

/** Threads of the engine's process: every running statement occupies one (admission.ts keeps three free). */
const THREADS = 16
/** Opening data after a kill -9 under load was seen to take 2.5 s. */
const READY_MAX_MS = 30_000
/** The process itself ends within 5 s. */
const STOP_MAX_MS = 6_000
const LAST_WORDS_MAX_LINES = 20

export interface StartOptions {
  /** Data directory; made if it is missing. */
  readonly dir: string
  readonly port: number
  /** The file with the password of its one user; no password if not given. */
  readonly passwordFile?: string
  /** Engines of tables that are allowed in addition to its list, for example Kafka. */
  readonly extraEngines?: readonly string[]
  /** The Node binary to run it with; the one that runs this process if not given. */
  readonly node?: string
  /**
   * By how much its priority is lowered where cores are few; 5 if not given, 0 for one that takes the place of a separate
   * server.
   */
  readonly niceness?: number
  /** A file to append its output to. */
  readonly logFile?: string
}

/** A local server in a process of its own, in a process group of its own. */
export interface LocalServer {
  readonly url: string
  readonly version: string
  readonly pid: number
  /** Stops it in order; after 6 s with SIGKILL. Resolves when the process is gone; may be called again. */
  stop(): Promise<void>
  /** SIGKILL, for tests of crashes. Await `exited` before the directory is used again. */
  kill(): void
  /** Resolves, never rejects, when the process is gone. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** The last lines it wrote, oldest first. */
  lastWords(): string[]
}

/**
 * Starts the local ClickHouse and waits until it answers. It ends by itself when this process does.
 * @throws Error with its own last line as message when it does not start, for example when port or directory are taken.
 */
export async function startClickhouse(options: StartOptions): Promise<LocalServer> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(
    options.node ?? process.execPath,
    [
      main,
      '--watch-parent',
      '--dir',
      options.dir,
      '--port',
      String(options.port),
      ...(options.niceness === undefined ? [] : ['--niceness', String(options.niceness)]),
      ...(options.passwordFile === undefined ? [] : ['--password-file', options.passwordFile]),
      ...(options.extraEngines ?? []).flatMap((engine) => ['--allow-engine', engine]),
    ],
    {
      // A group of its own: Ctrl-C reaches the parent only, which then stops its children in order.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, UV_THREADPOOL_SIZE: String(THREADS) },
    },
  )
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  const output = followOutput(child, options.logFile)
  const ready = await firstOf(child, exited, output)
  if ('failure' in ready) {
    child.kill('SIGKILL')
    await exited
    throw new Error(ready.failure)
  }
  return {
    ...ready,
    pid: child.pid ?? 0,
    exited,
    kill: () => void child.kill('SIGKILL'),
    stop: () => stop(child, exited),
    lastWords: () => [...output.lines],
  }
}

interface Output {
  readonly lines: readonly string[]
  readonly ready: Promise<{ url: string; version: string }>
}

function followOutput(child: ChildProcess, logFile: string | undefined): Output {
  const lines: string[] = []
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: 'a' })
  const { promise, resolve } = Promise.withResolvers<{ url: string; version: string }>()
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim()) lines.push(line)
      if (lines.length > LAST_WORDS_MAX_LINES) lines.shift()
      log?.write(`${line}\n`)
      if (stream === child.stdout && line.startsWith('{"ready":true')) {
        resolve(JSON.parse(line) as { url: string; version: string })
      }
    })
  }
  child.once('close', () => log?.end())
  return { lines, ready: promise }
}

/** Whichever comes first: it is ready, it has ended, or the time is over. */
async function firstOf(
  child: ChildProcess,
  exited: LocalServer['exited'],
  output: Output,
): Promise<{ url: string; version: string } | { failure: string }> {
  const { promise: failed, resolve: fail } = Promise.withResolvers<{ failure: string }>()
  child.once('error', (error) => fail({ failure: `The local ClickHouse cannot be run: ${error.message}` }))
  const timer = setTimeout(() => {
    fail({ failure: `The local ClickHouse was not ready within ${READY_MAX_MS / SECOND_MS} s.` })
  }, READY_MAX_MS)
  const ended = exited.then(({ code, signal }) => ({
    failure: output.lines.at(-1) ?? `The local ClickHouse ended at its start (${signal ?? `exit ${code}`}).`,
  }))
  try {
    const first = await Promise.race([output.ready, failed, ended])
    return 'failure' in first ? first : { url: first.url, version: first.version }
  } finally {
    clearTimeout(timer)
  }
}

async function stop(child: ChildProcess, exited: LocalServer['exited']): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS)
  await exited
  clearTimeout(timer)
}
