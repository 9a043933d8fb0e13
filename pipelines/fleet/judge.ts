import { AGE_MS_MAX, AHEAD_MS_MAX } from '../../schemas/fleet/bounds.ts'
import type { DecidedOutcome } from '../../schemas/fleet/outcomes.ts'
import type { FleetItem, OfMachine } from '../../schemas/fleet/records.ts'

/** Why an item is quarantined. */
export const TOO_OLD = 'too_old'

/** The machine that an item is about, and its time; null for one that was refused. */
function machineOf({ sample, poll, report }: FleetItem): OfMachine | null {
  return sample ?? poll ?? report
}

/**
 * What becomes of an item at log time `nowMs`, in the order of the rules: a number counts once; its time must be one that
 * the node can have held back; then identity and lease decide.
 */
export function judge(item: FleetItem, isRepeat: boolean, nowMs: number): DecidedOutcome {
  if (isRepeat) return 'repeat'
  const machine = machineOf(item)
  if (machine === null || machine.observed_at > nowMs + AHEAD_MS_MAX) return 'refused'
  if (machine.observed_at < nowMs - AGE_MS_MAX) return 'quarantined'
  return byIdentity()
}

/** Identity and lease decide here, by the inventory. While there is none, nobody knows any machine. */
function byIdentity(): DecidedOutcome {
  return 'discovered'
}
