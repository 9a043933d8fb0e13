/**
 * The five statuses, in the order in which their rules are asked. A code in a column is the place in this list; 0 stands
 * for an index of a page at which no worker is commissioned. Codes are stored: append only.
 */
const STATUSES = ['none', 'in_maintenance', 'needs_repair', 'stopped', 'underperforming', 'working'] as const
export type Status = Exclude<(typeof STATUSES)[number], 'none'>

export const STATUS = {
  none: 0,
  inMaintenance: 1,
  needsRepair: 2,
  stopped: 3,
  underperforming: 4,
  working: 5,
} as const

/** Why a worker has its status. A code in a column is the place in this list. Codes are stored: append only. */
export const REASONS = [
  'none',
  'ticket_diagnosing',
  'ticket_waiting_parts',
  'ticket_rma',
  'maintenance_manual',
  'maintenance_window',
  'broken_manual',
  'boards_lost',
  'board_disabled',
  'critical_error',
  'restarts',
  'node_unavailable',
  'identity_conflict',
  'unreachable',
  'unreadable',
  'curtailed',
  'paused',
  'overheated',
  'no_pool',
  'not_hashing',
  'never_seen',
  'low_rate',
  'low_delivered',
  'shares_refused',
  'chips_missing',
  'inefficient',
  'hashing',
] as const
export type Reason = (typeof REASONS)[number]

const CODES: ReadonlyMap<Reason, number> = new Map(REASONS.map((reason, code) => [reason, code]))

/** The code of a reason. */
export function codeOf(reason: Reason): number {
  return CODES.get(reason) ?? 0
}

/** The status of a code of a column, null where no worker is commissioned. */
export function statusOf(code: number): Status | null {
  const status = STATUSES[code]
  return status === undefined || status === 'none' ? null : status
}

/** The reason of a code of a column. */
export function reasonOf(code: number): Reason {
  return REASONS[code] ?? 'none'
}
