import { isUtf8 } from 'node:buffer'
import { Refusal } from './refusal.ts'
import { BYTES_PER_TURN, JsonItems, readJsonItems } from './json-items.ts'
import type { BodyFault } from './json-items.ts'
import { scanJson } from './json-scan.ts'
import type { JsonItem } from './json-scan.ts'

/** The byte that ends an item in NDJSON, or that precedes each item in a JSON text sequence (RFC 7464). */
export const ITEM_END = { line: 0x0a, record: 0x1e } as const

const NO_ITEM: JsonItem = { start: 0, end: 0, members: 0, hasLongNumber: false }

/**
 * The items of a body with one JSON text after the other, each parsed separately: a text that is not JSON is refused alone,
 * and the others are accepted. Texts of whitespace alone are not items.
 */
export async function readJsonLines(
  body: Buffer,
  separator: number,
  itemsMax: number,
  pause: () => Promise<void>,
): Promise<JsonItems | BodyFault> {
  const values: unknown[] = []
  const scanned: JsonItem[] = []
  let turnEnds = BYTES_PER_TURN
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(separator, start)
    const end = found < 0 ? body.length : found
    const text = body.subarray(start, end)
    if (!isBlank(text)) {
      if (values.length >= itemsMax) {
        return { fault: 'too_many', detail: `The body has more than ${itemsMax} events.` }
      }
      values.push(valueOf(text))
      scanned.push(placeOf(text, start))
    }
    start = end + 1
    if (start < turnEnds) continue
    turnEnds = start + BYTES_PER_TURN
    await pause()
  }
  return new JsonItems(body, values, scanned, true)
}

/** The parsed text, or the refusal of a text that is not JSON. An array is one value, and is no event. */
function valueOf(text: Buffer): unknown {
  if (!isUtf8(text)) return notJson('Is not valid UTF-8.')
  const items = readJsonItems(text, 1)
  const isArray = items instanceof JsonItems ? items.isArray : items.fault === 'too_many'
  if (isArray) return notJson('Is an array: here each event stands by itself.')
  return items instanceof JsonItems ? items.parsed(0) : notJson(items.detail)
}

/** The place of the text in the body; the scan of the text alone supplies what is in it. */
function placeOf(text: Buffer, start: number): JsonItem {
  const item = scanJson(text, 1).items[0] ?? NO_ITEM
  return { ...item, start: start + item.start, end: start + item.end }
}

function notJson(detail: string): Refusal {
  return new Refusal('not_json', '', detail)
}

const SPACE = 0x20

function isBlank(text: Buffer): boolean {
  return text.every((byte) => byte <= SPACE)
}
