import { inspect } from 'node:util'

/** The exit codes of a process. The version number covers them, so scripts may rely on them. */
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

/** An error whose message is shown to a person unchanged (what is wrong, where, what to do), and the exit code. */
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

/** Bounds the walk along `cause`: foreign errors may form a ring with it. */
const CAUSES_MAX = 8

/** The exit code for `error`: its own, 69 where a connection failed anywhere among its causes, else 1. */
export function exitCodeOf(error: unknown): ExitCode {
  let current: unknown = error
  for (let depth = 0; depth < CAUSES_MAX && current instanceof Error; depth += 1) {
    if (current instanceof ExitError) return current.exitCode
    if ('code' in current && UNREACHABLE_CODES.has(current.code)) return EXIT.unreachable
    current = current.cause
  }
  return EXIT.failure
}

/** A description of `error` on one line: its message and those of its causes, each once. */
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
