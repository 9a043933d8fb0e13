import { Type } from 'typebox'
import type { TObject, TProperties, TSchema } from 'typebox'
import { NODE_ID_PATTERN } from '../ids.ts'
import { LABEL_NAME_PATTERN } from '../labels.ts'
import { TASK_SOURCES } from '../usage.ts'
import type { TaskSource } from '../usage.ts'

/** Fields that many answers share, each with its promise. */

const described = (description: string | undefined) => (description === undefined ? {} : { description })

/** For numbers that may exceed 2^31: where a document does not state it, generated clients read and write 32 bits. */
export const WIDE = { format: 'int64' } as const

export const timeField = (description?: string) =>
  Type.String({ format: 'date-time', ...described(description), examples: ['2026-02-20T14:30:00.000Z'] })

export const nullableTimeField = (description?: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time', ...described(description) })

export const nullableTextField = (description?: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...described(description) })

export const nullableNumberField = (description?: string) =>
  Type.Unsafe<number | null>({ type: ['number', 'null'], ...described(description) })

export const nullableIntegerField = (description?: string) =>
  Type.Unsafe<number | null>({ type: ['integer', 'null'], ...WIDE, ...described(description) })

/**
 * A sum, as a JSON integer of any length: it never passes through a double. Nearly all sums fit into 64 bits, which is the
 * most that a format can state.
 */
export const sumField = (description?: string) =>
  Type.Unsafe<bigint>({ type: 'integer', ...WIDE, ...described(description) })

/** At most 4 decimals, rounded half-even; the exact value is in a field beside it. */
export const roundedField = (description?: string) => Type.Number({ ...described(description) })

/** Money to the nano-USD, as decimal text. */
export const exactMoneyField = (description?: string) =>
  Type.String({ pattern: '^-?\\d+(\\.\\d{1,9})?$', ...described(description), examples: ['0.29'] })

/** One of these words. */
export const wordField = <Word extends string>(words: readonly Word[], options: object = {}) =>
  Type.Unsafe<Word>({ type: 'string', enum: [...words], ...options })

export const nullableWordField = <Word extends string>(words: readonly Word[], description?: string) =>
  Type.Unsafe<Word | null>({ type: ['string', 'null'], enum: [...words, null], ...described(description) })

export const taskSourceField = () => wordField<TaskSource>(TASK_SOURCES)

export const nodeIdParameter = Type.String({
  pattern: NODE_ID_PATTERN,
  description: "The node: 1 to 64 of A-Z a-z 0-9 . _ : -. Without it: the credential's only node.",
})

export const asOfField = nullableTimeField(
  'Watermark of what was read: usage received 5 minutes before the newest. Null while nothing was read.',
)

/** Most items of a page, and the number of items without the parameter. */
export const LIMIT_MAX = 500
export const LIMIT_DEFAULT = 50

/** Longest cursor that is read. */
export const CURSOR_CHARACTERS_MAX = 1_000

/** Parameters of every list. */
export const pageParameters = {
  cursor: Type.Optional(
    Type.String({
      maxLength: CURSOR_CHARACTERS_MAX,
      description: '`next_cursor` of the page before, with the same parameters.',
    }),
  ),
  limit: Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT }),
}

/** Longest text of a time. */
export const TIME_CHARACTERS_MAX = 40

const TIME_IN = 'RFC 3339 with any offset, or epoch milliseconds.'

/** A half-open range of times. */
export const rangeParameters = {
  from: Type.Optional(Type.String({ maxLength: TIME_CHARACTERS_MAX, description: `Inclusive. ${TIME_IN}` })),
  to: Type.Optional(Type.String({ maxLength: TIME_CHARACTERS_MAX, description: `Exclusive. ${TIME_IN}` })),
}

/** `label.` followed by the name of a label. */
export const LABEL_PARAMETER_PATTERN = LABEL_NAME_PATTERN.replace('^', '^label\\.')

/** Longest text of a label's value, in characters: each of its code points may take two. */
const LABEL_CHARACTERS_MAX = 128

/** Parameters of a route. Unknown ones are refused: a misspelt one must not be ignored. */
export const parameters = <Properties extends TProperties>(properties: Properties): TObject<Properties> =>
  Type.Object(properties, { additionalProperties: false })

/** The same, plus `label.NAME` for any label. */
export const labelledParameters = <Properties extends TProperties>(
  properties: Properties,
): TObject<Properties> =>
  Type.Object(properties, {
    additionalProperties: false,
    patternProperties: { [LABEL_PARAMETER_PATTERN]: { type: 'string', maxLength: LABEL_CHARACTERS_MAX } },
  })

/** One page of a list, with the fields beside its items. */
export const page = <Item extends TSchema, Beside extends TProperties>(item: Item, beside: Beside) =>
  Type.Object({
    items: Type.Array(item),
    next_cursor: nullableTextField('Null on the last page.'),
    ...beside,
  })

const headText = (description: string) => ({ type: 'string', description })

/** Headers of a table that is sent as a file. */
export const TABLE_HEADERS = {
  'content-disposition': headText('CSV and Parquet: a name that says of what and as of when it is.'),
  'hivemeter-from': headText('CSV and Parquet: the range, widened as in JSON; inclusive.'),
  'hivemeter-to': headText('CSV and Parquet: exclusive.'),
  'hivemeter-tz': headText('CSV and Parquet: the time zone of the windows.'),
  'hivemeter-as-of': headText('CSV and Parquet: `as_of` of JSON.'),
}

/** Headers of a page that is sent as a file. */
export const PAGE_HEADERS = {
  ...TABLE_HEADERS,
  link: headText('CSV and Parquet: the address of the next page, rel="next".'),
}
