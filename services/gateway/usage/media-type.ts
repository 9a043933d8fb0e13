/** The forms in which events come (http-api, "Gateway"). */
export type EventMode =
  | 'plain'
  | 'lines'
  | 'sequence'
  | 'cloudevent'
  | 'cloudevent_batch'
  | 'cloudevent_binary'

/** The types that are taken; in addition every other `+json` type is read as application/json. */
export const MEDIA_TYPES = [
  'application/json',
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/json-seq',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
] as const

/** Types by their suffix (RFC 6839). */
export const JSON_SUFFIX = {
  pattern: /^application\/[a-z0-9.-]+\+json\s*(?:;|$)/i,
  name: 'application/*+json',
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i

/** How the body is to be read; null where its content type is not taken. JSON is UTF-8 (RFC 8259). */
export function eventMode(contentType: string | undefined, isBinary: boolean): EventMode | null {
  const [mediaType = ''] = (contentType ?? '').split(';', 1)
  const charset = CHARSET.exec(contentType ?? '')?.[1]?.toLowerCase()
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') return null
  switch (mediaType.trim().toLowerCase()) {
    case 'application/json':
      return isBinary ? 'cloudevent_binary' : 'plain'
    case 'application/x-ndjson':
    case 'application/ndjson':
    case 'application/jsonl':
      return isBinary ? null : 'lines'
    case 'application/json-seq':
      return isBinary ? null : 'sequence'
    case 'application/cloudevents+json':
      return 'cloudevent'
    case 'application/cloudevents-batch+json':
      return 'cloudevent_batch'
    default:
      if (!JSON_SUFFIX.pattern.test(mediaType)) return null
      return isBinary ? 'cloudevent_binary' : 'plain'
  }
}
