import { formatUuid } from '../../../schemas/ids.ts'
import type { Label } from '../../../schemas/usage.ts'
import type { Row } from '../differences.ts'
import type { CountedEvent } from './model.ts'

/** The name of a raw event for a person: its place in the log. */
export function eventKey(offset: bigint | string, index: number | string): string {
  return `record ${offset} event ${index}`
}

/** What the columns of 32 bits hold. */
const U32_MAX = 4_294_967_295

/** Labels as the rows are read: one text each, in order. */
function labelTexts(labels: readonly Label[]): string[] {
  return labels.map(({ name, value }) => `${name}=${value}`).toSorted()
}

/** The row of usage_events that a counted event must have. */
export function eventRow({
  event,
  identity,
  record,
  index,
  late,
  modelsVersion,
  ...measures
}: CountedEvent): Row {
  return {
    node_id: event.node_id,
    event_id: formatUuid(Buffer.from(identity.hex, 'hex')),
    id_kind: identity.kind,
    event_text: event.event_text ?? '',
    operator_id: event.operator_id ?? '',
    model_id: event.model_id,
    task_source: event.task_source,
    occurred_at: event.occurred_at,
    received_at: record.timestampMs,
    record_offset: record.offset,
    record_index: index,
    tokens_in: Math.min(event.tokens_in, U32_MAX),
    tokens_out: Math.min(event.tokens_out, U32_MAX),
    wide_tokens_in: event.tokens_in,
    wide_tokens_out: event.tokens_out,
    duration_ms: event.duration_ms,
    gpu_ms: event.gpu_ms === null ? null : Math.min(event.gpu_ms, U32_MAX),
    wide_gpu_ms: event.gpu_ms,
    gpu_ms_estimated: measures.gpu_ms_estimated,
    energy_mwh: event.energy_mwh,
    energy_source: event.energy_source,
    energy_mwh_estimated: measures.energy_mwh_estimated,
    energy_mwh_compatible: measures.energy_mwh_compatible,
    cost_nano_usd: event.cost_nano_usd,
    goal_id: event.goal_id ?? '',
    requester_node_id: event.requester_node_id ?? '',
    reservation_id: event.reservation_id ?? '',
    gpus: event.more?.gpus ?? 1,
    inferences: event.more?.inferences ?? 1,
    tokens_cached: event.more?.tokens_cached ?? null,
    tokens_reasoning: event.more?.tokens_reasoning ?? null,
    execution: event.more?.execution ?? 'none',
    labels: labelTexts(event.more?.labels ?? []),
    late: late ? 1 : 0,
    models_version: modelsVersion,
  }
}
