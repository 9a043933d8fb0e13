import { decisionsOf } from '../../../pipelines/clickhouse/queries/costs.ts'
import type { CostRow } from '../../../pipelines/clickhouse/queries/costs.ts'
import { settlementsOver } from '../../../pipelines/clickhouse/queries/settlements.ts'
import type { SettlementRow } from '../../../pipelines/clickhouse/queries/settlements.ts'
import type { EventRow } from '../../../pipelines/clickhouse/queries/usage-events.ts'
import type { ClickhouseClient } from '../../../pipelines/clickhouse/client.ts'
import type { EventItem } from '../../../schemas/http/usage.ts'
import { eventItem } from './event-item.ts'
import type { PaidCost } from './event-item.ts'

/** Events of a node as every list shows them: each with the decision on its cost. */
export async function eventItems(
  client: ClickhouseClient,
  nodeId: string,
  rows: readonly EventRow[],
): Promise<EventItem[]> {
  const paid = await paidCosts(client, nodeId, rows)
  const costs = new Map(paid.map((one) => [costKey(one.cost), one]))
  return rows.map((row) => eventItem(nodeId, row, costs.get(costKey(row)) ?? null))
}

/** The same id may count again after its first copy has left memory; the time distinguishes the two. */
function costKey(row: Pick<EventRow, 'event_id' | 'id_kind' | 'occurred_ms'>): string {
  return `${row.id_kind} ${row.event_id} ${row.occurred_ms}`
}

/** The decisions on the events' costs, and the settlements that paid them. */
async function paidCosts(
  client: ClickhouseClient,
  nodeId: string,
  events: readonly EventRow[],
): Promise<PaidCost[]> {
  const charged = events.filter((event) => event.task_source !== 'own' && event.cost_nano_usd !== '0')
  const costs = await decisionsOf(
    client,
    nodeId,
    charged.map((event) => event.event_id),
  )
  const payable = costs.filter(({ decision }) => decision === 'pending' || decision === 'written_off')
  if (payable.length === 0) return costs.map((cost) => ({ cost, settlement: null }))
  const seqs = payable.map((cost) => BigInt(cost.cost_seq)).sort((a, b) => (a < b ? -1 : Number(a > b)))
  const settlements = await settlementsOver(client, nodeId, seqs[0] as bigint, seqs.at(-1) as bigint)
  return costs.map((cost) => ({
    cost,
    settlement: payable.includes(cost) ? paidBy(cost, settlements) : null,
  }))
}

/** The settlement whose range (from_seq, to_seq] holds the cost. */
function paidBy(cost: CostRow, settlements: readonly SettlementRow[]): SettlementRow | null {
  const seq = BigInt(cost.cost_seq)
  return settlements.find(({ from_seq, to_seq }) => BigInt(from_seq) < seq && seq <= BigInt(to_seq)) ?? null
}
