import type { DecidedCost, NodeCosts } from './decisions.ts'
import type { Problems } from '../problems.ts'

/** A row of settlements: it pays the payable costs of `(fromSeq, toSeq]` of one node. */
export interface SettlementRow {
  readonly nodeId: string
  readonly id: string
  readonly operatorId: string
  readonly fromSeq: number
  readonly toSeq: number
  readonly costs: number
  readonly costNanoUsd: bigint
  readonly spark: bigint
  readonly microSpark: bigint
  /** Log time. */
  readonly settledAtMs: number
  readonly reason: string
}

/** The sums of the settlements of one node. */
export interface NodeSettlements {
  operatorId: string
  through: number
  settlements: number
  costs: number
  costNanoUsd: bigint
  microSpark: bigint
}

/** A settlement, and the receipt of the event whose cost caused it; null where that cannot be determined. */
export interface Settled extends SettlementRow {
  readonly triggeredAtMs: number | null
}

const MICRO_SPARK_PER_SPARK = 1_000_000n
const REASONS = new Set(['threshold', 'claimed', 'requested', 'transferred'])

/** Compares settlements with the decisions. Rows come by node, then toSeq, then fromSeq. */
export class Settlements {
  readonly nodes = new Map<string, NodeSettlements>()
  readonly byId = new Map<string, Settled>()
  rows = 0
  readonly #costs: ReadonlyMap<string, NodeCosts>
  readonly #problems: Problems

  constructor(costs: ReadonlyMap<string, NodeCosts>, problems: Problems) {
    this.#costs = costs
    this.#problems = problems
  }

  add(row: SettlementRow): void {
    this.rows += 1
    const what = `settlement ${row.id} of ${row.nodeId} (${row.fromSeq}, ${row.toSeq}]`
    if (this.byId.has(row.id)) this.#problems.add('settlement', `${what}: its id is taken`)
    const node = this.#costs.get(row.nodeId)
    const { operatorId } = row
    if (operatorId === '') this.#problems.add('settlement', `${what} names no operator`)
    else if (node?.operatorId != null) {
      this.#problems.compare('settlement', `${what}: operator_id`, node.operatorId, operatorId)
    }
    const paid = node === undefined ? [] : costsOf(node.payable, row.fromSeq, row.toSeq)
    const sumOf = (value: (cost: DecidedCost) => bigint): bigint =>
      paid.reduce((sum, cost) => sum + value(cost), 0n)
    this.#problems.compare('settlement', `${what}: costs`, paid.length, row.costs)
    const costNanoUsd = sumOf((cost) => cost.costNanoUsd)
    this.#problems.compare('settlement', `${what}: cost_nano_usd`, costNanoUsd, row.costNanoUsd)
    const microSpark = sumOf((cost) => cost.microSpark)
    this.#problems.compare('settlement', `${what}: micro_spark`, microSpark, row.microSpark)
    const spark = row.microSpark / MICRO_SPARK_PER_SPARK
    this.#problems.compare('settlement', `${what}: spark`, spark, row.spark)
    if (!REASONS.has(row.reason)) this.#problems.add('settlement', `${what} happened for "${row.reason}"`)
    this.#tile(what, row, node?.lastSeq ?? 0)
    const last = paid.at(-1)
    // Claimed costs waited for an operator to be named, and a requested settlement came later than its costs; so may one
    // that reached a lowered threshold.
    const isSetOff =
      row.reason === 'threshold' && last?.costSeq === row.toSeq && last.decidedAtMs === row.settledAtMs
    this.byId.set(row.id, { ...row, triggeredAtMs: isSetOff ? last.receivedAtMs : null })
  }

  /** Ranges follow one another from 0; a part that two of them share is paid twice. */
  #tile(what: string, row: SettlementRow, lastSeq: number): void {
    const problems = this.#problems
    let node = this.nodes.get(row.nodeId)
    if (node === undefined) {
      const { operatorId } = row
      node = { operatorId, through: 0, settlements: 0, costs: 0, costNanoUsd: 0n, microSpark: 0n }
      this.nodes.set(row.nodeId, node)
    }
    const { fromSeq, toSeq } = row
    if (toSeq <= fromSeq) problems.add('settlement', `${what} holds no cost`)
    if (toSeq > lastSeq) problems.add('settlement', `${what} goes beyond the last decided cost, ${lastSeq}`)
    if (fromSeq > node.through)
      problems.add('settlement', `${what} begins after a gap: paid through ${node.through}`)
    if (fromSeq < node.through) {
      const shared = Math.min(node.through, toSeq) - fromSeq
      problems.add('paid twice', `${what} pays ${shared} costs that are paid through ${node.through}`, shared)
    }
    node.through = Math.max(node.through, toSeq)
    node.settlements += 1
    node.costs += row.costs
    node.costNanoUsd += row.costNanoUsd
    node.microSpark += row.microSpark
  }
}

/** The costs of `(fromSeq, toSeq]` of costs by number. */
function costsOf(costs: readonly DecidedCost[], fromSeq: number, toSeq: number): readonly DecidedCost[] {
  return costs.slice(placeAfter(costs, fromSeq), placeAfter(costs, toSeq))
}

function placeAfter(costs: readonly DecidedCost[], seq: number): number {
  let low = 0
  let high = costs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((costs[middle] as DecidedCost).costSeq <= seq) low = middle + 1
    else high = middle
  }
  return low
}
