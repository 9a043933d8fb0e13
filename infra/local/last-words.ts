import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { KIB } from '../../schemas/units.ts'

/** How much of the end of a log is read, and how many of its lines a person is shown. */
const TAIL_BYTES = 64 * KIB
const LINES_MAX = 4
const LINE_CHARACTERS_MAX = 400

/** The message of a pino line, or the line itself where it is not one. */
function readable(line: string): string {
  if (!line.startsWith('{')) return line
  try {
    const { level, msg, err } = JSON.parse(line) as {
      level?: string
      msg?: string
      err?: { message?: string }
    }
    const cause = err?.message !== undefined && msg?.includes(err.message) !== true ? ` (${err.message})` : ''
    return `${level ?? 'log'}: ${msg ?? ''}${cause}`
  } catch {
    return line
  }
}

const ALARMING =
  /\b(ERROR|FATAL)\b|^(error|fatal): |^(?:[A-Z]\w*)?Error(?: \[\w+\])?: |^Caused by: |Exception: |^hivemeter [a-z]+: /

/**
 * The lines of a log that show best how its writer ended: from the last alarm on, else the last lines; only what was
 * written after `fromBytes`. Stack frames are left out. Empty when nothing was written.
 */
export function lastWords(file: string, fromBytes = 0): string[] {
  let content: string
  try {
    const sizeBytes = statSync(file).size
    // A log that was rolled over is shorter than where this start began.
    const start = Math.max(sizeBytes < fromBytes ? 0 : fromBytes, sizeBytes - TAIL_BYTES)
    const buffer = Buffer.alloc(sizeBytes - start)
    const descriptor = openSync(file, 'r')
    readSync(descriptor, buffer, 0, buffer.length, start)
    closeSync(descriptor)
    content = buffer.toString('utf8')
  } catch {
    return []
  }
  const lines = content
    .split('\n')
    .map((line) => readable(line.trimEnd()))
    .filter((line) => line !== '' && !/^\s*(at |\.\.\. \d+ more)/.test(line))
  const alarms = lines.filter((line) => ALARMING.test(line))
  const words = alarms.length > 0 ? alarms : lines
  return words.slice(-LINES_MAX).map((line) => line.slice(0, LINE_CHARACTERS_MAX))
}
