import type { EventRow } from '../../../pipelines/clickhouse/queries/usage-events.ts'

/**
 * A row of `usage_events` as ClickHouse returns it; some rows have the fields that are rarely sent. Times begin at
 * `baseMs`.
 */
export function eventRow(at: number, baseMs: number): EventRow {
  return {
    event_id: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
    id_kind: at % 2 === 0 ? 'id' : 'text',
    event_text: at % 2 === 0 ? '' : `event "${at}"`,
    operator_id: at % 3 === 0 ? '' : 'op',
    model_id: 'llama',
    task_source: 'own',
    occurred_ms: String(baseMs + at * 1_001),
    received_ms: String(baseMs + at * 1_002),
    record_offset: String(at),
    record_index: 0,
    wide_tokens_in: String(at),
    wide_tokens_out: String(2 * at),
    duration_ms: at % 2 === 0 ? null : at,
    wide_gpu_ms: at % 3 === 0 ? null : String(at),
    gpu_ms_estimated: '7',
    energy_mwh: null,
    energy_source: 'none',
    energy_mwh_estimated: '11',
    cost_nano_usd: String(at * 1_000_000_007),
    goal_id: '',
    requester_node_id: 'other',
    reservation_id: '',
    late: at % 2,
    gpus: at % 2 === 0 ? 1 : 8,
    inferences: at % 5 === 0 ? 270 : 1,
    tokens_cached: at % 2 === 0 ? null : String(at),
    tokens_reasoning: at % 3 === 0 ? null : String(at),
    execution: (['none', 'api', 'local'] as const)[at % 3] ?? 'none',
    labels: at % 4 === 0 ? {} : { team: 'a, "b"', job: String(at) },
  }
}
