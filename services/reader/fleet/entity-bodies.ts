import { fieldsOf, readGiven } from '../../../pipelines/fleet/inventory/body.ts'
import type { Given } from '../../../pipelines/fleet/inventory/body.ts'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'
import { NumberText } from '../../../pipelines/json/number-text.ts'
import type { Body, EntityKind, FieldValue } from '../../../schemas/fleet/inventory/fields.ts'
import type { Version } from '../../../schemas/fleet/inventory/records.ts'
import type { EntityView } from '../../../schemas/http/fleet-inventory.ts'
import { formatTime, formatTimeOrNull, parseTime } from '../../http/times.ts'
import { invalidFields } from '../routes/json-body.ts'

/** What a body asks for: fields of the entity, and when the change holds. */
export interface AskedChange {
  readonly given: Given
  readonly validFrom: number | null
  readonly validTo: number | null
}

/** Reads the body of a change. Throws a Problem (422) that names the first field that is none, or cannot have its value. */
export function readChange(kind: EntityKind, body: JsonObject): AskedChange {
  const { valid_from, valid_to, ...rest } = body
  const fields = fieldsOf(kind)
  const plain = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => {
      const isEdge = Object.hasOwn(fields, name) && fields[name]?.kind === 'edge'
      return [name, isEdge ? timeOf(value, `/${name}`) : plainOf(value)]
    }),
  )
  const read = readGiven(kind, plain)
  if ('fault' in read) throw wrong(read.fault, 'This is no field of it, or cannot have that value.')
  for (const [name, value] of Object.entries(read.given))
    if (fields[name]?.kind === 'zone' && typeof value === 'string' && !isZone(value))
      throw wrong(`/${name}`, 'There is no such time zone.')
  return {
    given: read.given,
    validFrom: timeOf(valid_from, '/valid_from'),
    validTo: timeOf(valid_to, '/valid_to'),
  }
}

/** A version as it is shown: every field of its kind, null where it has no value. */
export function viewOf(kind: EntityKind, id: string, version: Version & { readonly body: Body }): EntityView {
  const { body } = version
  const shown = Object.entries(fieldsOf(kind)).map(([name, field]): [string, FieldValue | null] => {
    const value = body[name] ?? null
    return [name, field.kind === 'edge' && typeof value === 'number' ? formatTime(value) : value]
  })
  return {
    id,
    version: version.version,
    valid_from: formatTime(version.valid_from),
    valid_to: formatTimeOrNull(version.valid_to),
    known_at: formatTime(version.known_at),
    changed_by: version.by,
    ...Object.fromEntries(shown),
  }
}

/** A time of a parameter or a body; null where none is given. Throws a Problem (422) where it is none. */
export function timeOf(value: unknown, path: string): number | null {
  if (value === undefined || value === null) return null
  const atMs = typeof value === 'string' ? parseTime(value) : null
  if (atMs === null) throw wrong(path, 'This is no RFC 3339 time.')
  return atMs
}

function wrong(path: string, message: string): ReturnType<typeof invalidFields> {
  return invalidFields([{ path, code: 'invalid_value', message }])
}

/** Numbers of a body are texts until somebody knows what they are. */
function plainOf(value: unknown): unknown {
  if (value instanceof NumberText) return Number(value.text)
  if (Array.isArray(value)) return value.map(plainOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plainOf(one)]))
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
