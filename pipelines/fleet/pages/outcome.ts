import type { OUTCOMES } from '../../../schemas/fleet/outcomes.ts'
import type { Outcome } from '../slots/outcome.ts'

/** What an item of a worker came to, and whether it changed anything. */
export interface PageOutcome {
  readonly outcome: keyof typeof OUTCOMES
  readonly hasEffect: boolean
  /** Why a rule failed on it: it is set aside. */
  readonly fault?: string
}

/** The same with the worker that the item is of; an empty id where it names several. */
export interface WorkerOutcome extends PageOutcome {
  readonly workerId: string
}

/**
 * The one outcome of an item. What the live plane took is current. Else the account plane says: what stands for an open
 * slot, or filled one, is late. `account` is null for an item that no plane takes, as a device report, or the result of a
 * poll whose sample is an item of its own: it counts by its label, as what came in time.
 */
export function outcomeOf(
  label: 'holder' | 'shadow' | 'misplaced',
  isTaken: boolean,
  account: Outcome | null,
): PageOutcome {
  const isCounted = account === 'counted' || account === 'late'
  const hasEffect = isTaken || isCounted
  if (hasEffect || account === null) {
    const inTime = isTaken || account === null ? 'current' : 'late'
    return { outcome: label === 'holder' ? inTime : label, hasEffect }
  }
  return { outcome: account === 'shadow' ? 'shadow' : account, hasEffect }
}
