import { isIP } from 'node:net'
import { TEXT_CODE_POINTS_MAX } from '../../../../schemas/ids.ts'
import { withoutLogins } from './secrets.ts'

/**
 * A text of an answer for people: controls are blanks, logins are cut out of URLs, it is cut at the bound of texts. Null
 * where nothing remains.
 */
export function shownText(raw: unknown): string | null {
  if (typeof raw === 'number') return String(raw)
  if (typeof raw !== 'string') return null
  const text = withoutLogins(raw)
    .replaceAll(/[\p{Cc}\p{Cs}\p{Cn}]+/gu, ' ')
    .trim()
  return text === '' ? null : Array.from(text).slice(0, TEXT_CODE_POINTS_MAX).join('')
}

const PLACEHOLDER = /^(?:n\/?a|none|null|unknown|undefined|default|not set|to be filled.*|[0\s:.-]+|[f:-]+)$/i

/** A text that names one machine or one part: a serial number. Null for what makers fill in where there is none. */
export function identityText(raw: unknown): string | null {
  const text = shownText(raw)
  return text === null || PLACEHOLDER.test(text) ? null : text
}

/** `02:00:00:00:04:17` of a MAC in any form; null for all zeros, all ones and anything else. */
export function macText(raw: unknown): string | null {
  if (typeof raw !== 'string' || !/^[\da-f]{2}(?:[:.-]?[\da-f]{2}){5}$/i.test(raw.trim())) return null
  const digits = raw.replaceAll(/[^\da-f]/gi, '').toUpperCase()
  return /^(?:0+|F+)$/.test(digits) ? null : (digits.match(/../g) ?? []).join(':')
}

/** An IPv4 or IPv6 address; null for the unspecified one and anything else. */
export function ipText(raw: unknown): string | null {
  if (typeof raw !== 'string') return null
  const address = raw.trim()
  return isIP(address) === 0 || /^[0:.]+$/.test(address) ? null : address
}

const TRUE: ReadonlySet<unknown> = new Set([true, 1, 'true', '1', 'on', 'yes', 'y', 'enable', 'enabled'])
const FALSE: ReadonlySet<unknown> = new Set([false, 0, 'false', '0', 'off', 'no', 'n', 'disable', 'disabled'])

/** True or false in any of the forms in which machines say it; null for anything else. */
export function flagOf(raw: unknown): boolean | null {
  const value = typeof raw === 'string' ? raw.trim().toLowerCase() : raw
  if (TRUE.has(value)) return true
  return FALSE.has(value) ? false : null
}
