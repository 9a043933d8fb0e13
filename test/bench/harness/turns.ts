import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Turn } from './child-report.ts'

const TURN_TIMEOUT_MS = 240_000

/**
 * Runs a contestant, by the name of its file, in a process of its own and returns its report. Throws where it fails or
 * takes too long.
 */
export async function runTurn(
  file: string,
  argument: object,
  nodeFlags: readonly string[] = [],
  timeoutMs = TURN_TIMEOUT_MS,
): Promise<Turn> {
  const path = fileURLToPath(new URL(`../contestants/${file}`, import.meta.url))
  const child = spawn(
    process.execPath,
    ['--disable-warning=TimeoutNegativeWarning', ...nodeFlags, path, JSON.stringify(argument)],
    { stdio: ['ignore', 'pipe', 'inherit'], timeout: timeoutMs, killSignal: 'SIGKILL' },
  )
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const code = await new Promise<number | null>((resolve) => {
    child.on('exit', resolve)
  })
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${output}`)
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Turn
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
