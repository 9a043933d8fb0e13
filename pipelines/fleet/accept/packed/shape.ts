import { COUNT_MAX } from '../../../../schemas/fleet/bounds.ts'
import type { Field, Fields } from '../../../../schemas/fleet/fields.ts'

/** What the walk does at a field; those from `number` on may be null, which is the first case of their union. */
export const STEP = {
  place: 0,
  code: 1,
  group: 2,
  number: 3,
  whole: 4,
  count: 5,
  flag: 6,
  text: 7,
  mac: 8,
  word: 9,
  list: 10,
} as const

/** A field of the table as the walk needs it: of one form for all kinds, so that the walk is one loop over numbers. */
export interface Step {
  readonly kind: (typeof STEP)[keyof typeof STEP]
  /** Of a number. */
  readonly min: number
  /** Of a number; the most parts of a list; the number of words. */
  readonly max: number
  /** Of a group, and of each part of a list. */
  readonly parts: readonly Step[]
}

/** The steps of the fields of a record, in the order of its schema. */
export function stepsOf(fields: Fields): Step[] {
  return Object.values(fields).map(stepOf)
}

const NO_PARTS: readonly Step[] = []

function stepOf(field: Field): Step {
  switch (field.kind) {
    case 'number':
      return { kind: STEP.number, min: field.min, max: field.max, parts: NO_PARTS }
    case 'rate':
      return { kind: STEP.whole, min: 0, max: field.max, parts: NO_PARTS }
    case 'place':
    case 'count':
      return { kind: STEP[field.kind], min: 0, max: field.max, parts: NO_PARTS }
    case 'time':
      return { kind: STEP.count, min: 0, max: COUNT_MAX, parts: NO_PARTS }
    case 'word':
      return { kind: STEP.word, min: 0, max: field.words.length, parts: NO_PARTS }
    case 'group':
      return { kind: STEP.group, min: 0, max: 0, parts: stepsOf(field.fields) }
    case 'list':
      return { kind: STEP.list, min: 0, max: field.itemsMax, parts: stepsOf(field.fields) }
    default:
      return { kind: STEP[field.kind], min: 0, max: 0, parts: NO_PARTS }
  }
}
