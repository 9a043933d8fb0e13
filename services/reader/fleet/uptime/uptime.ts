import type { WorkSeconds } from '../../../../pipelines/clickhouse/queries/fleet-sums.ts'

/** Parts of time from 0 to 1; null where no second stands for one: a worker of which nothing is known has no uptime. */
export interface Uptime {
  /** Of the time of which it is known whether it hashed. */
  readonly hashing: number | null
  /** Of the time of which anything is known: it answered. */
  readonly reachability: number | null
  /** Part of the commissioned time of which anything is known. */
  readonly coverage: number | null
  /** Too little is known: the figures may still change much. */
  readonly isProvisional: boolean
}

/** Below it, figures are marked as provisional: percent of the commissioned time. */
export const UPTIME_COVERAGE_PCT = 90

/**
 * Uptimes of workers over time, from what they did in parts of it (docs/fleet.md, "What is shown"). Sums are of whole seconds, so
 * any grouping of the parts gives the same figures.
 */
export function uptimeOf(parts: Iterable<WorkSeconds>): Uptime {
  let [commissioned, hashing, known, answered, readable] = [0, 0, 0, 0, 0]
  for (const part of parts) {
    const ofPart = knownS(part)
    commissioned += part.commissionedS
    hashing += part.hashingS
    known += ofPart
    answered += part.hashingS + part.idleS + part.restingS
    readable += ofPart - part.unreadableS
  }
  return {
    hashing: shareOf(hashing, readable),
    reachability: shareOf(answered, known),
    coverage: shareOf(known, commissioned),
    isProvisional: known * 100 < commissioned * UPTIME_COVERAGE_PCT,
  }
}

/** Seconds of which a reading or a failed poll tells what the worker did. */
function knownS(of: WorkSeconds): number {
  return of.hashingS + of.idleS + of.restingS + of.unreachableS + of.unheardS + of.unreadableS
}

function shareOf(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null
}
