import { identityOf, bitsBefore } from '../../schemas/identity.ts'
import type { Identity } from '../../schemas/identity.ts'
import { parseEventId } from '../../schemas/ids.ts'

/**
 * The identities under which an event that was sent with this id and source may have counted: its own and, for a text,
 * the one under which earlier versions knew it. Empty where the text cannot be an id.
 */
export function identitiesOf(eventId: string, source: string | null): readonly Identity[] {
  const read = parseEventId(eventId)
  if (read === null) return []
  const own = identityOf({ event_id: read.bytes, event_text: eventId, event_source: source })
  return own.kind === 'id' ? [own] : [own, { kind: 'id', bytes: bitsBefore(eventId) }]
}
