import type { NodeSum } from '../../schemas/records.ts'

/** The counters of a node's work in its account. */
export const NODE_SUM_COLUMNS = [
  'events',
  'inferences',
  'tokens_in',
  'tokens_out',
  'gpu_ms_measured',
  'gpu_ms_estimated',
  'energy_mwh_measured',
  'energy_mwh_estimated',
  'energy_mwh_compatible',
  'cost_nano_usd',
  'gpu_ms_paid_estimated',
  'set_aside',
] as const satisfies readonly (keyof NodeSum)[]
export type NodeTotals = Record<(typeof NODE_SUM_COLUMNS)[number], bigint>

function zeroTotals(): NodeTotals {
  return Object.fromEntries(NODE_SUM_COLUMNS.map((column) => [column, 0n])) as NodeTotals
}

/** Adds up per node what account.inbox hands over; every column except `events` counts hive and idle work only. */
export class NodeTotalSums {
  readonly nodes = new Map<string, NodeTotals>()

  addSetAside(nodeId: string): void {
    this.of(nodeId).set_aside += 1n
  }

  addSum(sum: NodeSum): void {
    const totals = this.of(sum.node_id)
    for (const column of NODE_SUM_COLUMNS) totals[column] += BigInt(sum[column])
  }

  /** Adds what a node had before. */
  add(nodeId: string, before: NodeTotals): void {
    const totals = this.of(nodeId)
    for (const column of NODE_SUM_COLUMNS) totals[column] += before[column]
  }

  /** The totals of a node; zeros where there are none yet. */
  of(nodeId: string): NodeTotals {
    const known = this.nodes.get(nodeId)
    if (known !== undefined) return known
    const totals = zeroTotals()
    this.nodes.set(nodeId, totals)
    return totals
  }
}
