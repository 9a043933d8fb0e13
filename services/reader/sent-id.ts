import { identityOf, bitsBefore } from '../../schemas/identity.ts'
import type { Identity } from '../../schemas/identity.ts'
import { parseEventId } from '../../schemas/ids.ts'

/**
 * Under which identities an event may have counted that was sent with this id and source: its own, and for a text the one
 * that versions before knew it by. Empty where it is no id.
 */
export function identitiesOf(eventId: string, source: string | null): readonly Identity[] {
  const read = parseEventId(eventId)
  if (read === null) return []
  const own = identityOf({ event_id: read.bytes, event_text: eventId, event_source: source })
  return own.kind === 'id' ? [own] : [own, { kind: 'id', bytes: bitsBefore(eventId) }]
}
