import { UNKNOWN, valueAt } from '../live/memory.ts'
import { secondsOf } from '../live/start.ts'
import { hasHeld } from './clocks.ts'
import { isSeen, SILENCE } from './hearing.ts'
import { FACT, hasFact } from './memory.ts'
import { codeOf, STATUS } from './statuses.ts'
import type { Reason } from './statuses.ts'
import { isUnder, UNDER_CAUSES } from './underperforming.ts'
import { scaledHs } from './view.ts'
import type { View } from './view.ts'

/** One row of the table of rules. */
export interface Rule {
  readonly status: Exclude<keyof typeof STATUS, 'none'>
  /** `as_before`: the worker stays in its status, and mostly keeps its reason. */
  readonly reason: Reason | 'as_before'
  readonly holds: (view: View) => boolean
}

const inRepair =
  (state: string): Rule['holds'] =>
  ({ repair }) =>
    repair?.state === state

const isLatched =
  (reason: Reason): Rule['holds'] =>
  ({ page, i }) =>
    valueAt(page.status.broken, i) === codeOf(reason)

const isSilent =
  (silence: number): Rule['holds'] =>
  ({ page, i }) =>
    valueAt(page.status.silence, i) === silence

const says = ({ page, i }: View, fact: number): boolean => hasFact(page, i, fact)

/** A window is on, or the ramp after it, and the machine does not hash: by its rate, or because it says that it sleeps
 * (the averages of a machine that sleeps may keep their old values). */
const isCurtailed = (view: View): boolean =>
  (view.window.isActive || view.window.isRamping) && (says(view, FACT.low) || says(view, FACT.asleep))

const hasNoPool = (view: View): boolean =>
  says(view, FACT.low) &&
  hasHeld(valueAt(view.page.status.poolsDeadClock, view.i), view.context.thresholds.noPoolS)

const doesNotHash = (view: View): boolean =>
  says(view, FACT.low) &&
  !says(view, FACT.comesUp) &&
  hasHeld(valueAt(view.page.status.lowClock, view.i), view.context.thresholds.notHashingS)

const hasStopped = ({ page, i }: View): boolean => valueAt(page.status.status, i) === STATUS.stopped

/** Whether a worker that stood has shown by two good samples, far enough apart, that it hashes again. */
function hasResumed({ page, i, context }: View): boolean {
  const goodSinceS = valueAt(page.status.goodSinceS, i)
  const atS = secondsOf(valueAt(page.live.sampleMs, i))
  return goodSinceS > 0 && atS - goodSinceS >= context.thresholds.resumedApartS
}

/**
 * Why a worker that has not resumed stands, where no rule says it: the reason that it had, as long as its rate, or a
 * window that it comes back from, explains that; else that it does not hash.
 */
export function reasonBeforeResuming(view: View): number {
  const { page, i, context, window } = view
  const r5Hs = valueAt(page.live.r5Hs, i)
  const limitHs = context.thresholds.resumedPct * scaledHs(view)
  const isSlow = isSeen(page, i) && r5Hs !== UNKNOWN && r5Hs * 100 <= limitHs
  const isExplained = window.isActive || window.isRamping
  return isSlow && !isExplained ? codeOf('not_hashing') : valueAt(page.status.reason, i)
}

/** The rules, the first that holds wins. The last one always does, so each worker has one status. */
export const RULES_1: readonly Rule[] = [
  { status: 'inMaintenance', reason: 'ticket_diagnosing', holds: inRepair('diagnosing') },
  { status: 'inMaintenance', reason: 'ticket_waiting_parts', holds: inRepair('waiting_parts') },
  { status: 'inMaintenance', reason: 'ticket_rma', holds: inRepair('rma') },
  { status: 'inMaintenance', reason: 'maintenance_manual', holds: inRepair('manual') },
  { status: 'inMaintenance', reason: 'maintenance_window', holds: ({ window }) => window.isMaintenance },

  { status: 'needsRepair', reason: 'broken_manual', holds: isLatched('broken_manual') },
  { status: 'needsRepair', reason: 'boards_lost', holds: isLatched('boards_lost') },
  { status: 'needsRepair', reason: 'board_disabled', holds: isLatched('board_disabled') },
  { status: 'needsRepair', reason: 'critical_error', holds: isLatched('critical_error') },
  { status: 'needsRepair', reason: 'restarts', holds: isLatched('restarts') },

  { status: 'stopped', reason: 'node_unavailable', holds: isSilent(SILENCE.node) },
  { status: 'stopped', reason: 'identity_conflict', holds: isSilent(SILENCE.conflict) },
  { status: 'stopped', reason: 'unreachable', holds: isSilent(SILENCE.unreachable) },
  { status: 'stopped', reason: 'unreadable', holds: isSilent(SILENCE.unreadable) },
  { status: 'stopped', reason: 'curtailed', holds: isCurtailed },
  { status: 'stopped', reason: 'paused', holds: (view) => says(view, FACT.asleep) },
  { status: 'stopped', reason: 'overheated', holds: (view) => says(view, FACT.heatStopped) },
  { status: 'stopped', reason: 'no_pool', holds: hasNoPool },
  { status: 'stopped', reason: 'not_hashing', holds: doesNotHash },
  { status: 'stopped', reason: 'never_seen', holds: ({ page, i }) => !isSeen(page, i) },
  { status: 'stopped', reason: 'as_before', holds: (view) => hasStopped(view) && !hasResumed(view) },

  ...UNDER_CAUSES.map(
    (reason, cause): Rule => ({
      status: 'underperforming',
      reason,
      holds: ({ page, i }) => isUnder(page, i, cause),
    }),
  ),
  { status: 'working', reason: 'hashing', holds: () => true },
]
