import { nextWindowEdgeMs } from '../live/windows.ts'
import { valueAt } from '../live/memory.ts'
import type { WorkerContext } from './context.ts'
import { graceEndsAtMs, SILENCE, unreachableAtMs, unreadableAtMs } from './hearing.ts'
import { FACT, hasFact } from './memory.ts'
import type { WorkerPage } from './memory.ts'

/** What may be due. What is due at the same time is one decision; it names the first of these. */
export type TimerKind =
  | 'version'
  | 'window'
  | 'repair'
  | 'node_silent'
  | 'node_returned'
  | 'unreachable'
  | 'unreadable'
  | 'dwell'

export interface Timer {
  /** Log time; Infinity: nothing is due, whatever time passes. */
  readonly dueMs: number
  readonly kind: TimerKind
}

/**
 * What is due next of a worker, given the context that holds at its last decision. Everything that was due until then has
 * been decided. A silence that is not yet in its column though it began before is due at once, as of that decision.
 */
export function nextTimer(page: WorkerPage, i: number, context: WorkerContext): Timer {
  const decidedMs = valueAt(page.status.decidedMs, i)
  const silence = valueAt(page.status.silence, i)
  let kind: TimerKind = 'version'
  let dueMs = after(decidedMs, context.changesAtMs)
  const consider = (other: TimerKind, atMs: number): void => {
    if (atMs < dueMs) {
      kind = other
      dueMs = atMs
    }
  }
  if (context.windows.length > 0) {
    consider('window', nextWindowEdgeMs(context.windows, decidedMs, context.model.rampMs))
  }
  for (const { fromMs, toMs } of context.repairs) {
    consider('repair', after(decidedMs, fromMs))
    consider('repair', after(decidedMs, toMs))
  }
  const { silentAtMs } = context.node
  if (silence !== SILENCE.node) consider('node_silent', Math.max(decidedMs, silentAtMs))
  else if (silentAtMs > decidedMs) {
    consider('node_returned', Math.max(decidedMs, graceEndsAtMs(context)))
  }
  if (silence === SILENCE.none || silence === SILENCE.unreadable) {
    consider('unreachable', Math.max(decidedMs, unreachableAtMs(page, i, context)))
  }
  if (silence === SILENCE.none) consider('unreadable', Math.max(decidedMs, unreadableAtMs(page, i, context)))
  if (hasFact(page, i, FACT.dwells)) {
    const sinceMs = valueAt(page.status.statusSinceMs, i)
    consider('dwell', Math.max(decidedMs, sinceMs + context.thresholds.dwellMs))
  }
  return { dueMs, kind }
}

function after(decidedMs: number, atMs: number): number {
  return atMs > decidedMs ? atMs : Number.POSITIVE_INFINITY
}
