import type { CostRow } from '../../../pipelines/clickhouse/queries/costs.ts'
import type { SettlementRow } from '../../../pipelines/clickhouse/queries/settlements.ts'
import type { EventRow } from '../../../pipelines/clickhouse/queries/usage-events.ts'
import type { EventDecision, EventItem } from '../../../schemas/http/usage.ts'
import { formatTime } from '../../http/times.ts'
import { settlementStatusOf } from './settlement-status.ts'
import { hoursNumber, kwhNumber, usdNumber, usdText } from '../amounts.ts'

/** A cost with its decision, and the settlement that paid it. */
export interface PaidCost {
  readonly cost: CostRow
  readonly settlement: SettlementRow | null
}

/** An event as the list shows it; `paid` is null where its cost has no row (own, zero, or not loaded yet). */
export function eventItem(nodeId: string, row: EventRow, paid: PaidCost | null): EventItem {
  const costNanoUsd = BigInt(row.cost_nano_usd)
  const gpuMs = BigInt(row.wide_gpu_ms ?? row.gpu_ms_estimated)
  const energyMwh = BigInt(row.energy_mwh ?? row.energy_mwh_estimated)
  const decision = decisionOf(row, costNanoUsd, paid)
  const settlement = paid?.settlement ?? null
  return {
    event_id: row.event_text === '' ? row.event_id : row.event_text,
    node_id: nodeId,
    operator_id: textOrNull(row.operator_id),
    model_id: row.model_id,
    task_source: row.task_source,
    occurred_at: formatTime(Number(row.occurred_ms)),
    received_at: formatTime(Number(row.received_ms)),
    tokens_in: Number(row.wide_tokens_in),
    tokens_out: Number(row.wide_tokens_out),
    tokens_cached: numberOrNull(row.tokens_cached),
    tokens_reasoning: numberOrNull(row.tokens_reasoning),
    inferences: row.inferences,
    gpus: row.gpus,
    execution: row.execution === 'none' ? null : row.execution,
    labels: row.labels,
    duration_ms: row.duration_ms,
    gpu_hours: hoursNumber(gpuMs),
    gpu_ms: gpuMs,
    gpu_estimated: row.wide_gpu_ms === null,
    energy_kwh: kwhNumber(energyMwh),
    energy_mwh: energyMwh,
    energy_source: row.energy_source === 'none' ? 'estimate' : row.energy_source,
    usd: usdNumber(costNanoUsd),
    usd_exact: usdText(costNanoUsd),
    actual_usd_cost: usdText(costNanoUsd),
    goal_id: textOrNull(row.goal_id),
    requester_node_id: textOrNull(row.requester_node_id),
    reservation_id: textOrNull(row.reservation_id),
    late: row.late === 1,
    decision,
    settlement_status: settlementStatusOf(decision, settlement !== null),
    cost_seq: paid === null ? null : Number(paid.cost.cost_seq),
    spark: paid === null ? null : Number(paid.cost.spark),
    settlement_id: settlement?.settlement_id ?? null,
    settled_at: settlement === null ? null : formatTime(Number(settlement.settled_ms)),
  }
}

/**
 * The node's own work and free work are never paid and get no row. Otherwise an event without a row still waits for its
 * decision.
 */
function decisionOf(row: EventRow, costNanoUsd: bigint, paid: PaidCost | null): EventDecision | null {
  if (row.task_source === 'own') return 'own'
  if (costNanoUsd === 0n) return 'zero'
  return paid?.cost.decision ?? null
}

function textOrNull(text: string): string | null {
  return text === '' ? null : text
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text)
}
