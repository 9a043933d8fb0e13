import { PLANNED_MS_MAX } from '../../../schemas/fleet/inventory/bounds.ts'
import { ENTITIES } from '../../../schemas/fleet/inventory/entities.ts'
import type {
  Body,
  EntityField,
  EntityFields,
  EntityKind,
  FieldValue,
} from '../../../schemas/fleet/inventory/fields.ts'
import { NODE_ID_PATTERN } from '../../../schemas/ids.ts'
import { isJsonObject } from '../../json/json-object.ts'
import { isThreshold, THRESHOLD_NAMES } from './thresholds.ts'
import { isOnEdge } from './versions.ts'

const ID = new RegExp(NODE_ID_PATTERN)
const TEXT = /^[^\p{Cc}\p{Cs}]+$/u
/** The form of a name of a time zone: whether there is such a zone depends on the machine, so the reader asks that. */
const ZONE = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/

/** Fields that are given; null takes a value away. */
export type Given = Readonly<Record<string, FieldValue | null>>

/** The fields of an entity of a kind, whatever it is. */
export function fieldsOf(kind: EntityKind): EntityFields {
  return ENTITIES[kind].fields
}

/** Whether a text can be the id of an entity. */
export function isId(text: string): boolean {
  return ID.test(text)
}

/** What a body gives, or the JSON pointer of the first field that is none, or has no possible value. */
export function readGiven(
  kind: EntityKind,
  json: unknown,
): { readonly given: Given } | { readonly fault: string } {
  if (!isJsonObject(json)) return { fault: '/' }
  const fields = fieldsOf(kind)
  for (const [name, value] of Object.entries(json)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (field === undefined) return { fault: `/${name}` }
    if (value !== null && !isPossible(field, value)) return { fault: `/${name}` }
  }
  return { given: json as Given }
}

/**
 * The body of the version that follows when `given` is laid over `before`, its fields in the order of their table; or the
 * names of the fields that must have a value and have none.
 */
export function bodyFrom(
  kind: EntityKind,
  before: Body,
  given: Given,
): { readonly body: Body } | { readonly missing: readonly string[] } {
  const body: Record<string, FieldValue> = {}
  const missing: string[] = []
  for (const [name, { isRequired }] of Object.entries(fieldsOf(kind))) {
    const value = Object.hasOwn(given, name) ? given[name] : before[name]
    if (value !== undefined && value !== null) body[name] = value
    else if (isRequired === true) missing.push(name)
  }
  return missing.length > 0 ? { missing } : { body }
}

/** The fields that never change and for which another value is given. */
export function fixedChanges(kind: EntityKind, before: Body, given: Given): readonly string[] {
  return Object.entries(fieldsOf(kind)).flatMap(([name, { isFixed }]) =>
    isFixed === true && Object.hasOwn(given, name) && given[name] !== before[name] ? [name] : [],
  )
}

/** The text of a field that has one. */
export function textIn(body: Body, name: string): string | null {
  const value = body[name]
  return typeof value === 'string' ? value : null
}

/** The number of a field that has one. */
export function numberIn(body: Body, name: string): number | null {
  const value = body[name]
  return typeof value === 'number' ? value : null
}

/** The thresholds of a field that has some. */
export function thresholdsIn(body: Body | undefined): Readonly<Record<string, number>> {
  const value = body?.['thresholds']
  return typeof value === 'object' && !Array.isArray(value) ? (value as Readonly<Record<string, number>>) : {}
}

/** The ids that a field names. */
export function idsIn(value: FieldValue | undefined): readonly string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? (value as readonly string[]) : []
}

function isPossible(field: EntityField, value: unknown): boolean {
  switch (field.kind) {
    case 'text':
      return isText(value, field.max)
    case 'number':
      return typeof value === 'number' && value >= field.min && value <= field.max
    case 'whole':
      return Number.isSafeInteger(value) && Number(value) >= field.min && Number(value) <= field.max
    case 'flag':
      return typeof value === 'boolean'
    case 'word':
      return typeof value === 'string' && field.words.includes(value)
    case 'zone':
      return typeof value === 'string' && ZONE.test(value)
    case 'edge':
      return isEdge(value)
    case 'ref':
      return typeof value === 'string' && ID.test(value)
    case 'refs':
      return isListOf(value, field.most, (one) => ID.test(one))
    case 'texts':
      return isListOf(value, field.most, (one) => isText(one, field.max))
    default:
      return isJsonObject(value) && areThresholds(value)
  }
}

/** Whether a number is a time at which something can change. */
export function isEdge(value: unknown): value is number {
  return (
    Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < FAR_MS && isOnEdge(Number(value))
  )
}

/** Beyond all plans: the last day of the year 9999. */
const FAR_MS = Date.UTC(10_000, 0, 1) - PLANNED_MS_MAX

function isText(value: unknown, max: number): boolean {
  return typeof value === 'string' && TEXT.test(value) && Array.from(value).length <= max
}

function isListOf(value: unknown, most: number, isOne: (one: string) => boolean): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) return false
  const texts = value as readonly unknown[]
  const areAll = texts.every((one) => typeof one === 'string' && isOne(one))
  return areAll && new Set(texts).size === texts.length
}

function areThresholds(value: Readonly<Record<string, unknown>>): boolean {
  const entries = Object.entries(value)
  return (
    entries.length > 0 &&
    entries.length <= THRESHOLD_NAMES.size &&
    entries.every(([name, one]) => isThreshold(name, one))
  )
}
