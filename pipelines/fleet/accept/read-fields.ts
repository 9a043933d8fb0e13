import { jsonNameOf } from '../../../schemas/fleet/fields.ts'
import type { Field, Fields, RecordOf } from '../../../schemas/fleet/fields.ts'
import { WARNINGS_MAX } from '../../../schemas/fleet/bounds.ts'
import { isFreeText, TEXT_CODE_POINTS_MAX } from '../../../schemas/ids.ts'
import type { RefusalCode } from '../../../schemas/reasons.ts'
import { isJsonObject } from '../../json/json-object.ts'
import { jsonPointer, Refusal } from '../../json/refusal.ts'
import { parseRfc3339 } from '../../json/rfc3339.ts'
import { isInRange, isKeptTime, isMac } from '../fits.ts'

/** A field as JSON names it. */
interface Named {
  readonly name: string
  readonly json: string
  readonly field: Field
}

/** The kind of the warning about a number that is out of its range. */
const OUT_OF_RANGE = 'out_of_range'

/** The fields of a table, with their names in JSON, worked out once for each table. */
const NAMED = new WeakMap<Fields, { readonly list: readonly Named[]; readonly names: ReadonlySet<string> }>()

function namedOf(fields: Fields): { readonly list: readonly Named[]; readonly names: ReadonlySet<string> } {
  const known = NAMED.get(fields)
  if (known !== undefined) return known
  const list = Object.entries(fields).map(([name, field]) => ({ name, json: jsonNameOf(name), field }))
  const named = { list, names: new Set(list.map(({ json }) => json)) }
  NAMED.set(fields, named)
  return named
}

/**
 * Reads the members of one item of JSON by the table of fields. A number that is out of its range becomes null, with a
 * warning, since the rest of the item is as good as before; anything else that is wrong refuses the item, and the first
 * fault is kept in `refusal`.
 */
export class ItemReader {
  refusal: Refusal | null = null
  readonly warnings: string[] = []

  refuse(code: RefusalCode, path: string, detail: string): null {
    this.refusal ??= new Refusal(code, path, detail)
    return null
  }

  /** Refuses an item with a member that is neither in the table nor in `others`. */
  refuseUnknown(fields: Fields, value: object, path: string, others: ReadonlySet<string>): void {
    const { names } = namedOf(fields)
    for (const name in value) {
      if (!names.has(name) && !others.has(name))
        this.refuse('unknown_field', `${path}${jsonPointer(name)}`, 'Is no field of this item.')
    }
  }

  /** The members of an object that the table names; null for each one that is absent. */
  read<const Of extends Fields>(
    fields: Of,
    value: Readonly<Record<string, unknown>>,
    path: string,
  ): RecordOf<Of> {
    const record: Record<string, unknown> = {}
    for (const { name, json, field } of namedOf(fields).list)
      record[name] = this.#value(field, value[json] ?? null, `${path}/${json}`)
    return record as RecordOf<Of>
  }

  /** UTC milliseconds, from RFC 3339 or a number of them; `value` is not null. */
  time(value: unknown, path: string): number | null {
    if (typeof value === 'string') {
      const atMs = parseRfc3339(value)
      if (atMs !== null) return this.#kept(atMs, path)
    } else if (typeof value === 'number') return this.#kept(Math.trunc(value), path)
    return this.refuse(
      'invalid_time',
      path,
      'Must be an RFC 3339 time with an offset, such as 2026-01-31T23:59:59.999Z, or epoch milliseconds.',
    )
  }

  /** One of these words; `value` is not null. */
  word<Word extends string>(value: unknown, words: readonly Word[], path: string): Word | null {
    const known = words.find((word) => word === value)
    return known ?? this.refuse('invalid_value', path, `Must be one of ${words.join(', ')}.`)
  }

  /** A text; `value` is not null. */
  text(value: unknown, path: string): string | null {
    if (typeof value !== 'string') return this.refuse('wrong_type', path, 'Must be a string.')
    if (isFreeText(value)) return value
    return this.refuse(
      'invalid_text',
      path,
      `Must be 1 to ${TEXT_CODE_POINTS_MAX} code points, none of them a control, surrogate or unassigned one.`,
    )
  }

  #value(field: Field, value: unknown, path: string): unknown {
    if (field.kind === 'group') return this.#group(field.fields, value, path)
    if (value === null) {
      const isNeeded = field.kind === 'place' || field.kind === 'code'
      return isNeeded ? this.refuse('missing', path, 'Is required.') : null
    }
    switch (field.kind) {
      case 'place':
        return typeof value === 'number' && isInRange(field, value)
          ? value
          : this.refuse('out_of_range', path, `Must be a whole number from 0 to ${field.max}.`)
      case 'number':
      case 'rate':
      case 'count':
        if (typeof value !== 'number') return this.refuse('wrong_type', path, 'Must be a JSON number.')
        // + 0 turns -0 into 0.
        return isInRange(field, value) ? value + 0 : this.#outOfRange(path)
      case 'flag':
        return typeof value === 'boolean' ? value : this.refuse('wrong_type', path, 'Must be true or false.')
      case 'time':
        return this.time(value, path)
      case 'text':
      case 'code':
        return this.text(value, path)
      case 'mac':
        return this.#mac(value, path)
      case 'word':
        return this.word(value, field.words, path)
      default:
        return this.#list(field, value, path)
    }
  }

  #group(fields: Fields, value: unknown, path: string): unknown {
    const members = value ?? {}
    if (isJsonObject(members)) return this.#object(fields, members, path)
    return this.refuse('wrong_type', path, 'Must be an object.')
  }

  #list(field: Extract<Field, { readonly kind: 'list' }>, value: unknown, path: string): unknown {
    if (!Array.isArray(value)) return this.refuse('wrong_type', path, 'Must be an array.')
    if (value.length > field.itemsMax)
      return this.refuse('too_large', path, `Has ${value.length} parts; at most ${field.itemsMax} are taken.`)
    return value.map((part: unknown, index) => {
      const at = `${path}/${index}`
      if (isJsonObject(part)) return this.#object(field.fields, part, at)
      return this.refuse('wrong_type', at, 'Must be an object.')
    })
  }

  #object(fields: Fields, value: Readonly<Record<string, unknown>>, path: string): unknown {
    this.refuseUnknown(fields, value, path, NO_OTHERS)
    return this.read(fields, value, path)
  }

  #mac(value: unknown, path: string): string | null {
    const mac = typeof value === 'string' ? value.toUpperCase().replaceAll('-', ':') : ''
    if (isMac(mac)) return mac
    return this.refuse('invalid_value', path, 'Must be a MAC address such as 02:00:00:00:04:17.')
  }

  #kept(atMs: number, path: string): number | null {
    return isKeptTime(atMs) ? atMs : this.#outOfRange(path)
  }

  #outOfRange(path: string): null {
    if (this.warnings.length < WARNINGS_MAX) this.warnings.push(`${OUT_OF_RANGE}: ${path}`)
    return null
  }
}

const NO_OTHERS: ReadonlySet<string> = new Set()
