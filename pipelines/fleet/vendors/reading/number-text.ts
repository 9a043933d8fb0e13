/** A number as a machine writes it in a text: with a unit, in brackets, with the signs of some language, or not at all. */
export type NumberInText =
  | { readonly value: number; readonly unit: string; readonly isTrimmed: boolean }
  | 'not_finite'
  | 'unavailable'
  | 'none'

/** Longest text that is read as a number. */
export const NUMBER_TEXT_CHARACTERS_MAX = 64

const NOT_FINITE = /^[+-]?(?:nan|inf(?:inity)?)$/i
const UNAVAILABLE =
  /^(?:n\/?a|not (?:supported|available|found|active)|unknown(?: error)?|error|unavailable|-+)$/i
const BRACKETED = /^\[(.*)\]$|^\((.*)\)$/s
const NUMBER = /^([+-]?)(\d[\d.,'\s]*|[.,]\d+)(e[+-]?\d{1,3})?([^\d]*)$/i

/** Reads a number: its value, and the unit as it is written, without a space. `none` for any other text. */
export function readNumberText(text: string): NumberInText {
  const outer = text.trim()
  if (outer === '' || text.length > NUMBER_TEXT_CHARACTERS_MAX) return 'none'
  const [, square, round] = BRACKETED.exec(outer) ?? []
  const bare = (square ?? round ?? outer).trim()
  if (NOT_FINITE.test(bare)) return 'not_finite'
  if (UNAVAILABLE.test(bare) || (bare !== outer && !/\d/.test(bare))) return 'unavailable'
  const [, sign = '', digits, exponent = '', unit = ''] = NUMBER.exec(bare) ?? []
  if (digits === undefined) return 'none'
  const plain = plainDigits(digits.trimEnd())
  if (plain === null) return 'none'
  const value = Number(`${sign}${plain}${exponent}`)
  return Number.isFinite(value) ? { value, unit: unit.trim(), isTrimmed: outer !== text } : 'not_finite'
}

const SPACED_GROUPS = /^\d{1,3}(?:[\s']\d{3})+(?=[.,]|$)/
const COMMA_GROUPS = /^\d{1,3}(?:,\d{3})+$/
const DOT_GROUPS = /^\d{1,3}(?:\.\d{3})+$/

/**
 * Digits with a decimal point only. Where both signs occur, the last one is the decimal point; a lone comma before exactly
 * three digits groups them, any other lone sign is the decimal point; a sign that occurs twice groups. Null for anything
 * else.
 */
function plainDigits(digits: string): string | null {
  const [grouped] = SPACED_GROUPS.exec(digits) ?? ['']
  const text = grouped.replaceAll(/[\s']/g, '') + digits.slice(grouped.length)
  const last = Math.max(text.lastIndexOf(','), text.lastIndexOf('.'))
  if (last < 0) return /^\d+$/.test(text) ? text : null
  if (text.includes(',') && text.includes('.')) {
    const groups = text.slice(0, last)
    const isGrouped = text[last] === '.' ? COMMA_GROUPS.test(groups) : DOT_GROUPS.test(groups)
    return isGrouped ? withPoint(groups.replaceAll(/[.,]/g, ''), text.slice(last + 1)) : null
  }
  const isLone = text.indexOf(text[last] as string) === last
  // No group of digits begins a number with a zero.
  const isGroupingComma = COMMA_GROUPS.test(text) && !text.startsWith('0')
  if (isLone && !isGroupingComma) return withPoint(text.slice(0, last), text.slice(last + 1))
  return isGroupingComma || DOT_GROUPS.test(text) ? text.replaceAll(/[.,]/g, '') : null
}

function withPoint(whole: string, fraction: string): string | null {
  return /^\d*$/.test(whole) && /^\d*$/.test(fraction) ? `${whole}.${fraction}` : null
}
