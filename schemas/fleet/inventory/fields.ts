/**
 * The forms that a field of an entity can have. Reader, task, documents and tables of an import are made from them, so that
 * a field is described once. A field that is not given is null.
 */
export type EntityField = FieldForm & {
  /** It has a value in every version. */
  readonly isRequired?: true
  /** It never changes: another value is another entity. */
  readonly isFixed?: true
}

type FieldForm =
  /** 1 to `max` code points, none of them a control. */
  | { readonly kind: 'text'; readonly max: number }
  /** A finite number in `[min, max]`. */
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  /** A whole number in `[min, max]`. */
  | { readonly kind: 'whole'; readonly min: number; readonly max: number }
  | { readonly kind: 'flag' }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  /** A name of the IANA's table of time zones. */
  | { readonly kind: 'zone' }
  /** UTC milliseconds on an edge of 5 minutes. */
  | { readonly kind: 'edge' }
  /** The id of another entity of the same provider. */
  | { readonly kind: 'ref'; readonly to: EntityKind }
  | { readonly kind: 'refs'; readonly to: EntityKind; readonly most: number }
  | { readonly kind: 'texts'; readonly max: number; readonly most: number }
  /** Some of the thresholds by name, each a number from 0 on. */
  | { readonly kind: 'thresholds' }

/** Fields by name, in the order in which they are written. */
export interface EntityFields {
  readonly [name: string]: EntityField
}

/** What the inventory of a provider consists of. */
export const ENTITY_KINDS = [
  'provider',
  'location',
  'container',
  'slot',
  'node',
  'enrolment',
  'model',
  'worker',
  'identity',
  'assignment',
  'customer',
  'window',
  'ticket',
  'conflict',
] as const
export type EntityKind = (typeof ENTITY_KINDS)[number]

/** A value of any field. */
export type FieldValue = string | number | boolean | readonly string[] | Readonly<Record<string, number>>

/** The fields of a version that have a value. */
export type Body = Readonly<Record<string, FieldValue>>
