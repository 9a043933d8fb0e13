import { valueAt } from '../live/memory.ts'
import { isUnknownBy } from './decide.ts'
import { FACT, hasFact } from './memory.ts'
import type { WorkerPage } from './memory.ts'
import { codeOf, statusOf } from './statuses.ts'
import type { Reason, Status } from './statuses.ts'
import { reasonOf } from './statuses.ts'

/**
 * Counts of workers. The five statuses always sum to `commissioned`; the others stand beside them and are parts of them.
 */
export interface StatusCounts {
  readonly statuses: Record<Status, number>
  commissioned: number
  /** Nothing is known of them now, whatever their status: node silent, unreadable, or two machines claim to be one. */
  unknown: number
  curtailed: number
  /** Their intended rate is not known, so the rules that compare with it are off. */
  nominalUnknown: number
}

/** What one worker is counted as. */
export interface Class {
  readonly status: Status
  readonly reason: Reason
  readonly isUnknown: boolean
  readonly isCurtailed: boolean
  readonly isNominalUnknown: boolean
}

const CURTAILED = codeOf('curtailed')

/** Counts of no worker. */
export function noCounts(): StatusCounts {
  return {
    statuses: { in_maintenance: 0, needs_repair: 0, stopped: 0, underperforming: 0, working: 0 },
    commissioned: 0,
    unknown: 0,
    curtailed: 0,
    nominalUnknown: 0,
  }
}

/**
 * What a worker is counted as; null where none is commissioned. Tiles, lists, maps and files all ask this one function,
 * so that they cannot disagree.
 */
export function classOf(page: WorkerPage, i: number): Class | null {
  const status = statusOf(valueAt(page.status.status, i))
  if (status === null) return null
  const reason = valueAt(page.status.reason, i)
  return {
    status,
    reason: reasonOf(reason),
    isUnknown: isUnknownBy(valueAt(page.status.silence, i)),
    isCurtailed: reason === CURTAILED,
    isNominalUnknown: hasFact(page, i, FACT.nominalUnknown),
  }
}

/** Adds a worker to counts. */
export function addToCounts(counts: StatusCounts, page: WorkerPage, i: number): void {
  const counted = classOf(page, i)
  if (counted === null) return
  counts.commissioned++
  counts.statuses[counted.status]++
  if (counted.isUnknown) counts.unknown++
  if (counted.isCurtailed) counts.curtailed++
  if (counted.isNominalUnknown) counts.nominalUnknown++
}
