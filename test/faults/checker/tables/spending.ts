import type { DecisionRow } from './decisions.ts'
import type { Problems } from '../problems.ts'

const DAY_MS = 86_400_000

/**
 * A cost that came later than this after its work, and names no reservation, is also held to a limit of its day of
 * receipt.
 */
const BACK_DATED_MS = DAY_MS

/** The reservations that clients requested, as far as the history shows them. */
export interface RequestedReservations {
  /** Nodes for which a reservation may have been open at some time. */
  readonly nodes: ReadonlySet<string>
  /** By "node reservation": the UTC days on which it may have been made. */
  readonly days: ReadonlyMap<string, ReadonlySet<number>>
}

export const NO_RESERVATIONS: RequestedReservations = { nodes: new Set(), days: new Map() }

/**
 * The limits of days, from the decisions alone: in the order of a node's costs, no payable cost brings its day's sum
 * above the limit that it was judged by, and none is refused that had room. What was held of a day beside its costs is
 * what reservations can have held.
 */
export class Spending {
  readonly #spent = new Map<string, bigint>()
  /** By node: the paid sum of costs that came late, for the newest day of receipt of such a cost. */
  readonly #late = new Map<string, { day: number; nanoUsd: bigint }>()
  readonly #requested: RequestedReservations
  readonly #problems: Problems

  constructor(requested: RequestedReservations, problems: Problems) {
    this.#requested = requested
    this.#problems = problems
  }

  /** `receivedAtMs`: when the event was received; null where it has no row, which another check reports. */
  add(what: string, row: DecisionRow, isPayable: boolean, receivedAtMs: number | null): void {
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
    const lateNanoUsd = this.#lateWith(row, isPayable, receivedAtMs)
    const isWithin = row.daySpent + row.costNanoUsd <= row.dayLimit && lateNanoUsd <= row.dayLimit
    const hasRoom = row.dayLimit === 0n || isWithin
    if (hasRoom ? row.decision === 'over_limit' : isPayable)
      this.#problems.add(
        'decision',
        `${what} is ${row.decision}: ${row.daySpent} of ${row.dayLimit} nano-USD were spent before`,
      )
  }

  /** The sum of late costs on the day of receipt, with this cost; 0 for a cost that came in time. */
  #lateWith(row: DecisionRow, isPayable: boolean, receivedAtMs: number | null): bigint {
    if (receivedAtMs === null || row.reservationId !== '') return 0n
    if (receivedAtMs - row.occurredAtMs <= BACK_DATED_MS) return 0n
    const day = Math.floor(receivedAtMs / DAY_MS)
    const known = this.#late.get(row.nodeId)
    const late = known === undefined || day > known.day ? { day, nanoUsd: 0n } : known
    const after = late.nanoUsd + row.costNanoUsd
    if (isPayable) this.#late.set(row.nodeId, { day: late.day, nanoUsd: after })
    return after
  }

  /** The day of the work; a cost that names a reservation may count on the reservation's day. */
  #checkDay(what: string, row: DecisionRow): void {
    const day = Math.floor(row.occurredAtMs / DAY_MS)
    const ofReservation = this.#requested.days.get(`${row.nodeId} ${row.reservationId}`)
    if (row.day === day || ofReservation?.has(row.day) === true) return
    this.#problems.compare('decision', `${what}: budget_day`, day, row.day)
  }

  #checkSpent(what: string, row: DecisionRow, spent: bigint): void {
    if (row.daySpent < spent || (!this.#requested.nodes.has(row.nodeId) && row.daySpent !== spent))
      this.#problems.compare('decision', `${what}: day_spent_nano_usd`, spent, row.daySpent)
  }
}
