import { DIGITS_EXACT_MAX } from './number-text.ts'

/**
 * What `JSON.parse` does not report, found in one pass over the bytes before it runs: where each event is, how many members
 * its objects have (a name that occurs twice gives one member fewer after parsing), and whether one of its numbers is too
 * long to survive as a double.
 */

/** Deepest nesting that a body may have: array, event, `data`, and one more for what is refused by name. */
export const JSON_DEPTH_MAX = 8

/** Most members, objects and arrays of one item: an honest one has some 20, and parsing a million takes a second. */
export const JSON_ITEM_SIZE_MAX = 1_000

/** One element of the body's array, or the whole body where it is no array. */
export interface JsonItem {
  /** Bytes `[start, end)` of the body. */
  readonly start: number
  readonly end: number
  /** Members of all objects in it, as written. */
  readonly members: number
  /** True where a number has more than 15 digits or an exponent. */
  readonly hasLongNumber: boolean
}

export interface JsonScan {
  readonly items: readonly JsonItem[]
  /** Where the items end: at the bracket that closes the body's array, or at the body's end. */
  readonly end: number
  /** Why scanning ended early: beyond `JSON_DEPTH_MAX`, `JSON_ITEM_SIZE_MAX` or `itemsMax`. */
  readonly stopped: 'too_deep' | 'too_large' | 'too_many' | null
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const ZERO = 0x30
const NINE = 0x39
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const SPACE = 0x20

/** Scans a body. The result is meaningful only for a body that `JSON.parse` accepts; it never throws. */
export function scanJson(body: Uint8Array, itemsMax: number): JsonScan {
  const scanning = scanInParts(body, itemsMax, body.length + 1)
  for (;;) {
    const { done, value } = scanning.next()
    if (done === true) return value
  }
}

/** The same, pausing after each part of at least this many bytes, so that other work may have a turn. */
export function* scanInParts(
  body: Uint8Array,
  itemsMax: number,
  partBytes: number,
): Generator<undefined, JsonScan> {
  const items: JsonItem[] = []
  const length = body.length
  let at = 0
  while (at < length && (body[at] as number) <= SPACE) at += 1
  const isArray = body[at] === OPEN_BRACKET
  const itemDepth = isArray ? 1 : 0
  let start = isArray ? at + 1 : at
  let depth = 0
  let members = 0
  // The body's own bracket belongs to no item.
  let opened = isArray ? -1 : 0
  let hasLongNumber = false

  let pauseAt = at + partBytes
  for (; at < length; at += 1) {
    if (at >= pauseAt) {
      yield undefined
      pauseAt = at + partBytes
    }
    const byte = body[at] as number
    if (byte === QUOTE) {
      at = endOfString(body, at)
    } else if (byte >= ZERO && byte <= NINE) {
      const end = endOfNumber(body, at)
      if (end < 0) hasLongNumber = true
      at = Math.abs(end) - 1
    } else if (byte === COLON) {
      members += 1
      if (members + opened > JSON_ITEM_SIZE_MAX) return { items, end: at, stopped: 'too_large' }
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1
      opened += 1
      if (depth > JSON_DEPTH_MAX) return { items, end: at, stopped: 'too_deep' }
      if (members + opened > JSON_ITEM_SIZE_MAX) return { items, end: at, stopped: 'too_large' }
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (isArray && depth === 1) break
      depth -= 1
    } else if (byte === COMMA && depth === itemDepth && isArray) {
      items.push({ start, end: at, members, hasLongNumber })
      if (items.length >= itemsMax) return { items, end: at, stopped: 'too_many' }
      start = at + 1
      members = 0
      opened = 0
      hasLongNumber = false
    }
  }
  items.push({ start, end: at, members, hasLongNumber })
  return { items, end: at, stopped: null }
}

/** Index of the closing quote of the string that opens at `open`. */
function endOfString(body: Uint8Array, open: number): number {
  let at = open + 1
  for (; at < body.length; at += 1) {
    const byte = body[at]
    if (byte === QUOTE) return at
    if (byte === BACKSLASH) at += 1
  }
  return at
}

const DOT = 0x2e
const PLUS = 0x2b
const MINUS = 0x2d
const LETTER_E = 0x65
const LOWER_CASE = 0x20

/** Index after the number that has a digit at `first`; negative where its text must be read. */
function endOfNumber(body: Uint8Array, first: number): number {
  let at = first + 1
  let digits = 1
  let hasExponent = false
  for (; at < body.length; at += 1) {
    const byte = body[at] as number
    if (byte >= ZERO && byte <= NINE) digits += 1
    else if ((byte | LOWER_CASE) === LETTER_E) hasExponent = true
    else if (byte !== DOT && !(hasExponent && (byte === PLUS || byte === MINUS))) break
  }
  return hasExponent || digits > DIGITS_EXACT_MAX ? -at : at
}

const DECODER = new TextDecoder()

interface OpenValue {
  readonly names: Set<string>
  /** The member that is being read. */
  name: string
}

/** Where a name occurs twice in one object of this JSON text: the names from the outside in; empty where none does. */
export function repeatedMember(body: Uint8Array): string[] {
  const open: OpenValue[] = []
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at] as number
    if (byte === QUOTE) {
      const end = endOfString(body, at)
      const inside = open.at(-1)
      if (inside !== undefined && solidAfter(body, end) === COLON) {
        inside.name = JSON.parse(DECODER.decode(body.subarray(at, end + 1))) as string
        if (inside.names.has(inside.name)) return open.map(({ name }) => name)
        inside.names.add(inside.name)
      }
      at = end
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      open.push({ names: new Set(), name: '' })
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      open.pop()
    }
  }
  return []
}

/** The first byte after `at` that is not whitespace. */
function solidAfter(body: Uint8Array, at: number): number | undefined {
  let next = at + 1
  while (next < body.length && (body[next] as number) <= SPACE) next += 1
  return body[next]
}
