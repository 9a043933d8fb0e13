/** The ways in which events come (http-api, "Gateway"). */
export type EventMode = 'plain' | 'cloudevent' | 'cloudevent_batch' | 'cloudevent_binary'

export const MEDIA_TYPES = [
  'application/json',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
] as const

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i

/** How the body is to be read, or null where its content type is not taken. JSON is UTF-8 (RFC 8259). */
export function eventMode(contentType: string | undefined, isBinary: boolean): EventMode | null {
  const [mediaType = ''] = (contentType ?? '').split(';', 1)
  const charset = CHARSET.exec(contentType ?? '')?.[1]?.toLowerCase()
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') return null
  switch (mediaType.trim().toLowerCase()) {
    case 'application/json':
      return isBinary ? 'cloudevent_binary' : 'plain'
    case 'application/cloudevents+json':
      return 'cloudevent'
    case 'application/cloudevents-batch+json':
      return 'cloudevent_batch'
    default:
      return null
  }
}
