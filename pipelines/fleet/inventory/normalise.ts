/**
 * Values that identify a machine, in the form in which they are compared. Two texts that mean the same value must give the
 * same form; a text that identifies nothing gives null.
 */

/** What firmwares write where they know no value. */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  'NA',
  'NONE',
  'NULL',
  'NIL',
  'UNKNOWN',
  'UNDEFINED',
  'DEFAULT',
  'NOTSET',
  'NOTAVAILABLE',
  'NOSERIAL',
  'SERIAL',
  'SERIALNUMBER',
  'SN',
  'MAC',
  'TEST',
  'INVALID',
  'TOBEFILLEDBYOEM',
])

const SEPARATORS = /[\s.:_/\\|#-]+/g
const ONE_CHARACTER_REPEATED = /^(.)\1*$/su
const HEX_12 = /^[0-9A-F]{12}$/
/** One pair of digits, six times. */
const ONE_PAIR_REPEATED = /^([0-9A-F]{2})\1{5}$/
/** The bit of the first byte that marks a group of machines: no single one has such an address. */
const MULTICAST = 1

/** A serial number: capitals without separators. Null for a placeholder, or for one character repeated. */
export function serialForm(text: string | null): string | null {
  const form = (text ?? '').normalize('NFKC').toUpperCase().replaceAll(SEPARATORS, '')
  return form === '' || PLACEHOLDERS.has(form) || ONE_CHARACTER_REPEATED.test(form) ? null : form
}

/**
 * A MAC: twelve hexadecimal capitals. Null for anything else, for one byte repeated (zeros and ones, which stand for none)
 * and for the addresses of groups.
 */
export function macForm(text: string | null): string | null {
  const form = (text ?? '').toUpperCase().replaceAll(SEPARATORS, '')
  if (!HEX_12.test(form) || ONE_PAIR_REPEATED.test(form)) return null
  return (Number.parseInt(form.slice(0, 2), 16) & MULTICAST) === 0 ? form : null
}

/** An address that an operator pins a machine to: as the node writes it, in small letters. */
export function addressForm(text: string | null): string | null {
  const form = (text ?? '').trim().toLowerCase()
  return form === '' ? null : form
}

/** The form of an identity's value by its kind; null for one that identifies nothing, or of a kind that never does. */
export function identityForm(kind: string, value: string): string | null {
  if (kind === 'serial') return serialForm(value)
  if (kind === 'mac') return macForm(value)
  return kind === 'pin' ? addressForm(value) : null
}
