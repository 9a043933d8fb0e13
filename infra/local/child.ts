import { spawn } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemClock } from '../../pipelines/clock.ts'
import { lastWords } from './last-words.ts'
import { MIB } from '../../schemas/units.ts'

/** How a child ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A child process with its log. */
export interface Child {
  readonly process: ChildProcess
  readonly exited: Promise<Exit>
  /** Its last lines of output, for a person; see `lastWords`. */
  lastWords(): string[]
}

export interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: NodeJS.ProcessEnv
  readonly logFile: string
  /** Adds a pipe as file descriptor 3, read by the parent. */
  readonly reports?: boolean
}

/** A log that is longer than this is set aside (one generation) before the next start writes to it. */
const LOG_BYTES_MAX = 16 * MIB

function openLog(file: string): { descriptor: number; startBytes: number } {
  mkdirSync(dirname(file), { recursive: true })
  const sizeBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (sizeBytes > LOG_BYTES_MAX) renameSync(file, `${file}.1`)
  return { descriptor: openSync(file, 'a'), startBytes: sizeBytes > LOG_BYTES_MAX ? 0 : sizeBytes }
}

/**
 * Starts a child in a process group of its own (Ctrl-C on the terminal reaches the supervisor alone, which stops the
 * parts in order). Standard input is a pipe: the kernel closes it however this process ends, and the child then ends too.
 * Output goes straight to the log file, so the death of a supervisor breaks no pipe. Rejects when the command does not start.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { descriptor, startBytes } = openLog(options.logFile)
  const stdio: StdioOptions = [
    'pipe',
    descriptor,
    descriptor,
    ...(options.reports === true ? ['pipe' as const] : []),
  ]
  const child = spawn(options.command, options.args, {
    stdio,
    detached: true,
    env: options.environment ?? process.env,
  })
  closeSync(descriptor)
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      child.stdin?.destroy()
      resolve({ code, signal })
    })
  })
  // The child may be gone before the pipe is; nothing is ever written to the pipe.
  child.stdin?.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve).once('error', reject)
  })
  return { process: child, exited, lastWords: () => lastWords(options.logFile, startBytes) }
}

/** Sends `signal` to one process; a process that has already gone is no error. */
export function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Sends SIGTERM, and SIGKILL when the process has not ended within `timeoutMs`. Resolves when it has ended. */
export async function stopProcess(pid: number, exited: Promise<unknown>, timeoutMs: number): Promise<void> {
  signalTo(pid, 'SIGTERM')
  const timer = new AbortController()
  const ended = exited.then(() => timer.abort())
  await systemClock.delay(timeoutMs, timer.signal)
  if (!timer.signal.aborted) signalTo(pid, 'SIGKILL')
  await ended
}

/** "exit code 1" or "signal SIGKILL". */
export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exit code ${exit.code ?? 'unknown'}` : `signal ${exit.signal}`
}
