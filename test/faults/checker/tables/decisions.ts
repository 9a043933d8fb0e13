import type { Problems } from '../problems.ts'
import type { Counted } from './raw-rows.ts'
import { NO_RESERVATIONS, Spending } from './spending.ts'
import type { RequestedReservations } from './spending.ts'
import { identityOf, isPayable } from '../work.ts'

/** A row of cost_decisions. */
export interface DecisionRow {
  readonly nodeId: string
  readonly costSeq: number
  readonly id: string
  /** Empty where the node had no operator yet. */
  readonly operatorId: string
  readonly taskSource: string
  readonly occurredAtMs: number
  /** Log time. */
  readonly decidedAtMs: number
  readonly decision: string
  readonly costNanoUsd: bigint
  readonly spark: bigint
  readonly sparkPerUsd: bigint
  readonly rulesVersion: number
  /** Empty where it names no reservation. */
  readonly reservationId: string
  readonly microSpark: bigint
  /** The UTC day that it counts on, counted from 1970; what was spent and held on it before; its limit, 0 for none. */
  readonly day: number
  readonly daySpent: bigint
  readonly dayLimit: bigint
}

/** A cost of a node's sequence that a settlement may pay. */
export interface DecidedCost {
  readonly costSeq: number
  readonly costNanoUsd: bigint
  readonly microSpark: bigint
  readonly decidedAtMs: number
  /** LogAppendTime of the event; null where the event has no row. */
  readonly receivedAtMs: number | null
}

/** The costs of one node, in its own sequence. */
export interface NodeCosts {
  /** The operator that was paid first; null before an operator was named. */
  operatorId: string | null
  lastSeq: number
  /** How many costs were decided, whatever their decision. */
  decided: number
  readonly payable: DecidedCost[]
}

const NANO_USD_PER_USD = 1_000_000_000n
const MICRO_SPARK_PER_SPARK = 1_000_000n
const PAYABLE = new Set(['pending', 'written_off'])
const REFUSED = new Set(['not_allowed', 'over_limit'])

/** The Spark of a node and day of log time that costs may be paid beyond their worth. */
const BEYOND_MICRO_SPARK_MAX = 1_000n * MICRO_SPARK_PER_SPARK
const DAY_MS = 86_400_000

/** What the costs of one node were paid beyond their worth, on the newest day. Rows come by node and number. */
class LeastSpark {
  #nodeId = ''
  #day = 0
  #beyond = 0n

  /** The whole part of USD × rate; below 1, 1 while the day has room for that. (The exact mode is not run here.) */
  microSparkOf({ nodeId, decidedAtMs, costNanoUsd, sparkPerUsd }: DecisionRow): bigint {
    const spark = (costNanoUsd * sparkPerUsd) / NANO_USD_PER_USD
    if (spark > 0n) return spark * MICRO_SPARK_PER_SPARK
    const day = Math.floor(decidedAtMs / DAY_MS)
    if (nodeId !== this.#nodeId || day !== this.#day) this.#beyond = 0n
    this.#nodeId = nodeId
    this.#day = day
    const worth = (costNanoUsd * sparkPerUsd * MICRO_SPARK_PER_SPARK) / NANO_USD_PER_USD
    const beyond = MICRO_SPARK_PER_SPARK - worth
    if (this.#beyond + beyond > BEYOND_MICRO_SPARK_MAX) return worth
    this.#beyond += beyond
    return MICRO_SPARK_PER_SPARK
  }
}

/** Compares cost_decisions with the rows that were counted. Rows come by node and number. */
export class Decisions {
  readonly nodes = new Map<string, NodeCosts>()
  rows = 0
  readonly #counted: ReadonlyMap<string, Counted>
  readonly #problems: Problems
  /** Spark per US dollar by rules_version: one version, one rate. */
  readonly #rates = new Map<number, bigint>()
  readonly #spending: Spending
  readonly #least = new LeastSpark()

  constructor(
    counted: ReadonlyMap<string, Counted>,
    problems: Problems,
    reservations: RequestedReservations = NO_RESERVATIONS,
  ) {
    this.#counted = counted
    this.#problems = problems
    this.#spending = new Spending(reservations, problems)
  }

  add(row: DecisionRow): void {
    this.rows += 1
    const event = this.#counted.get(identityOf(row.nodeId, row.id))
    const what = `cost ${row.costSeq} of ${row.nodeId} (event ${row.id})`
    this.#compareEvent(what, row, event)
    const isPaid = PAYABLE.has(row.decision)
    if (!isPaid && !REFUSED.has(row.decision)) this.#problems.add('decision', `${what} is ${row.decision}`)
    const microSpark = isPaid ? this.#least.microSparkOf(row) : 0n
    this.#problems.compare('decision', `${what}: spark`, microSpark / MICRO_SPARK_PER_SPARK, row.spark)
    this.#problems.compare('decision', `${what}: micro_spark`, microSpark, row.microSpark)
    this.#spending.add(what, row, isPaid, event?.receivedAtMs ?? null)
    const rate = this.#rates.get(row.rulesVersion)
    if (rate === undefined) this.#rates.set(row.rulesVersion, row.sparkPerUsd)
    else this.#problems.compare('decision', `${what}: spark_per_usd`, rate, row.sparkPerUsd)
    this.#addToNode(what, row, event?.receivedAtMs ?? null)
  }

  /** To be called after the last row: adds costs that were never decided, and operators that were never named. */
  finish(): void {
    const named = new Set<string>()
    for (const { nodeId, work } of this.#counted.values()) named.add(`${nodeId} ${work.operatorId}`)
    for (const [nodeId, { operatorId }] of this.nodes) {
      if (operatorId === null || named.has(`${nodeId} ${operatorId}`)) continue
      this.#problems.add(
        'decision',
        `node ${nodeId} is operated by ${operatorId}, whom none of its events names`,
      )
    }
    for (const [identity, event] of this.#counted) {
      if (isPayable(event.work) && !event.decided) {
        this.#problems.add(
          'decision',
          `event ${identity} cost ${event.work.costNanoUsd} nano-USD, never decided`,
        )
      }
    }
  }

  #compareEvent(what: string, row: DecisionRow, event: Counted | undefined): void {
    const problems = this.#problems
    if (event === undefined) {
      problems.add('decision', `${what} is about an event that is not in usage_events`)
      return
    }
    if (event.decided) problems.add('paid twice', `${what}: its event was decided before`)
    event.decided = true
    const { work } = event
    if (work.taskSource === 'own') problems.add('decision', `${what} is about own work, which is never paid`)
    problems.compare('decision', `${what}: cost_nano_usd`, work.costNanoUsd, row.costNanoUsd)
    problems.compare('decision', `${what}: task_source`, work.taskSource, row.taskSource)
    problems.compare('decision', `${what}: occurred_at`, work.occurredAtMs, row.occurredAtMs)
  }

  #addToNode(what: string, row: DecisionRow, receivedAtMs: number | null): void {
    const problems = this.#problems
    let node = this.nodes.get(row.nodeId)
    if (node === undefined) {
      node = { operatorId: null, lastSeq: 0, decided: 0, payable: [] }
      this.nodes.set(row.nodeId, node)
    }
    problems.compare('decision', `${what}: cost_seq`, node.lastSeq + 1, row.costSeq)
    node.lastSeq = row.costSeq
    node.decided += 1
    if (row.operatorId !== '') node.operatorId ??= row.operatorId
    // Costs are written off for exactly as long as the node has no operator.
    problems.compare('decision', `${what}: operator_id`, node.operatorId ?? '', row.operatorId)
    const isOff = row.decision === 'written_off'
    if (PAYABLE.has(row.decision) && isOff !== (row.operatorId === '')) {
      problems.add('decision', `${what} is ${row.decision} with operator "${row.operatorId}"`)
    }
    const { costSeq, costNanoUsd, microSpark, decidedAtMs } = row
    if (!PAYABLE.has(row.decision)) return
    node.payable.push({ costSeq, costNanoUsd, microSpark, decidedAtMs, receivedAtMs })
  }
}
