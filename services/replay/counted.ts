import type { ClickhouseClient } from '../../pipelines/clickhouse/client.ts'
import { bitsBefore, identityOf } from '../../schemas/identity.ts'
import type { IdKind } from '../../schemas/identity.ts'
import { formatUuid } from '../../schemas/ids.ts'
import type { UsageEvent } from '../../schemas/usage.ts'

/** How an event is named across tables. */
export interface EventName {
  readonly nodeId: string
  readonly kind: IdKind
  readonly eventId: string
  /** A text, and the id under which versions before rules 3 counted it; null where the event has an id. */
  readonly before: { readonly text: string; readonly eventId: string } | null
}

export function eventNameOf(event: UsageEvent): EventName {
  const { kind, bytes } = identityOf(event)
  const text = kind === 'text' ? event.event_text : null
  const before = text === null ? null : { text, eventId: formatUuid(bitsBefore(text)) }
  return { nodeId: event.node_id, kind, eventId: formatUuid(bytes), before }
}

/** Event ids in one query. */
const IDS_PER_QUERY = 1_000

/** Which of these events are counted already, including texts as versions before rules 3 counted them. */
export async function countedEvents(
  client: ClickhouseClient,
  events: readonly EventName[],
): Promise<ReadonlySet<EventName>> {
  const counted = new Set<EventName>()
  for (let from = 0; from < events.length; from += IDS_PER_QUERY) {
    const batch = events.slice(from, from + IDS_PER_QUERY)
    const rows = await client.rows<{ node_id: string; kind: IdKind; id: string; event_text: string }>(
      `SELECT node_id, id_kind AS kind, toString(event_id) AS id, event_text FROM usage_events
       WHERE event_id IN {eventIds:Array(UUID)}`,
      { eventIds: batch.flatMap(({ eventId, before }) => [eventId, before?.eventId ?? eventId]) },
    )
    const found = new Set(rows.map(({ node_id, kind, id }) => [node_id, kind, id].join(' ')))
    // An id with the bits of a text's hash is another event, unless it came as that text.
    const texts = rows.filter(({ kind }) => kind === 'id')
    const foundBefore = new Set(
      texts.map(({ node_id, id, event_text }) => [node_id, id, event_text].join(' ')),
    )
    for (const event of batch) {
      const { nodeId, kind, eventId, before } = event
      const isBefore = before !== null && foundBefore.has([nodeId, before.eventId, before.text].join(' '))
      if (isBefore || found.has([nodeId, kind, eventId].join(' '))) counted.add(event)
    }
  }
  return counted
}
