import { AGE_MS_MAX, AHEAD_MS_MAX } from '../../schemas/fleet/bounds.ts'
import type { DecidedOutcome } from '../../schemas/fleet/outcomes.ts'
import type { FleetItem, OfMachine } from '../../schemas/fleet/records.ts'
import type { WorkerOutcome } from './pages/outcome.ts'

/** Why an item is quarantined. */
export const TOO_OLD = 'too_old'

/** The machine that an item is about, and its time; null for one that was refused. */
function machineOf({ sample, poll, report }: FleetItem): OfMachine | null {
  return sample ?? poll ?? report
}

/** What becomes of an item. */
export interface Judged {
  readonly outcome: DecidedOutcome
  /** Of whom it is; null where it is nobody's, or was not asked. */
  readonly ofWorker: WorkerOutcome | null
}

/**
 * What becomes of an item at log time `nowMs`, in the order of the rules: its time must be one that the node can have held
 * back; then identity, lease and slots decide, which `ofWorker` asks; of a machine that nobody knows a number counts once.
 * A number that was used before decides nothing else: a page that is brought up to the log again cannot know it.
 */
export function judge(
  item: FleetItem,
  isRepeat: boolean,
  nowMs: number,
  ofWorker: () => WorkerOutcome | null,
): Judged {
  const fault = faultOf(item, nowMs)
  if (fault !== null) return { outcome: isRepeat ? 'repeat' : fault, ofWorker: null }
  const known = ofWorker()
  if (known === null) return { outcome: isRepeat ? 'repeat' : 'discovered', ofWorker: null }
  return { outcome: isRepeat && !known.hasEffect ? 'repeat' : known.outcome, ofWorker: known }
}

/** Why an item is not taken, whoever it is of; null where its time is one that is accepted. */
export function faultOf(item: FleetItem, nowMs: number): 'refused' | 'quarantined' | null {
  const machine = machineOf(item)
  if (machine === null || machine.observed_at > nowMs + AHEAD_MS_MAX) return 'refused'
  return machine.observed_at < nowMs - AGE_MS_MAX ? 'quarantined' : null
}
