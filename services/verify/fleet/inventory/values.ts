import type { EntityField } from '../../../../schemas/fleet/inventory/fields.ts'
import { THRESHOLDS } from '../../../../schemas/fleet/inventory/thresholds.ts'

/** What fields of the inventory may hold, and what identifies a machine: said a second time. */

const FIVE_MINUTES = 300_000
const NAME = /^[A-Za-z0-9._:-]{1,64}$/
const THRESHOLD_MOST = 1_000_000_000
const NAMES: ReadonlySet<string> = new Set(THRESHOLDS)
/** The last time that can be planned: ten years before the year 10000. */
const LAST = 253_402_300_800_000 - 3_660 * 86_400_000

/** Whether a text can be an id. */
export const isName = (text: string): boolean => NAME.test(text)

/** Whether a time is one at which something may change. */
export const isMark = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && value < LAST && value % FIVE_MINUTES === 0

/** Whether a field may have this value. */
export function mayBe(field: EntityField, value: unknown): boolean {
  if (field.kind === 'flag') return value === true || value === false
  if (field.kind === 'edge') return isMark(value)
  if (field.kind === 'number' || field.kind === 'whole') {
    const isNumber = typeof value === 'number' && value >= field.min && value <= field.max
    return isNumber && (field.kind === 'number' || Number.isSafeInteger(value))
  }
  if (field.kind === 'refs') return isSet(value, field.most) && value.every((one) => isName(one))
  if (field.kind === 'texts') return isSet(value, field.most) && value.every((one) => isText(one, field.max))
  if (field.kind === 'thresholds') return areThresholds(value)
  if (typeof value !== 'string') return false
  if (field.kind === 'ref') return isName(value)
  if (field.kind === 'word') return field.words.includes(value)
  return field.kind === 'zone' ? /^[A-Za-z][\w+/-]{0,63}$/.test(value) : isText(value, field.max)
}

function isText(text: string, most: number): boolean {
  const points = Array.from(text)
  return points.length > 0 && points.length <= most && !points.some((point) => /[\p{Cc}\p{Cs}]/u.test(point))
}

function isSet(value: unknown, most: number): value is readonly string[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > most) return false
  return value.every((one) => typeof one === 'string') && new Set(value).size === value.length
}

function areThresholds(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const named = Object.entries(value as Readonly<Record<string, unknown>>)
  const isFit = ([name, one]: readonly [string, unknown]): boolean =>
    NAMES.has(name) &&
    typeof one === 'number' &&
    one >= 0 &&
    one <= (name === 'restarts' ? 4 : THRESHOLD_MOST)
  return named.length > 0 && named.every(isFit)
}

const EMPTY_WORDS =
  /^(NA|NONE|NULL|NIL|UNKNOWN|UNDEFINED|DEFAULT|NOTSET|NOTAVAILABLE|NOSERIAL|SERIAL|SERIALNUMBER|SN|MAC|TEST|INVALID|TOBEFILLEDBYOEM)$/

/** What two serial numbers are compared by; nothing for a text that is none. */
export function serialOf(text: string | null): string | undefined {
  if (text === null) return undefined
  const plain = bare(text.normalize('NFKC').toUpperCase())
  const characters = new Set(plain)
  return characters.size < 2 || EMPTY_WORDS.test(plain) ? undefined : plain
}

/** The same of MACs. */
export function macOf(text: string | null): string | undefined {
  if (text === null) return undefined
  const plain = bare(text.toUpperCase())
  if (!/^[0-9A-F]{12}$/.test(plain)) return undefined
  const bytes = Array.from({ length: 6 }, (_, at) => plain.slice(2 * at, 2 * at + 2))
  const isOfMany = Number(`0x${bytes[0] ?? '0'}`) % 2 === 1
  return isOfMany || new Set(bytes).size === 1 ? undefined : plain
}

function bare(text: string): string {
  return Array.from(text)
    .filter((character) => !/\s/.test(character) && !'.:_/\\|#-'.includes(character))
    .join('')
}
