import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '../../../pipelines/clock.ts'

const POLL_MS = 50

export interface Ended {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly tookMs: number
}

/** One program under infra/local, run as its npm script runs it, with the output that a person sees in a pipe. */
export class Supervised {
  readonly process: ChildProcess
  readonly #environment: Record<string, string>
  #output = ''
  #ended: Ended | undefined

  constructor(program: 'start' | 'reset', settings: Readonly<Record<string, string>>) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HIVEMETER_'))
    this.#environment = { ...(Object.fromEntries(inherited) as Record<string, string>), ...settings }
    const main = fileURLToPath(new URL(`../../../infra/local/${program}.ts`, import.meta.url))
    // One pipe for both streams, so that lines are in the order in which they were written.
    const command = ['-c', 'exec "$0" "$@" 2>&1', process.execPath, main]
    this.process = spawn('/bin/sh', command, { stdio: ['ignore', 'pipe', 'inherit'], env: this.#environment })
    const startMs = systemClock.monotonicMs()
    this.process.stdout?.on('data', (data: Buffer) => (this.#output += data.toString()))
    this.process.once('close', (exitCode, signal) => {
      this.#ended = { exitCode, signal, tookMs: systemClock.monotonicMs() - startMs }
    })
  }

  get output(): string {
    return this.#output
  }

  get lastLine(): string {
    return this.#output.trimEnd().split('\n').at(-1) ?? ''
  }

  /** Resolves when the output contains `text`; fails with the output when the process ends first or after `timeoutMs`. */
  async prints(text: string, timeoutMs: number): Promise<void> {
    const deadlineMs = systemClock.monotonicMs() + timeoutMs
    while (!this.#output.includes(text)) {
      assert(this.#ended === undefined, `ended before it said "${text}":\n${this.#output}`)
      assert(
        systemClock.monotonicMs() < deadlineMs,
        `did not say "${text}" within ${timeoutMs} ms:\n${this.#output}`,
      )
      await systemClock.delay(POLL_MS)
    }
  }

  /** Sends the signal, if one is given, and waits for the end. */
  async end(signal: NodeJS.Signals | undefined, timeoutMs: number): Promise<Ended> {
    const startMs = systemClock.monotonicMs()
    if (signal !== undefined) this.process.kill(signal)
    while (this.#ended === undefined) {
      const isLate = systemClock.monotonicMs() > startMs + timeoutMs
      assert(!isLate, `did not end within ${timeoutMs} ms of ${signal ?? 'waiting'}:\n${this.#output}`)
      await systemClock.delay(POLL_MS)
    }
    return { ...this.#ended, tookMs: systemClock.monotonicMs() - startMs }
  }

  /** The curl lines of the last screen with the answers that it shows. */
  examples(): readonly { readonly command: string; readonly answer: string }[] {
    const lines = this.#output.split('\n').map((line) => line.trim())
    return lines.flatMap((command, index) => {
      if (!command.startsWith('curl ')) return []
      const rest = lines.slice(index + 1)
      const length = rest.findIndex((line) => !line.startsWith('→ '))
      return [
        {
          command,
          answer: rest
            .slice(0, length)
            .map((line) => line.slice(2))
            .join('\n'),
        },
      ]
    })
  }
}

/** Runs a line as a person would type it. */
export async function runLine(line: string): Promise<string> {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', line])
  return stdout.trim()
}

/** Running processes whose environment contains this data folder, by their program. */
export function processesOf(dataDir: string): readonly string[] {
  const wanted = `HIVEMETER_DATA_DIR=${dataDir}`
  const found: string[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
      if (environment.includes(wanted))
        found.push(`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`)
    } catch {
      // It has ended meanwhile, or belongs to another user.
    }
  }
  return found
}

/** Waits until no process of this data folder is left; returns those that still run after `timeoutMs`. */
export async function leftAfter(dataDir: string, timeoutMs: number): Promise<readonly string[]> {
  const deadlineMs = systemClock.monotonicMs() + timeoutMs
  let left = processesOf(dataDir)
  while (left.length > 0 && systemClock.monotonicMs() < deadlineMs) {
    await systemClock.delay(POLL_MS)
    left = processesOf(dataDir)
  }
  return left
}
