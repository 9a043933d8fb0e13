/**
 * What became of an item that a node sent: each has one outcome, and the outcomes of a node add up to what it sent. The
 * numbers are those of the column `outcome` of fleet_samples, whose type never changes: so all of the words are here from
 * the beginning, also those that need an inventory.
 *
 *   refused      the gateway refused it, or it is ahead of the log's time; never kept
 *   repeat       a number that the node has used before; changes nothing
 *   quarantined  older than the spool of a node can be; counted, never kept
 *   discovered   of a machine that the inventory does not know
 *
 * The others are decided by identity, lease and slots.
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

/** The outcomes that the task decides so far, in the order in which a node's counts have them. */
export const DECIDED_OUTCOMES = [
  'repeat',
  'discovered',
  'quarantined',
  'refused',
  'current',
  'late',
  'conflict',
  'misplaced',
] as const
export type DecidedOutcome = (typeof DECIDED_OUTCOMES)[number]
