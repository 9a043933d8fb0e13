import { Type } from 'typebox'
import type { TProperties, TSchema, TUnsafe } from 'typebox'
import { THRESHOLD_MAX } from '../fleet/inventory/bounds.ts'
import { ENTITIES } from '../fleet/inventory/entities.ts'
import type { EntitySpec } from '../fleet/inventory/entities.ts'
import type { EntityField, EntityKind, FieldValue } from '../fleet/inventory/fields.ts'
import { THRESHOLDS } from '../fleet/inventory/thresholds.ts'
import { NODE_ID_PATTERN } from '../ids.ts'
import { nullableTimeField, pageParameters, timeField, WIDE } from './fields.ts'

/** The documents of the inventory's routes, made from the table of entities. */

const idField = (description?: string) =>
  Type.String({ pattern: NODE_ID_PATTERN, ...(description !== undefined && { description }) })

/** The provider whose inventory it is. */
export const ProviderQuery = Type.Object({ provider: idField('The hosting provider.') })
export const EntityQuery = Type.Object({ ...pageParameters, provider: idField('The hosting provider.') })
export const EndQuery = Type.Object({
  provider: idField('The hosting provider.'),
  valid_from: Type.Optional(
    Type.String({ maxLength: 64, description: 'When it ends; without it as soon as may be.' }),
  ),
})
export const EntityParams = Type.Object({ id: idField() })

/** When a change holds. */
const TIMES = {
  valid_from: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      format: 'date-time',
      description: 'From when on it holds: an edge of 5 minutes. Without it as soon as may be.',
    }),
  ),
  valid_to: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      format: 'date-time',
      description: 'Until when; of identities and assignments only.',
    }),
  ),
}

/** The document of one field, which may be null. */
function fieldSchema(field: EntityField): TSchema {
  const nullable = <Value>(type: string, more: object = {}) =>
    Type.Unsafe<Value | null>({ type: [type, 'null'], ...more })
  switch (field.kind) {
    case 'text':
      return nullable<string>('string', { minLength: 1, maxLength: field.max })
    case 'zone':
      return nullable<string>('string', { description: 'A name of the IANA, like `Europe/Berlin`.' })
    case 'number':
      return nullable<number>('number', { minimum: field.min, maximum: field.max })
    case 'whole':
      return nullable<number>('integer', { minimum: field.min, maximum: field.max, ...WIDE })
    case 'flag':
      return nullable<boolean>('boolean')
    case 'word':
      return Type.Unsafe<string | null>({ type: ['string', 'null'], enum: [...field.words, null] })
    case 'edge':
      return nullableTimeField('On an edge of 5 minutes.')
    case 'ref':
      return nullable<string>('string', { pattern: NODE_ID_PATTERN, description: `The id of a ${field.to}.` })
    case 'refs':
      return nullable<string[]>('array', { items: { type: 'string' }, maxItems: field.most })
    case 'texts':
      return nullable<string[]>('array', {
        items: { type: 'string', maxLength: field.max },
        maxItems: field.most,
      })
    default:
      // A map: what generators make of an object with members cannot be null.
      return nullable<Record<string, number>>('object', {
        propertyNames: { enum: [...THRESHOLDS] },
        additionalProperties: { type: 'number', minimum: 0, maximum: THRESHOLD_MAX },
      })
  }
}

function propertiesOf({ fields }: EntitySpec, isOptional: (field: EntityField) => boolean): TProperties {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const schema = fieldSchema(field)
      return [name, isOptional(field) ? Type.Optional(schema) : schema]
    }),
  )
}

const VERSION = {
  id: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  valid_from: timeField('From when on it holds.'),
  valid_to: nullableTimeField('Until when; null: for good.'),
  known_at: timeField('When the log took the change.'),
  changed_by: Type.String({ description: 'The credential that asked for it.' }),
}

/** The newest version of an entity. */
export interface EntityView {
  readonly id: string
  readonly version: number
  readonly valid_from: string
  readonly valid_to: string | null
  readonly known_at: string
  readonly changed_by: string
  readonly [field: string]: FieldValue | null
}

/** The documents of one kind of entity. */
export interface EntitySchemas {
  /** What is shown of one. */
  readonly view: TUnsafe<EntityView>
  readonly page: TSchema
  /** The body that makes one. */
  readonly create: TSchema
  /** The body that changes one: what is not given stays, null takes a value away. */
  readonly change: TSchema
}

function schemasOf(spec: EntitySpec): EntitySchemas {
  const view = Type.Unsafe<EntityView>(Type.Object({ ...VERSION, ...propertiesOf(spec, () => false) }))
  return {
    view,
    page: Type.Object({
      items: Type.Array(view),
      next_cursor: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    }),
    create: Type.Object({ ...propertiesOf(spec, ({ isRequired }) => isRequired !== true), ...TIMES }),
    change: Type.Object({ ...propertiesOf(spec, () => true), ...TIMES }, { minProperties: 1 }),
  }
}

/** The kinds that have routes. A provider, which is its own settings, is neither made nor ended. */
export const ROUTED = [
  'provider',
  'location',
  'container',
  'slot',
  'node',
  'model',
  'worker',
  'identity',
  'assignment',
  'customer',
  'window',
  'ticket',
] as const satisfies readonly EntityKind[]
export type RoutedKind = (typeof ROUTED)[number]

/** The documents of the kinds that have routes. */
export const ENTITY_SCHEMAS: ReadonlyMap<RoutedKind, EntitySchemas> = new Map(
  ROUTED.map((kind) => [kind, schemasOf(ENTITIES[kind])]),
)

/** All of them by the names that they have in the document: `Location`, `LocationPage` and so on. */
export const NAMED_SCHEMAS: Readonly<Record<string, TSchema>> = Object.fromEntries(
  [...ENTITY_SCHEMAS].flatMap(([kind, { view, page, create, change }]) => {
    const name = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}`
    return [
      [`Fleet${name}`, view],
      [`Fleet${name}Page`, page],
      [`Fleet${name}Create`, create],
      [`Fleet${name}Change`, change],
    ] as const
  }),
)

/** What a change has made. */
export const EntityChange = Type.Object({
  id: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  valid_from: timeField('From when on it holds.'),
})
