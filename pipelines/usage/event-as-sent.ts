import { decodeWide } from '../../schemas/avro.ts'
import type { WideUsageEvent } from '../../schemas/avro.ts'
import { formatUuid } from '../../schemas/ids.ts'
import { NANO_DECIMALS, NANO_USD_PER_USD } from '../../schemas/units.ts'
import { decimalText } from '../decimal.ts'

/**
 * An event in the form of `POST /v1/events`, which a person reads and edits. A number that JSON readers cannot hold exactly
 * is a text of digits.
 */
export type EventAsSent = Readonly<Record<string, string | number | Readonly<Record<string, string>>>>

/** A field of the event as text; null where the event does not have it. */
export function saidText(event: EventAsSent, name: string): string | null {
  const said = event[name]
  if (said === undefined) return null
  return typeof said === 'object' ? JSON.stringify(said) : String(said)
}

/** The largest time that a Date can hold. */
const DATE_MS_MAX = 8_640_000_000_000_000n

/** The usage events of a record's value as a client would send them, or null where it holds none that can be read. */
export function eventsAsSent(value: Buffer | null): readonly EventAsSent[] | null {
  if (value === null) return null
  try {
    return decodeWide(value).map(eventAsSent)
  } catch {
    // avsc reports that these bytes hold none.
    return null
  }
}

/** Fields that the event does not have are left out. */
function eventAsSent(event: WideUsageEvent): EventAsSent {
  const { occurred_at } = event
  const hasDate = occurred_at < DATE_MS_MAX && -occurred_at < DATE_MS_MAX
  const { more } = event
  const said: Record<string, string | bigint | null> = {
    // Where there is a text, it identifies the event, whatever bytes came with it.
    event_id: event.event_text ?? formatUuid(event.event_id),
    source: event.event_source,
    node_id: event.node_id,
    operator_id: event.operator_id,
    model_id: event.model_id,
    task_source: event.task_source,
    occurred_at: hasDate ? new Date(Number(occurred_at)).toISOString() : occurred_at,
    tokens_in: event.tokens_in,
    tokens_out: event.tokens_out,
    duration_ms: event.duration_ms,
    gpu_ms: event.gpu_ms,
    energy_mwh: event.energy_mwh,
    energy_source: event.energy_source === 'none' ? null : event.energy_source,
    actual_usd_cost: decimalText(event.cost_nano_usd, NANO_USD_PER_USD, NANO_DECIMALS),
    goal_id: event.goal_id,
    requester_node_id: event.requester_node_id,
    reservation_id: event.reservation_id,
    gpus: more === null || more.gpus === 1n ? null : more.gpus,
    inferences: more === null || more.inferences === 1n ? null : more.inferences,
    tokens_cached: more?.tokens_cached ?? null,
    tokens_reasoning: more?.tokens_reasoning ?? null,
    execution: more?.execution ?? null,
  }
  const shown = Object.entries(said).flatMap(([name, value]) =>
    value === null ? [] : [[name, typeof value === 'bigint' ? exactly(value) : value] as const],
  )
  const labels = more?.labels ?? []
  if (labels.length === 0) return Object.fromEntries(shown)
  return {
    ...Object.fromEntries(shown),
    labels: Object.fromEntries(labels.map(({ name, value }) => [name, value])),
  }
}

function exactly(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}
