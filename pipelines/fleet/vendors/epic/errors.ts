import type { ErrorReading } from '../../reading.ts'
import type { Place } from '../reading/place.ts'

/**
 * The last error, a word, or an object with what the error is about under a word; none where it is null. Null where there is no
 * status.
 */
export function errorsOf(status: Place): ErrorReading[] | null {
  if (!status.isObject) return null
  const last = status.at('Last Error')
  const code = last.text() ?? last.entries()[0]?.[0] ?? ''
  return /^[A-Za-z]\w{0,63}$/.test(code) ? [{ vendor_code: code }] : []
}
