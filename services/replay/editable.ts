import { usageEventsCodec } from '../../schemas/avro.ts'
import { formatUuid } from '../../schemas/ids.ts'
import type { UsageEvent } from '../../schemas/usage.ts'
import { decimalText } from '../../pipelines/decimal.ts'
import { UsageColumns } from '../../pipelines/usage/decode.ts'
import { formatTime } from '../http/times.ts'
import type { Letter } from './letters.ts'

/** An event in the form of `POST /v1/events`: what a person edits. */
export type EditableEvent = Readonly<Record<string, string | number>>

/** One line of an exported file: one refused event, or a whole record that does not decode. */
export interface EditableLine {
  /** Id of the dead letter; stays as it is. */
  readonly letter: string
  readonly received_at: string
  readonly index: number
  readonly reason: string
  readonly detail: string
  /** Edit this. Null where the bytes are no usage events: write one here, or mend the bytes. */
  readonly event: EditableEvent | null
  /** The record's bytes, where they are no usage events. */
  readonly value_base64?: string
}

const NANO_USD_PER_USD = 1_000_000_000n
const NANO_DECIMALS = 9

/** The usage events of a record's value, or null where it holds none that can be read. */
export function eventsOf(value: Buffer | null): readonly UsageEvent[] | null {
  if (value === null) return null
  try {
    // Checks the bounds that avsc does not.
    new UsageColumns().decode(value)
    return usageEventsCodec.decode(value).events
  } catch {
    // Either decoder's word that these bytes are none.
    return null
  }
}

/** The letter's lines, one a problem. */
export function editableLines(letter: Letter): EditableLine[] {
  const events = eventsOf(letter.value)
  return letter.problems.map(({ index, reason, detail }) => {
    const event = events?.[index]
    const line = {
      letter: letter.id,
      received_at: formatTime(letter.receiptMs),
      index,
      reason,
      detail,
      event: event === undefined ? null : editable(event),
    }
    return event === undefined ? { ...line, value_base64: letter.value?.toString('base64') ?? '' } : line
  })
}

/** The event as a client would send it; what it did not say is left out. */
export function editable(event: UsageEvent): EditableEvent {
  const said: Record<string, string | number | null> = {
    // Where there is a text, it is who the event is, whatever bytes came beside it.
    event_id: event.event_text ?? formatUuid(event.event_id),
    source: event.event_source,
    node_id: event.node_id,
    operator_id: event.operator_id,
    model_id: event.model_id,
    task_source: event.task_source,
    occurred_at:
      Math.abs(event.occurred_at) < DATE_MS_MAX ? formatTime(event.occurred_at) : event.occurred_at,
    tokens_in: event.tokens_in,
    tokens_out: event.tokens_out,
    duration_ms: event.duration_ms,
    gpu_ms: event.gpu_ms,
    energy_mwh: event.energy_mwh,
    energy_source: event.energy_source === 'none' ? null : event.energy_source,
    actual_usd_cost: decimalText(BigInt(event.cost_nano_usd), NANO_USD_PER_USD, NANO_DECIMALS),
    goal_id: event.goal_id,
    requester_node_id: event.requester_node_id,
    reservation_id: event.reservation_id,
  }
  return Object.fromEntries(
    Object.entries(said).filter((entry): entry is [string, string | number] => entry[1] !== null),
  )
}

/** The largest time that a Date can hold. */
const DATE_MS_MAX = 8.64e15
