/**
 * What became of an item that a node sent: each has one outcome, and the outcomes of a node add up to what it sent. The
 * numbers are those of the column `outcome` of fleet_samples, whose type never changes: so all of the words are here from
 * the beginning, also those that need an inventory.
 *
 *   current       the newest of its worker, and of now: status and notifications see it
 *   late          not of now: it stands for a slot that was open, or filled a part of a hole
 *   bridged_over  its slot had settled as time between two readings that are close enough
 *   covered       its slot had settled with what counts more
 *   repeat        a number that the node has used before, or a time that is there; changes nothing
 *   shadow        of a worker that another node holds
 *   conflict      two machines claim to be its worker; it counts for nobody
 *   discovered    of a machine that the inventory does not know
 *   misplaced     of a worker, by a node of another location than its own
 *   quarantined   older than the spool of a node can be; counted, never kept
 *   refused       the gateway refused it, it is ahead of the log's time, or a rule failed on it; never kept
 */
export const OUTCOMES = {
  current: 1,
  late: 2,
  bridged_over: 3,
  covered: 4,
  repeat: 5,
  shadow: 6,
  conflict: 7,
  discovered: 8,
  misplaced: 9,
  quarantined: 10,
  refused: 11,
} as const

/** The words in the order in which a node's counts have them. */
export const DECIDED_OUTCOMES = [
  'repeat',
  'discovered',
  'quarantined',
  'refused',
  'current',
  'late',
  'conflict',
  'misplaced',
  'shadow',
  'bridged_over',
  'covered',
] as const satisfies readonly (keyof typeof OUTCOMES)[]
export type DecidedOutcome = (typeof DECIDED_OUTCOMES)[number]
