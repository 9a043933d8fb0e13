import type { Field, Fields } from '../../schemas/fleet/fields.ts'
import { COUNT_MAX } from '../../schemas/fleet/bounds.ts'
import { isFreeText } from '../../schemas/ids.ts'

const MAC = /^[0-9A-F]{2}(?::[0-9A-F]{2}){5}$/

/** Whether a text is a MAC address in the form that is kept. */
export function isMac(text: string): boolean {
  return MAC.test(text)
}

/** Whether a number is a time that can be kept: UTC milliseconds since 1970. */
export function isKeptTime(atMs: number): boolean {
  return Number.isInteger(atMs) && atMs >= 0 && atMs <= COUNT_MAX
}

/** Whether a number is in the range of its field. */
export function isInRange(
  field: Extract<Field, { readonly kind: 'number' | 'rate' | 'count' | 'place' }>,
  value: number,
): boolean {
  if (field.kind === 'number') return value >= field.min && value <= field.max
  return Number.isInteger(value) && value >= 0 && value <= field.max
}

/** The path of the first field of a record that is out of its bounds; null where all are within. */
export function faultIn(fields: Fields, record: Readonly<Record<string, unknown>>): string | null {
  for (const name in fields) {
    const field = fields[name]
    const fault = field === undefined ? null : faultOf(field, record[name])
    if (fault !== null) return `${name}${fault}`
  }
  return null
}

/** Null where the value fits; else the path below the field, which is empty where it is the field itself. */
function faultOf(field: Field, value: unknown): string | null {
  if (value === null) return null
  switch (field.kind) {
    case 'number':
    case 'rate':
    case 'count':
    case 'place':
      return typeof value === 'number' && isInRange(field, value) ? null : ''
    case 'time':
      return typeof value === 'number' && isKeptTime(value) ? null : ''
    case 'text':
    case 'code':
      return typeof value === 'string' && isFreeText(value) ? null : ''
    case 'mac':
      return typeof value === 'string' && isMac(value) ? null : ''
    case 'group':
      return below(faultIn(field.fields, value as Readonly<Record<string, unknown>>))
    case 'list':
      return faultOfList(field, value as readonly Readonly<Record<string, unknown>>[])
    // Of flags and words, Avro's own types say the rest.
    default:
      return null
  }
}

function faultOfList(
  { fields, itemsMax }: Extract<Field, { readonly kind: 'list' }>,
  parts: readonly Readonly<Record<string, unknown>>[],
): string | null {
  if (parts.length > itemsMax) return ''
  for (const part of parts) {
    const fault = faultIn(fields, part)
    if (fault !== null) return `[].${fault}`
  }
  return null
}

const below = (fault: string | null): string | null => (fault === null ? null : `.${fault}`)
