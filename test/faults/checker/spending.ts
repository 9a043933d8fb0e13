import type { DecisionRow } from './decisions.ts'
import type { Problems } from './problems.ts'

const DAY_MS = 86_400_000

/** What clients asked to reserve, as far as the history can tell. */
export interface AskedReservations {
  /** Nodes for which a reservation may have been open at some time. */
  readonly nodes: ReadonlySet<string>
  /** By "node reservation": the UTC days on which it may have been made. */
  readonly days: ReadonlyMap<string, ReadonlySet<number>>
}

export const NO_RESERVATIONS: AskedReservations = { nodes: new Set(), days: new Map() }

/**
 * The limits of days, from the decisions alone: in the order of a node's costs, no payable one brings its day's sum above
 * the limit that it was judged by, none is refused that had room, and what was held of a day beside its costs is what
 * reservations can have held.
 */
export class Spending {
  readonly #spent = new Map<string, bigint>()
  readonly #asked: AskedReservations
  readonly #problems: Problems

  constructor(asked: AskedReservations, problems: Problems) {
    this.#asked = asked
    this.#problems = problems
  }

  add(what: string, row: DecisionRow, isPayable: boolean): void {
    this.#checkDay(what, row)
    const key = `${row.nodeId} ${row.day}`
    const spent = this.#spent.get(key) ?? 0n
    this.#checkSpent(what, row, spent)
    const after = spent + row.costNanoUsd
    if (isPayable) {
      this.#spent.set(key, after)
      if (row.dayLimit > 0n && after > row.dayLimit)
        this.#problems.add(
          'decision',
          `${what} brings its day to ${after} nano-USD, the limit is ${row.dayLimit}`,
        )
    }
    const hasRoom = row.dayLimit === 0n || row.daySpent + row.costNanoUsd <= row.dayLimit
    if (hasRoom ? row.decision === 'over_limit' : isPayable)
      this.#problems.add(
        'decision',
        `${what} is ${row.decision}: ${row.daySpent} of ${row.dayLimit} nano-USD were spent before`,
      )
  }

  /** The day of the work; a cost that names a reservation may count on that one's day. */
  #checkDay(what: string, row: DecisionRow): void {
    const day = Math.floor(row.occurredAtMs / DAY_MS)
    const ofReservation = this.#asked.days.get(`${row.nodeId} ${row.reservationId}`)
    if (row.day === day || ofReservation?.has(row.day) === true) return
    this.#problems.compare('decision', `${what}: budget_day`, day, row.day)
  }

  #checkSpent(what: string, row: DecisionRow, spent: bigint): void {
    if (row.daySpent < spent || (!this.#asked.nodes.has(row.nodeId) && row.daySpent !== spent))
      this.#problems.compare('decision', `${what}: day_spent_nano_usd`, spent, row.daySpent)
  }
}
