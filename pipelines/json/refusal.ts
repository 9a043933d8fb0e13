import type { RefusalCode } from '../../schemas/reasons.ts'

/** The first problem of an event. */
export class Refusal<Code extends RefusalCode = RefusalCode> {
  readonly code: Code
  /** JSON pointer from the event to the member that is wrong; empty where it is the event itself. */
  readonly path: string
  /** A sentence that does not name the member, since the path does. */
  readonly detail: string

  constructor(code: Code, path: string, detail: string) {
    this.code = code
    this.path = path
    this.detail = detail
  }
}

/** Longest name that a refusal repeats; a longer one is cut. */
const NAME_LENGTH_MAX = 128

/** A member's name as a JSON pointer (RFC 6901); a long name is cut. */
export function jsonPointer(name: string): string {
  return `/${name.slice(0, NAME_LENGTH_MAX).replaceAll('~', '~0').replaceAll('/', '~1')}`
}
