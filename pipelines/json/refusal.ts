/** Why an event is refused; stable words that clients may rely on. */
export const REFUSAL_CODES = [
  'not_an_object',
  'not_an_array',
  'not_json',
  'too_large',
  'duplicate_field',
  'unknown_field',
  'missing',
  'wrong_type',
  'invalid_id',
  'no_id',
  'invalid_text',
  'invalid_value',
  'invalid_time',
  'invalid_number',
  'out_of_range',
  'too_precise',
  'both_energies',
  'energy_missing',
  'too_old',
  'in_the_future',
  'unsupported_event',
  'node_not_permitted',
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** The first thing that is wrong with an event. */
export class Refusal {
  readonly code: RefusalCode
  /** JSON pointer from the event to the member at fault; empty where it is the event itself. */
  readonly path: string
  /** A sentence that does not name the member: the path does. */
  readonly detail: string

  constructor(code: RefusalCode, path: string, detail: string) {
    this.code = code
    this.path = path
    this.detail = detail
  }
}

/** Longest name that a refusal repeats. */
const NAME_LENGTH_MAX = 128

/** A member's name as a JSON pointer (RFC 6901); a long name is cut. */
export function jsonPointer(name: string): string {
  return `/${name.slice(0, NAME_LENGTH_MAX).replaceAll('~', '~0').replaceAll('/', '~1')}`
}
