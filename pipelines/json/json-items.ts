import { isUtf8 } from 'node:buffer'
import { Refusal, jsonPointer } from './refusal.ts'
import { JSON_DEPTH_MAX, JSON_ITEM_SIZE_MAX, repeatedMember, scanInParts, scanJson } from './json-scan.ts'
import type { JsonItem, JsonScan } from './json-scan.ts'
import { NumberText } from './number-text.ts'

/** Why a whole body is refused. */
export interface BodyFault {
  readonly fault: 'not_json' | 'too_many'
  readonly detail: string
}

/**
 * Most bytes of an item that is read a second time where its numbers or names require it. A larger one with such numbers or
 * names is refused: an honest event has a few hundred bytes, and the second reading is slow.
 */
const REREAD_BYTES_MAX = 65_536

/** Bytes of a body that are parsed before other requests get a turn: they take a few milliseconds. */
export const BYTES_PER_TURN = 262_144

const OPEN_BRACKET = 0x5b

/** Most members of such an item: an event has fewer than 30, and the second reading checks each one separately. */
const REREAD_MEMBERS_MAX = 64

/**
 * The items of a JSON body: the elements of its array, or the body itself as the only one. They are read exactly: a number
 * that a double may not hold is returned as `NumberText`, and a name that occurs twice in one object is a refusal
 * (`JSON.parse` silently keeps the last one: a hidden second cost would be dropped).
 */
export class JsonItems {
  readonly isArray: boolean
  readonly #body: Buffer
  readonly #values: readonly unknown[]
  readonly #scanned: readonly JsonItem[]

  constructor(body: Buffer, values: readonly unknown[], scanned: readonly JsonItem[], isArray: boolean) {
    this.isArray = isArray
    this.#body = body
    this.#values = values
    this.#scanned = scanned
  }

  get count(): number {
    return this.#values.length
  }

  /** Bytes that the item has in the body, with the whitespace around it. */
  sizeBytes(index: number): number {
    const { start, end } = this.#scanned[index] as JsonItem
    return end - start
  }

  /** The item as `JSON.parse` gives it, to show what was sent; its numbers may be rounded. */
  parsed(index: number): unknown {
    return this.#values[index]
  }

  /**
   * The item, exact, or why it is refused before any field is read. `namesFit` gets the item as it was parsed: an item that
   * will be refused just for its names is returned unchanged, since a second reading of arbitrary input is slow.
   */
  read(index: number, namesFit: (parsed: unknown) => boolean = () => true): unknown {
    const value = this.#values[index]
    const scanned = this.#scanned[index] as JsonItem
    if (value instanceof Refusal || !namesFit(value)) return value
    const isRepeating = scanned.members !== membersOf(value)
    if (!isRepeating && !scanned.hasLongNumber) return value
    if (scanned.members > REREAD_MEMBERS_MAX) {
      return new Refusal(
        'too_large',
        '',
        `Has ${scanned.members} members; at most ${REREAD_MEMBERS_MAX} are read with numbers of this length, or repeated.`,
      )
    }
    const bytes = trimmed(this.#body, scanned)
    if (bytes.length > REREAD_BYTES_MAX) {
      return new Refusal(
        'too_large',
        '',
        `Has ${bytes.length} bytes; at most ${REREAD_BYTES_MAX} are read with numbers of this length.`,
      )
    }
    if (isRepeating) {
      const path = repeatedMember(bytes).map(jsonPointer).join('')
      return new Refusal(
        'duplicate_field',
        path,
        'Stands twice in one object; which one counts would be a guess.',
      )
    }
    return JSON.parse(bytes.toString('utf8'), exactNumber)
  }
}

/** Reads a body of at most `itemsMax` items, or returns why it cannot be accepted. */
export function readJsonItems(sent: Buffer, itemsMax: number): JsonItems | BodyFault {
  const body = withoutMark(sent)
  if (!isUtf8(body)) return NOT_UTF8
  const scan = scanJson(body, itemsMax)
  return faultOf(scan, itemsMax) ?? parsedWhole(body, scan)
}

/** The same for a large body, a part of it in each turn: `pause` gives other work a turn. */
export async function readJsonItemsInTurns(
  sent: Buffer,
  itemsMax: number,
  pause: () => Promise<void>,
): Promise<JsonItems | BodyFault> {
  if (sent.length <= BYTES_PER_TURN) return readJsonItems(sent, itemsMax)
  const body = withoutMark(sent)
  await pause()
  if (!isUtf8(body)) return NOT_UTF8
  const scan = await scanInTurns(body, itemsMax, pause)
  return await itemsOfScan(body, scan, itemsMax, pause)
}

/** Scans a large body, a part of it in each turn. */
export async function scanInTurns(
  body: Buffer,
  itemsMax: number,
  pause: () => Promise<void>,
): Promise<JsonScan> {
  const scanning = scanInParts(body, itemsMax, BYTES_PER_TURN)
  let scanned = scanning.next()
  for (; scanned.done !== true; scanned = scanning.next()) await pause()
  return scanned.value
}

/** The items of a body that was scanned, parsed in turns; or why they cannot be accepted. */
export async function itemsOfScan(
  body: Buffer,
  scan: JsonScan,
  itemsMax: number,
  pause: () => Promise<void>,
): Promise<JsonItems | BodyFault> {
  const fault = faultOf(scan, itemsMax)
  if (fault !== null) return fault
  try {
    const values = await arrayInTurns(body, scan, pause)
    return values === null ? parsedWhole(body, scan) : new JsonItems(body, values, scan.items, true)
  } catch (error) {
    return notJson(error)
  }
}

/** A body without the byte order mark that some programs write before UTF-8 (RFC 8259 allows a reader to ignore it). */
export function withoutMark(body: Buffer): Buffer {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body
}

/** The fault of a body whose bytes are no text. */
export const NOT_UTF8: BodyFault = { fault: 'not_json', detail: 'The body is not valid UTF-8.' }

function parsedWhole(body: Buffer, { items }: JsonScan): JsonItems | BodyFault {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return Array.isArray(value)
      ? new JsonItems(body, value, items, true)
      : new JsonItems(body, [value], items, false)
  } catch (error) {
    return notJson(error)
  }
}

/**
 * The elements of the body's array, parsed in parts that end where an item ends: each part is parsed as an array of its
 * own, and together they give the array that they were cut from. Null where the body is not an array, or has at most one
 * element. Throws what `JSON.parse` throws.
 */
async function arrayInTurns(
  body: Buffer,
  { items, end }: JsonScan,
  pause: () => Promise<void>,
): Promise<unknown[] | null> {
  const first = items[0] as JsonItem
  if (items.length === 1 || first.start === 0 || body[first.start - 1] !== OPEN_BRACKET) return null
  const values: unknown[] = []
  for (let from = 0; from < items.length; ) {
    const { start } = items[from] as JsonItem
    let to = from + 1
    while (to < items.length && (items[to] as JsonItem).end - start <= BYTES_PER_TURN) to += 1
    const text = body.toString('utf8', start, (items[to - 1] as JsonItem).end)
    for (const value of JSON.parse(`[${text}]`) as unknown[]) values.push(value)
    from = to
    await pause()
  }
  // Before the array and after its last item there may only be the brackets.
  JSON.parse(`${body.toString('utf8', 0, first.start)}${body.toString('utf8', end)}`)
  if (values.length !== items.length) throw new SyntaxError('An element of the array is empty.')
  return values
}

/** The fault of a body that `JSON.parse` throws at. */
export function notJson(error: unknown): BodyFault {
  const reason = error instanceof Error ? error.message : String(error)
  return { fault: 'not_json', detail: `The body is not JSON: ${reason}` }
}

/** Why a body is not parsed at all after it was scanned. */
function faultOf({ stopped }: JsonScan, itemsMax: number): BodyFault | null {
  switch (stopped) {
    case 'too_many':
      return { fault: 'too_many', detail: `The body has more than ${itemsMax} events.` }
    case 'too_deep':
      return { fault: 'not_json', detail: `The body is nested deeper than ${JSON_DEPTH_MAX}.` }
    case 'too_large':
      return { fault: 'not_json', detail: `An event has more than ${JSON_ITEM_SIZE_MAX} members.` }
    default:
      return null
  }
}

/** The bytes of an item without the whitespace around it, which a client may use as padding. */
function trimmed(body: Buffer, { start, end }: JsonItem): Buffer {
  let first = start
  let after = end
  while (first < after && (body[first] as number) <= SPACE) first += 1
  while (first < after && (body[after - 1] as number) <= SPACE) after -= 1
  return body.subarray(first, after)
}

const SPACE = 0x20

/** The number of members of all objects in a parsed value. The scan has bounded their depth. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (const element of value) members += membersOf(element)
    return members
  }
  for (const name in value) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    members += typeof member === 'object' && member !== null ? 1 + membersOf(member) : 1
  }
  return members
}

/** Node's `JSON.parse` passes the text of a primitive to a reviver; TypeScript's types do not know that yet. */
interface SourceContext {
  readonly source?: string
}

const DOUBLE_TEXT = /^-?(?:\d\.?){1,15}$/

function exactNumber(this: unknown, _name: string, value: unknown, context?: SourceContext): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value
  return DOUBLE_TEXT.test(context.source) ? value : new NumberText(context.source)
}
