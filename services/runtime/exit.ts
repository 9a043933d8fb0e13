import { inspect } from 'node:util'

/** What a process ends with; covered by the version number, so scripts may rely on it. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  differences: 6,
  unreachable: 69,
  configuration: 78,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** An error that a person reads as it stands (what is wrong, where, what to do), and the code to end with. */
export class ExitError extends Error {
  override readonly name = 'ExitError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

const UNREACHABLE_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
])

/** Bounds the walk along `cause`, which foreign errors may close into a ring. */
const CAUSES_MAX = 8

/** The code a process ends with for `error`: its own, 69 where a connection failed anywhere among its causes, else 1. */
export function exitCodeOf(error: unknown): ExitCode {
  let current: unknown = error
  for (let depth = 0; depth < CAUSES_MAX && current instanceof Error; depth += 1) {
    if (current instanceof ExitError) return current.exitCode
    if ('code' in current && UNREACHABLE_CODES.has(current.code)) return EXIT.unreachable
    current = current.cause
  }
  return EXIT.failure
}

/** What to say about `error` on one line: its message and those of its causes, each once. */
export function describeError(error: unknown): string {
  const parts: string[] = []
  let current: unknown = error
  for (let depth = 0; depth < CAUSES_MAX && current !== undefined && current !== null; depth += 1) {
    const text = current instanceof Error ? current.message || current.name : inspect(current)
    if (text !== '' && !parts.some((part) => part.includes(text))) parts.push(text)
    current = current instanceof Error ? current.cause : undefined
  }
  return parts.join(': ').replaceAll(/\s*\n\s*/g, ' ')
}
