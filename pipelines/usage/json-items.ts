import { isUtf8 } from 'node:buffer'
import { Refusal, jsonPointer } from './accept-refusal.ts'
import { JSON_DEPTH_MAX, JSON_ITEM_SIZE_MAX, repeatedMember, scanJson } from './json-scan.ts'
import type { JsonItem } from './json-scan.ts'
import { NumberText } from './number-text.ts'

/** Why a body is refused whole. */
export interface BodyFault {
  readonly fault: 'not_json' | 'too_many'
  readonly detail: string
}

/**
 * Bytes of an item that are read a second time where its numbers or names ask for it. A larger one with such numbers
 * or names is refused: an honest event has a few hundred bytes, and the second reading is slow.
 */
const REREAD_BYTES_MAX = 65_536

/** Members of such an item: an event has fewer than 30, and the second reading looks at each by itself. */
const REREAD_MEMBERS_MAX = 64

/**
 * The items of a JSON body: the elements of its array, or the body itself as the only one. Read exactly: a number that
 * a double may not hold comes as `NumberText`, a name that stands twice in one object is a refusal (`JSON.parse` keeps
 * the last one in silence: a hidden second cost would be dropped).
 */
export class JsonItems {
  readonly isArray: boolean
  readonly #body: Buffer
  readonly #values: readonly unknown[]
  readonly #scanned: readonly JsonItem[]

  constructor(body: Buffer, value: unknown, scanned: readonly JsonItem[]) {
    this.isArray = Array.isArray(value)
    this.#body = body
    this.#values = Array.isArray(value) ? value : [value]
    this.#scanned = scanned
  }

  get count(): number {
    return this.#values.length
  }

  /** The item as `JSON.parse` gives it, to show what was sent; its numbers may be rounded. */
  parsed(index: number): unknown {
    return this.#values[index]
  }

  /**
   * The item, exact, or why it is refused before any field is looked at. `namesFit` looks at it as it was parsed: one that will
   * be refused for its names alone comes back as it is, since a second reading of what strangers make up is slow.
   */
  read(index: number, namesFit: (parsed: unknown) => boolean = () => true): unknown {
    const value = this.#values[index]
    const scanned = this.#scanned[index] as JsonItem
    if (!namesFit(value)) return value
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

/** Reads a body of at most `itemsMax` items, or says why none of it can be taken. */
export function readJsonItems(body: Buffer, itemsMax: number): JsonItems | BodyFault {
  if (!isUtf8(body)) return { fault: 'not_json', detail: 'The body is not valid UTF-8.' }
  const { items, stopped } = scanJson(body, itemsMax)
  if (stopped === 'too_many')
    return { fault: 'too_many', detail: `The body has more than ${itemsMax} events.` }
  if (stopped === 'too_deep') {
    return { fault: 'not_json', detail: `The body is nested deeper than ${JSON_DEPTH_MAX}.` }
  }
  if (stopped === 'too_large') {
    return { fault: 'not_json', detail: `An event has more than ${JSON_ITEM_SIZE_MAX} members.` }
  }
  try {
    return new JsonItems(body, JSON.parse(body.toString('utf8')), items)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { fault: 'not_json', detail: `The body is not JSON: ${reason}` }
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

/** Members of all objects in a parsed value. The scan has bounded how deep that is. */
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

/** Node's `JSON.parse` tells a reviver the text of a primitive; TypeScript's types do not know it yet. */
interface SourceContext {
  readonly source?: string
}

const DOUBLE_TEXT = /^-?(?:\d\.?){1,15}$/

function exactNumber(this: unknown, _name: string, value: unknown, context?: SourceContext): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value
  return DOUBLE_TEXT.test(context.source) ? value : new NumberText(context.source)
}
