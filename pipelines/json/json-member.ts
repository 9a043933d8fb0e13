import { isUtf8 } from 'node:buffer'
import { itemsOfScan, JsonItems, NOT_UTF8, notJson, scanInTurns, withoutMark } from './json-items.ts'
import type { BodyFault } from './json-items.ts'

/** A JSON object one member of which is a long array: the object without it, and the elements. */
export interface ObjectWithItems {
  /** The object as `JSON.parse` gives it, with an empty array in the place of the long one. */
  readonly rest: unknown
  readonly items: JsonItems
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const SPACE = 0x20
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

const EMPTY_ARRAY = Buffer.from('[]')

/** Bytes that a body may have beside its long array, which are parsed in one turn. */
export const REST_BYTES_MAX = 65_536

/**
 * Reads a body that is a JSON object with the array `member`, a part of it in each turn: `pause` gives other work a turn.
 * Where there is no such array the object has no items.
 */
export async function readObjectWithItems(
  sent: Buffer,
  member: string,
  itemsMax: number,
  pause: () => Promise<void>,
): Promise<ObjectWithItems | BodyFault> {
  const body = withoutMark(sent)
  if (!isUtf8(body)) return NOT_UTF8
  const start = arrayOf(body, Buffer.from(JSON.stringify(member)))
  if (start < 0) return await readRest(body, EMPTY_ARRAY, pause)
  const open = body.subarray(start)
  const scan = await scanInTurns(open, itemsMax, pause)
  const array = open.subarray(0, scan.end + 1)
  const items = await itemsOfScan(array, scan, itemsMax, pause)
  if (!(items instanceof JsonItems)) return items
  const rest = Buffer.concat([body.subarray(0, start), EMPTY_ARRAY, open.subarray(array.length)])
  return readParts(rest, items)
}

async function readRest(
  body: Buffer,
  none: Buffer,
  pause: () => Promise<void>,
): Promise<ObjectWithItems | BodyFault> {
  const items = await itemsOfScan(none, await scanInTurns(none, 1, pause), 1, pause)
  return items instanceof JsonItems ? readParts(body, items) : items
}

function readParts(rest: Buffer, items: JsonItems): ObjectWithItems | BodyFault {
  if (rest.length > REST_BYTES_MAX) {
    const detail = `The body has ${rest.length} bytes beside its items; at most ${REST_BYTES_MAX} are read.`
    return { fault: 'not_json', detail }
  }
  try {
    return { rest: JSON.parse(rest.toString('utf8')) as unknown, items }
  } catch (error) {
    return notJson(error)
  }
}

/**
 * Where the array begins that is the member of this name, in quotes, of the body's own object; -1 where there is none
 * within the first bytes. What follows the array is read as its rest, so a second one of that name is kept there.
 */
function arrayOf(body: Buffer, name: Buffer): number {
  let depth = 0
  const length = Math.min(body.length, REST_BYTES_MAX)
  for (let at = 0; at < length; at += 1) {
    const byte = body[at] as number
    if (byte === QUOTE) {
      const end = endOfString(body, at)
      if (depth === 1 && body.subarray(at, end + 1).equals(name)) {
        const colon = solidAfter(body, end)
        const value = body[colon] === COLON ? solidAfter(body, colon) : -1
        if (value >= 0 && body[value] === OPEN_BRACKET) return value
      }
      at = end
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1
  }
  return -1
}

/** Index of the closing quote of the string that opens at `open`. */
function endOfString(body: Buffer, open: number): number {
  let at = open + 1
  for (; at < body.length; at += 1) {
    if (body[at] === QUOTE) return at
    if (body[at] === BACKSLASH) at += 1
  }
  return at
}

/** Index of the first byte after `at` that is no whitespace. */
function solidAfter(body: Buffer, at: number): number {
  let next = at + 1
  while (next < body.length && (body[next] as number) <= SPACE) next += 1
  return next
}
