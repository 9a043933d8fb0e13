import { listenedAt } from '../live/listening.ts'
import { valueAt } from '../live/memory.ts'
import type { FailedPoll } from '../live/sample.ts'
import type { WorkerContext } from './context.ts'
import type { WorkerPage } from './memory.ts'
import type { View } from './view.ts'

/** Why nothing is known of a worker, the first that applies. The place in this list is the code in the column. */
export const SILENCES = [
  'none',
  'node_unavailable',
  'identity_conflict',
  'unreachable',
  'unreadable',
] as const
export const SILENCE = { none: 0, node: 1, conflict: 2, unreachable: 3, unreadable: 4 } as const

const POLLS_MAX = 255

/** Notes that a current sample was heard. */
export function hearSample({ status }: WorkerPage, i: number, tMs: number, nowMs: number): void {
  status.heardMs[i] = Math.max(tMs, valueAt(status.heardMs, i))
  status.heardAtMs[i] = nowMs
  status.answeredAtMs[i] = nowMs
  status.goodAtMs[i] = nowMs
  status.pollsFailed[i] = 0
  status.pollsUnread[i] = 0
}

/** Notes a poll without a sample. What is refused to us, or cannot be read, is an answer all the same. */
export function hearFailure({ status }: WorkerPage, i: number, poll: FailedPoll, nowMs: number): void {
  status.heardMs[i] = poll.tMs
  status.heardAtMs[i] = nowMs
  status.pollsUnread[i] = Math.min(valueAt(status.pollsUnread, i) + 1, POLLS_MAX)
  if (poll.result === 'timeout' || poll.result === 'refused') {
    status.pollsFailed[i] = Math.min(valueAt(status.pollsFailed, i) + 1, POLLS_MAX)
  } else {
    status.pollsFailed[i] = 0
    status.answeredAtMs[i] = nowMs
  }
}

/** Whether the machine has ever been heard itself, not only asked. */
export function isSeen({ status }: WorkerPage, i: number): boolean {
  return valueAt(status.answeredAtMs, i) > 0
}

/** How long a worker may be silent. */
export function silenceMs({ thresholds, intervalMs }: WorkerContext): number {
  return Math.max(thresholds.silenceMs, thresholds.silenceIntervals * intervalMs)
}

/** When the worker counts as unreachable if nothing else is heard of it; Infinity for one that was never seen. */
export function unreachableAtMs(page: WorkerPage, i: number, context: WorkerContext): number {
  if (!isSeen(page, i)) return Number.POSITIVE_INFINITY
  const { status } = page
  const { deaf } = context.node
  const lengthMs = silenceMs(context)
  const isAsked = valueAt(status.pollsFailed, i) >= context.thresholds.failedPolls
  return listenedAt(valueAt(isAsked ? status.answeredAtMs : status.heardAtMs, i), lengthMs, deaf)
}

/** When the worker counts as unreadable if no sample comes; Infinity before enough polls gave none. */
export function unreadableAtMs(page: WorkerPage, i: number, context: WorkerContext): number {
  const { status } = page
  if (!isSeen(page, i) || valueAt(status.pollsUnread, i) < context.thresholds.failedPolls) {
    return Number.POSITIVE_INFINITY
  }
  // A machine that has never given a sample is waited for from its commissioning on.
  const fromMs = valueAt(status.goodAtMs, i) || valueAt(status.statusSinceMs, i)
  return listenedAt(fromMs, silenceMs(context), context.node.deaf)
}

/** When a worker that was not heard since its node's return is asked for itself again. */
export function graceEndsAtMs({ node, thresholds, intervalMs }: WorkerContext): number {
  const lengthMs = Math.max(thresholds.graceMs, thresholds.graceIntervals * intervalMs)
  return listenedAt(node.returnedAtMs, lengthMs, node.deaf)
}

/** The silence at the time of a view, as a code of `SILENCES`. */
export function silenceAt(view: View): number {
  const { page, i, context, atMs } = view
  if (isNodeAway(view)) return SILENCE.node
  if (context.isConflict) return SILENCE.conflict
  if (unreachableAtMs(page, i, context) <= atMs) return SILENCE.unreachable
  return unreadableAtMs(page, i, context) <= atMs ? SILENCE.unreadable : SILENCE.none
}

function isNodeAway({ page, i, context, atMs }: View): boolean {
  const { silentAtMs, returnedAtMs } = context.node
  if (silentAtMs <= atMs) return true
  if (valueAt(page.status.silence, i) !== SILENCE.node) return false
  // Back again: until the worker is heard, or has had the time for it.
  return valueAt(page.status.heardAtMs, i) < returnedAtMs && atMs < graceEndsAtMs(context)
}
