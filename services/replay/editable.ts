import { eventsAsSent } from '../../pipelines/usage/event-as-sent.ts'
import type { EventAsSent } from '../../pipelines/usage/event-as-sent.ts'
import { formatTime } from '../http/times.ts'
import type { Letter } from './letters.ts'

/** One line of an exported file: one refused event, or a whole record that does not decode. */
export interface EditableLine {
  /** Id of the dead letter; leave it unchanged. */
  readonly letter: string
  readonly received_at: string
  readonly index: number
  readonly reason: string
  readonly detail: string
  /** Edit this. Null where the bytes are not usage events: write one here, or mend the bytes. */
  readonly event: EventAsSent | null
  /** The record's bytes, where they are not usage events. */
  readonly value_base64?: string
}

/** The letter's lines, one for each problem. */
export function editableLines(letter: Letter): EditableLine[] {
  const events = eventsAsSent(letter.value)
  return letter.problems.map(({ index, reason, detail }) => {
    const event = events?.[index]
    const line = {
      letter: letter.id,
      received_at: formatTime(letter.receiptMs),
      index,
      reason,
      detail,
      event: event ?? null,
    }
    return event === undefined ? { ...line, value_base64: letter.value?.toString('base64') ?? '' } : line
  })
}
