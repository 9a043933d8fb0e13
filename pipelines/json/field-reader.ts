import { SOURCE_CODE_POINTS_MAX, isSource } from '../../schemas/identity.ts'
import { NODE_ID_PATTERN, TEXT_CODE_POINTS_MAX, isFreeText, parseEventId } from '../../schemas/ids.ts'
import type { EventId } from '../../schemas/ids.ts'
import { USAGE_BOUNDS } from '../../schemas/usage.ts'
import { Refusal } from './refusal.ts'
import type { RefusalCode } from '../../schemas/reasons.ts'
import {
  AMOUNT_DIGITS_MAX,
  DIGITS_EXACT_MAX,
  hasAmountDigits,
  NumberText,
  roundedDecimal,
  scaledDecimal,
  scaledDouble,
  wholeDecimal,
} from './number-text.ts'
import type { DecimalFault } from './number-text.ts'
import { parseRfc3339 } from './rfc3339.ts'

const ID = new RegExp(NODE_ID_PATTERN)
/** What JSON calls a number. */
const DECIMAL_TEXT = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
/** What a program writes for an id that it does not have: an event under it is lost among all the others of that program. */
const NO_NAME = /^(?:none|null|undefined|nan)$/i
const NO_ID: EventId = { bytes: Buffer.alloc(16), text: null, isHashed: false }

const FAULTS: Record<DecimalFault, string> = {
  out_of_range: 'Is out of range',
  too_precise: 'Has more decimals than can be kept, and is not rounded',
}

/**
 * Reads the members of one event. The first fault is kept in `refusal`; after it the reader returns a neutral value, so
 * that the reading code is one straight line and an accepted event costs no objects.
 */
export class FieldReader {
  refusal: Refusal | null = null
  /** Whether an amount that was read had to be rounded. */
  isRounded = false

  refuse(code: RefusalCode, path: string, detail: string): void {
    this.refusal ??= new Refusal(code, path, detail)
  }

  eventId(value: unknown): EventId {
    const text = this.#required(value, '/event_id')
    if (text === null) return NO_ID
    const id = parseEventId(text)
    if (id === null) this.#refuseText('/event_id')
    else if (id.isHashed) this.#refuseNoName(text, '/event_id')
    return id ?? NO_ID
  }

  /** Reads `model_id`. */
  freeText(value: unknown, path: string): string {
    const text = this.#required(value, path)
    if (text === null) return ''
    if (!isFreeText(text)) this.#refuseText(path)
    return text
  }

  /** The source of the text that is the event id; null where absent. */
  source(value: unknown): string | null {
    if (value === undefined || value === null) return null
    const text = this.#required(value, '/source')
    if (text !== null && !isSource(text)) this.#refuseText('/source', SOURCE_CODE_POINTS_MAX)
    return text
  }

  id(value: unknown, path: string): string {
    const text = this.#required(value, path)
    return text === null ? '' : (this.optionalId(text, path) ?? '')
  }

  optionalId(value: unknown, path: string): string | null {
    if (value === undefined || value === null) return null
    if (typeof value === 'string' && ID.test(value)) {
      this.#refuseNoName(value, path)
      return value
    }
    if (typeof value === 'string') {
      this.refuse('invalid_id', path, 'Must be 1 to 64 of the characters A-Z a-z 0-9 . _ : -')
    } else this.refuse('wrong_type', path, 'Must be a string.')
    return null
  }

  oneOf<Value extends string>(value: unknown, path: string, values: readonly Value[]): Value {
    const first = values[0] as Value
    const text = this.#required(value, path)
    if (text === null) return first
    const index = values.indexOf(text as Value)
    if (index < 0) this.refuse('invalid_value', path, `Must be one of ${values.join(', ')}.`)
    return values[index] ?? first
  }

  /** A whole number in `[0, max]`, or `absent`. */
  integer<Absent extends number | null>(
    value: unknown,
    path: string,
    max: number,
    absent: Absent,
  ): number | Absent {
    if (value === undefined || value === null) return absent
    if (typeof value === 'number') {
      // + 0 turns -0 into 0.
      if (Number.isInteger(value) && value >= 0 && value <= max) return value + 0
      this.refuse('out_of_range', path, `Must be a whole number from 0 to ${max}.`)
    } else if (value instanceof NumberText) {
      const exact = scaledDecimal(value.text, 0, max)
      if (typeof exact === 'number') return exact
      this.refuse('out_of_range', path, `Must be a whole number from 0 to ${max}.`)
    } else this.refuse('wrong_type', path, 'Must be a JSON number.')
    return absent
  }

  /** A whole number in `[1, max]`; 1 where absent. */
  integerFrom1(value: unknown, path: string, max: number): number {
    const number = this.integer(value, path, max, 1)
    if (number === 0) this.refuse('out_of_range', path, `Must be a whole number from 1 to ${max}.`)
    return Math.max(number, 1)
  }

  /** US dollars, as a decimal string or a number, as nano-USD, never rounded; 0 where absent. */
  money(value: unknown, path: string): number {
    if (value === undefined || value === null) return 0
    return this.amount(value, path, USAGE_BOUNDS.costNanoUsdMax) ?? 0
  }

  /** The cost of an event: like `money`, but rounded. */
  cost(value: unknown, path: string): number {
    if (typeof value !== 'string') return this.rounded(value, path, 9, USAGE_BOUNDS.costNanoUsdMax) ?? 0
    if (DECIMAL_TEXT.test(value)) return this.cost(numberOf(value), path)
    this.#refuseNumberText(path)
    return 0
  }

  /** A JSON number, times 10^`decimals` and rounded half-even to a whole number in `[0, max]`; null where absent. */
  rounded(value: unknown, path: string, decimals: 0 | 6 | 9, max: number): number | null {
    if (value === undefined || value === null) return null
    if (typeof value === 'number') {
      const exact = scaledDouble(value, decimals, max)
      if (typeof exact === 'number') return exact
      // A double of at most 15 digits: its shortest text has the digits that were written.
      return this.#roundedText(String(value), path, decimals, max)
    }
    const isAmount = value instanceof NumberText && hasAmountDigits(value.text)
    return isAmount
      ? this.#roundedText(value.text, path, decimals, max)
      : this.scaled(value, path, decimals, max)
  }

  /** A decimal string or a number, times 10^9, in `[0, max]`: a setting, limit or reservation, which is never rounded. */
  amount(value: unknown, path: string, max: number): number | null {
    if (typeof value !== 'string') return this.scaled(value, path, 9, max)
    if (DECIMAL_TEXT.test(value)) return this.scaled(numberOf(value), path, 9, max)
    this.#refuseNumberText(path)
    return null
  }

  /** A JSON number with at most `decimals` decimals, times 10^`decimals`, in `[0, max]`. */
  scaled(value: unknown, path: string, decimals: 0 | 6 | 9, max: number): number | null {
    if (typeof value === 'number') return this.#exact(scaledDouble(value, decimals, max), path, decimals, max)
    if (value instanceof NumberText && !hasAmountDigits(value.text)) {
      this.refuse('invalid_number', path, `Has more than ${AMOUNT_DIGITS_MAX} digits.`)
      return null
    }
    if (value instanceof NumberText)
      return this.#exact(scaledDecimal(value.text, decimals, max), path, decimals, max)
    this.refuse(
      'wrong_type',
      path,
      decimals === 9 ? 'Must be a decimal string or a JSON number.' : 'Must be a JSON number.',
    )
    return null
  }

  /** Epoch milliseconds; digits below the millisecond are cut off. */
  time(value: unknown, path: string): number {
    if (value === undefined || value === null) {
      this.refuse('missing', path, 'Is required.')
    } else if (typeof value === 'string') {
      const atMs = parseRfc3339(value)
      if (atMs !== null) return atMs
      this.refuse(
        'invalid_time',
        path,
        'Must be an RFC 3339 time with an offset, such as 2026-01-31T23:59:59.999Z, or epoch milliseconds.',
      )
    } else if (typeof value === 'number') {
      return Math.trunc(value) + 0
    } else if (value instanceof NumberText) {
      return wholeDecimal(value.text)
    } else
      this.refuse('wrong_type', path, 'Must be an RFC 3339 string or epoch milliseconds as a JSON number.')
    return 0
  }

  #roundedText(text: string, path: string, decimals: 0 | 6 | 9, max: number): number | null {
    const amount = roundedDecimal(text, decimals, max)
    if (amount === 'out_of_range') {
      this.refuse(amount, path, `Is out of range: 0 to ${max / 10 ** decimals} are taken.`)
      return null
    }
    if (scaledDecimal(text, decimals, max) === 'too_precise') this.isRounded = true
    return amount
  }

  #required(value: unknown, path: string): string | null {
    if (typeof value === 'string') return value
    if (value === undefined || value === null) this.refuse('missing', path, 'Is required.')
    else this.refuse('wrong_type', path, 'Must be a string.')
    return null
  }

  #refuseNoName(text: string, path: string): void {
    if (NO_NAME.test(text)) {
      this.refuse('no_id', path, `Is "${text}": what a program writes for an id that it has not.`)
    }
  }

  #refuseNumberText(path: string): void {
    this.refuse(
      'invalid_number',
      path,
      'Must be a decimal such as "0.29" or "2.9e-1": no sign +, spaces or separators.',
    )
  }

  #refuseText(path: string, codePointsMax = TEXT_CODE_POINTS_MAX): void {
    this.refuse(
      'invalid_text',
      path,
      `Must be 1 to ${codePointsMax} code points, none of them a control, surrogate or unassigned one.`,
    )
  }

  #exact(value: number | DecimalFault, path: string, decimals: number, max: number): number | null {
    if (typeof value === 'number') return value
    this.refuse(
      value,
      path,
      `${FAULTS[value]}: 0 to ${max / 10 ** decimals} with at most ${decimals} decimals are taken.`,
    )
    return null
  }
}

/** A decimal text as JSON returns numbers: as a double where that is exactly what was written, else as its text. */
function numberOf(text: string): number | NumberText {
  const isPlain = text.length <= DIGITS_EXACT_MAX && !/[eE]/.test(text)
  return isPlain ? Number(text) : new NumberText(text)
}
