import type { IncomingHttpHeaders } from 'node:http'
import { Refusal } from '../../../pipelines/json/refusal.ts'

const PREFIX = 'ce-'

/** Attributes that binary mode gives by other means: the content type and the body. */
const NOT_IN_HEADERS: ReadonlySet<string> = new Set(['data', 'datacontenttype'])

/** True where the headers state that the body is the data of a CloudEvent in binary mode. */
export function isBinaryCloudEvent(headers: IncomingHttpHeaders): boolean {
  return headers[`${PREFIX}specversion`] !== undefined
}

/**
 * The attributes of a CloudEvent in binary mode, one `ce-` header each, or why they cannot be read. `rawHeaders` has
 * names and values in turn, as received: Node would join a header that occurs twice into one value.
 */
export function attributesOfHeaders(rawHeaders: readonly string[]): Record<string, string> | Refusal {
  const attributes = new Map<string, string>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = (rawHeaders[at] as string).toLowerCase()
    if (!header.startsWith(PREFIX)) continue
    const name = header.slice(PREFIX.length)
    if (NOT_IN_HEADERS.has(name)) {
      return new Refusal(
        'unknown_field',
        `/${name}`,
        `Is no header of a CloudEvent in binary mode: ${header}.`,
      )
    }
    if (attributes.has(name)) {
      return new Refusal('duplicate_field', `/${name}`, `The header ${header} stands more than once.`)
    }
    const value = headerText(rawHeaders[at + 1] as string)
    if (value === null) {
      return new Refusal(
        'invalid_text',
        `/${name}`,
        `The header ${header} must be ASCII, anything else %-encoded UTF-8.`,
      )
    }
    attributes.set(name, value)
  }
  return Object.fromEntries(attributes)
}

const QUOTED = /^"(.*)"$/s
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/

/** A header's value as text (CloudEvents HTTP binding, 3.1.3.2): unquoted, then %-decoded once; null where it is no text. */
function headerText(value: string): string | null {
  if (!PRINTABLE_ASCII.test(value)) return null
  const [, quoted] = QUOTED.exec(value) ?? []
  const unquoted = quoted === undefined ? value : quoted.replaceAll(/\\(.)/g, '$1')
  try {
    return decodeURIComponent(unquoted)
  } catch {
    return null
  }
}
