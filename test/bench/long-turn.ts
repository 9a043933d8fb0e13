import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Turn } from './child-report.ts'

/** As `runTurn`, for turns that may take as long as the caller says. */
export async function runLongTurn(
  file: string,
  argument: object,
  nodeFlags: readonly string[],
  timeoutMs: number,
): Promise<Turn> {
  const path = fileURLToPath(new URL(file, import.meta.url))
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
