import type { LetterRow, SetAsideRow } from '../../../pipelines/clickhouse/queries/set-aside.ts'
import { eventsAsSent, saidText } from '../../../pipelines/usage/event-as-sent.ts'
import type { EventAsSent } from '../../../pipelines/usage/event-as-sent.ts'
import type { SetAsideItem } from '../../../schemas/http/set-aside.ts'
import type { EventItem } from '../../../schemas/http/usage.ts'
import { formatTime } from '../../http/times.ts'

/** Names a record in a URL; a topic has no colon. */
const letterId = (row: Pick<LetterRow, 'topic' | 'partition' | 'record_offset'>): string =>
  `${row.topic}:${row.partition}:${row.record_offset}`

/** An event of its node's own list; `counted` is the one that counts under its id. */
export function ownItem(row: SetAsideRow, counted: EventItem | null): SetAsideItem {
  return {
    id: letterId(row),
    index: row.record_index,
    node_id: row.node_id,
    event_id: row.event_id,
    reason: row.reason,
    detail: row.detail,
    received_at: formatTime(Number(row.received_ms)),
    set_aside_at: formatTime(Number(row.set_aside_ms)),
    event: JSON.parse(row.event) as EventAsSent,
    counted,
    record_base64: null,
  }
}

/** A reason of a record, as admins see it: the event where the bytes hold one, and the bytes. */
export function letterItem(row: LetterRow): SetAsideItem {
  const { record_index: index } = row
  const events = index < 0 || row.value === null ? null : eventsAsSent(Buffer.from(row.value, 'base64'))
  const event = events?.[index] ?? null
  return {
    id: letterId(row),
    index: index < 0 ? null : index,
    node_id: event === null ? null : saidText(event, 'node_id'),
    event_id: event === null ? null : saidText(event, 'event_id'),
    reason: row.reason,
    detail: row.detail,
    received_at: formatTime(Number(row.received_ms)),
    set_aside_at: formatTime(Number(row.set_aside_ms)),
    event,
    counted: null,
    record_base64: row.value,
  }
}
