import { AGE_MS_MAX, AHEAD_MS_MAX, CURRENT_MS_MAX } from '../../schemas/fleet/bounds.ts'
import type { DecidedOutcome } from '../../schemas/fleet/outcomes.ts'
import type { FleetItem, OfMachine } from '../../schemas/fleet/records.ts'
import type { NamedWorker } from './inventory/named.ts'

/** Why an item is quarantined. */
export const TOO_OLD = 'too_old'

/** What an item has come to. */
export interface Judged {
  readonly outcome: DecidedOutcome
  /** The worker that its machine is; empty where it is none, or several. */
  readonly worker: string
}

/** What the inventory says about a machine at the time of its item. */
export interface Identity {
  named(machine: OfMachine): NamedWorker
  /** Whether the worker is assigned to another location than that of the node that sent the item. */
  isMisplaced(worker: string, machine: OfMachine): boolean
}

/** The machine that an item is about, and its time; null for one that was refused. */
function machineOf({ sample, poll, report }: FleetItem): OfMachine | null {
  return sample ?? poll ?? report
}

/**
 * What becomes of an item at log time `nowMs`, in the order of the rules: a number counts once; its time must be one that
 * the node can have held back; then identity and place decide.
 */
export function judge(item: FleetItem, isRepeat: boolean, nowMs: number, identity: Identity): Judged {
  if (isRepeat) return { outcome: 'repeat', worker: '' }
  const machine = machineOf(item)
  if (machine === null || machine.observed_at > nowMs + AHEAD_MS_MAX)
    return { outcome: 'refused', worker: '' }
  if (machine.observed_at < nowMs - AGE_MS_MAX) return { outcome: 'quarantined', worker: '' }
  const named = identity.named(machine)
  if (named.by === 'none') return { outcome: 'discovered', worker: '' }
  if (named.by === 'several') return { outcome: 'conflict', worker: '' }
  const { worker } = named
  if (identity.isMisplaced(worker, machine)) return { outcome: 'misplaced', worker }
  return { outcome: machine.observed_at >= nowMs - CURRENT_MS_MAX ? 'current' : 'late', worker }
}
