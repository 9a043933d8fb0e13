import { bitsOfText } from '../../schemas/identity.ts'
import type { UsageColumns } from './decode.ts'

/** The origin of the 16 bytes of an event's identity: as they came, or from its text, read as an id or hashed. */
export const ID_FORM = { sent: 0, read: 1, hashed: 2 } as const

/** The lengths of texts that can be read as ids. */
const LENGTH = { uuid: 36, ulid: 26 } as const

/**
 * Values of the hexadecimal digits, and of those of Crockford's alphabet (no I, L, O, U), in any case; -1 for any other
 * character.
 */
const HEX = digits('0123456789abcdef')
const CROCKFORD = digits('0123456789abcdefghjkmnpqrstvwxyz')

const HYPHEN = '-'.charCodeAt(0)
const BEFORE_HYPHENS: ReadonlySet<number> = new Set([8, 13, 18, 23])

const NO_SOURCE = new Uint8Array(0)

/**
 * Puts the identities of texts into the columns, beside the bytes that came with them: whatever the sender, an event that
 * has a text is identified by its text. Most events have none, and cost the check of one byte.
 */
export function identifyTexts(columns: UsageColumns): void {
  const { count, hasTexts, refused, idForm, idStart, ids, bytes, eventText, eventSource } = columns
  for (let index = 0; index < count; index++) {
    if (hasTexts[index] === 0 || refused[index] === 1) continue
    const start = eventText.start[index] as number
    if (start < 0) continue
    const end = eventText.end[index] as number
    const at = index * 16
    idStart[index] = at
    if (readId(bytes, start, end, ids, at)) {
      idForm[index] = ID_FORM.read
      continue
    }
    const sourceStart = eventSource.start[index] as number
    const source = sourceStart < 0 ? NO_SOURCE : bytes.subarray(sourceStart, eventSource.end[index])
    ids.set(bitsOfText(source, bytes.subarray(start, end)), at)
    idForm[index] = ID_FORM.hashed
  }
}

/**
 * Writes the 128 bits of a text that can be read as a UUID or a ULID into `out[at, at + 16)`; false where it is neither,
 * and then the written bytes mean nothing. The rules are those of `parseEventId`, applied to the record's own bytes: no
 * string is created for an event.
 */
export function readId(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): boolean {
  if (end - start === LENGTH.ulid) return readUlid(text, start, out, at)
  return end - start === LENGTH.uuid && readUuid(text, start, out, at)
}

function readUuid(text: Uint8Array, start: number, out: Uint8Array, at: number): boolean {
  let to = at
  for (let index = 0; index < LENGTH.uuid; ) {
    if (BEFORE_HYPHENS.has(index)) {
      if (text[start + index++] !== HYPHEN) return false
      continue
    }
    const high = HEX[text[start + index++] as number] as number
    const low = HEX[text[start + index++] as number] as number
    if (high < 0 || low < 0) return false
    out[to++] = (high << 4) | low
  }
  return true
}

/** 26 digits of 5 bits are 130 bits: the first digit has only 3. */
function readUlid(text: Uint8Array, start: number, out: Uint8Array, at: number): boolean {
  let bits = CROCKFORD[text[start] as number] as number
  if (bits < 0 || bits > 7) return false
  let held = 3
  let to = at
  for (let index = 1; index < LENGTH.ulid; index++) {
    const digit = CROCKFORD[text[start + index] as number] as number
    if (digit < 0) return false
    bits = (bits << 5) | digit
    held += 5
    if (held < 8) continue
    held -= 8
    out[to++] = bits >>> held
    bits &= (1 << held) - 1
  }
  return true
}

function digits(alphabet: string): Int8Array {
  const values = new Int8Array(256).fill(-1)
  for (const [value, digit] of Array.from(alphabet).entries()) {
    values[digit.charCodeAt(0)] = value
    values[digit.toUpperCase().charCodeAt(0)] = value
  }
  return values
}
