import { createHash } from 'node:crypto'
import type { UsageEvent } from '../../../schemas/usage.ts'

/** The first rules by which the text of an event determines its identity. */
const BY_TEXT = 3

/** The identity of an event within its node, as verify works it out, by code of its own. */
export interface EventIdentity {
  readonly kind: 'id' | 'text'
  /** 128 bits. */
  readonly hex: string
}

type IdentityFields = Pick<UsageEvent, 'event_id' | 'event_text' | 'event_source'>

/** The identity by the rules that hold at the event's record. */
export function identityBy(
  rules: number,
  { event_id, event_text, event_source }: IdentityFields,
): EventIdentity {
  if (event_text === null || rules < BY_TEXT) return { kind: 'id', hex: event_id.toString('hex') }
  const hex = hexOfUuid(event_text) ?? hexOfUlid(event_text)
  if (hex !== null) return { kind: 'id', hex }
  const digest = createHash('sha256')
  for (const part of ['hivemeter/event-text/1', event_source ?? '', event_text]) {
    const length = Buffer.byteLength(part, 'utf8').toString(16).padStart(8, '0')
    digest.update(length, 'hex').update(part, 'utf8')
  }
  return { kind: 'text', hex: digest.digest('hex').slice(0, 32) }
}

/** The identity of an event's text by the rules before; null for an event that has no text as its identity. */
export function identityBefore(
  { kind }: EventIdentity,
  { event_text }: IdentityFields,
): EventIdentity | null {
  if (kind === 'id' || event_text === null) return null
  const digits = createHash('sha256').update(event_text, 'utf8').digest('hex').slice(0, 32).split('')
  // A UUID of version 8: its version and the two bits of its variant are not part of the hash.
  digits[12] = '8'
  digits[16] = ((Number.parseInt(digits[16] as string, 16) % 4) + 8).toString(16)
  return { kind: 'id', hex: digits.join('') }
}

/** One text for node and identity, by which two events are compared. */
export function identityName(nodeId: string, { kind, hex }: EventIdentity): string {
  return `${nodeId} ${kind} ${hex}`
}

/** The identity of a row that has it as a UUID, in whatever form. */
export function identityOfRow(eventId: string, kind: string): EventIdentity {
  return { kind: kind === 'text' ? 'text' : 'id', hex: eventId.replaceAll('-', '').toLowerCase() }
}

const GROUPS = /^([\da-f]{8})-([\da-f]{4})-([\da-f]{4})-([\da-f]{4})-([\da-f]{12})$/i

function hexOfUuid(text: string): string | null {
  return GROUPS.exec(text)?.slice(1).join('').toLowerCase() ?? null
}

const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** 26 letters of five bits are 130 bits, of which the first two are not used. */
function hexOfUlid(text: string): string | null {
  if (!/^[0-7][\dA-HJKMNP-TV-Z]{25}$/i.test(text)) return null
  const fives = Array.from(text.toUpperCase(), (letter) => LETTERS.indexOf(letter).toString(2))
  const bits = fives.map((five) => five.padStart(5, '0')).join('')
  return BigInt(`0b${bits}`).toString(16).padStart(32, '0')
}
