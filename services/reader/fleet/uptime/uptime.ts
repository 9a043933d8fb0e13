/** What one worker, or the sum of several, did in a span of time: seconds that add up to the span's commissioned ones. */
export interface Seconds {
  readonly commissionedS: number
  readonly hashingS: number
  readonly idleS: number
  readonly restingS: number
  readonly unreachableS: number
  readonly unheardS: number
  readonly unreadableS: number
}

/** Parts of time from 0 to 1; null where no second stands for one: a worker of which nothing is known has no uptime. */
export interface Uptime {
  /** Of the time of which it is known whether it hashed. */
  readonly hashing: number | null
  /** The same without the seconds that windows and maintenance excuse. */
  readonly operational: number | null
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
 * A cell of a worker: its seconds, and how many of them lie in windows or in maintenance (merged: none counts twice); 0 where
 * these are not looked at.
 */
export interface UptimeCell extends Seconds {
  readonly windowS?: number
}

/**
 * Uptimes of workers over time, from their cells of 5 minutes (the page of the fleet, "Uptime"). Sums are of whole seconds, so
 * any grouping of the cells gives the same figures.
 */
export function uptimeOf(cells: Iterable<UptimeCell>): Uptime {
  let [commissioned, hashing, known, answered, readable, excused] = [0, 0, 0, 0, 0, 0]
  for (const cell of cells) {
    const ofKnown = knownS(cell)
    const ofReadable = ofKnown - cell.unreadableS
    commissioned += cell.commissionedS
    hashing += cell.hashingS
    known += ofKnown
    answered += cell.hashingS + cell.idleS + cell.restingS
    readable += ofReadable
    excused += excusedS(cell, ofReadable)
  }
  return {
    hashing: part(hashing, readable),
    operational: part(hashing, readable - excused),
    reachability: part(answered, known),
    coverage: part(known, commissioned),
    isProvisional: known * 100 < commissioned * UPTIME_COVERAGE_PCT,
  }
}

/** Seconds of which a reading or a failed poll tells what the worker did. */
function knownS(of: Seconds): number {
  return of.hashingS + of.idleS + of.restingS + of.unreachableS + of.unheardS + of.unreadableS
}

/**
 * A window excuses seconds in which the worker did not hash, wherever in the cell they lie, and no others. Seconds of which
 * nothing is known are in no figure already, so they are not taken off again.
 */
function excusedS({ commissionedS, hashingS, windowS = 0 }: UptimeCell, readableS: number): number {
  return Math.min(commissionedS - hashingS, windowS, readableS - hashingS)
}

function part(of: number, whole: number): number | null {
  return whole > 0 ? of / whole : null
}
