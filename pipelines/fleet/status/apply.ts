import { isCurrent } from '../live/current.ts'
import { valueAt } from '../live/memory.ts'
import type { FailedPoll, LiveSample, Origin, Place } from '../live/sample.ts'
import { latchBroken, unlatchBroken } from './broken.ts'
import type { WorkerContext } from './context.ts'
import { decide } from './decide.ts'
import type { Cause, Decision } from './decisions.ts'
import { hearFailure, hearSample } from './hearing.ts'
import { clearWorker, startWorker } from './memory.ts'
import type { WorkerPage } from './memory.ts'
import { notify } from './notices/notify.ts'
import { observe } from './observe.ts'
import { STATUS } from './statuses.ts'
import { nextTimer } from './timers.ts'
import type { Timer } from './timers.ts'
import { wholly } from './undo.ts'
import { viewAt } from './view.ts'

/**
 * The live plane's surface. A page is changed in place; what is returned has to be told. The order of calls for one
 * worker is the order of the log: before anything of log time N is applied to it, `fireTimers` has been called with N.
 * How many calls share a batch, and how often timers are fired in between, decides nothing.
 */

/** Timers of one worker that one call fires. What is left is due still: `dueMs` says so. */
const TIMERS_PER_CALL_MAX = 256

const NOTHING: readonly Decision[] = []

/** Puts a worker at an index of a page: it is stopped, and was never seen. */
export function commission(
  page: WorkerPage,
  i: number,
  place: Place,
  context: WorkerContext,
): readonly Decision[] {
  startWorker(page, i)
  return settle(page, i, place.nowMs, context, { by: 'command', place })
}

/** Takes a worker off its page. It is in no count any more. */
export function retire(page: WorkerPage, i: number): void {
  clearWorker(page, i)
}

/**
 * Applies a sample of the lease's holder. A sample that is not current (`isCurrent`), a repeat among them, changes
 * nothing, and one on which a rule throws changes nothing either. `context`: the versions valid at the sample's
 * observation time.
 */
export function applyCurrent(
  page: WorkerPage,
  i: number,
  sample: LiveSample,
  origin: Origin,
  place: Place,
  context: WorkerContext,
): readonly Decision[] {
  if (!isCommissioned(page, i)) return NOTHING
  if (!isCurrent(sample.tMs, valueAt(page.live.sampleMs, i), place.nowMs)) return NOTHING
  return wholly(page.undo, i, () =>
    take(page, i, sample, { by: 'sample', origin, place, tMs: sample.tMs }, context),
  )
}

function take(
  page: WorkerPage,
  i: number,
  sample: LiveSample,
  cause: Cause & { readonly by: 'sample' },
  context: WorkerContext,
): readonly Decision[] {
  const { nowMs } = cause.place
  const observation = observe(page, i, sample, context)
  hearSample(page, i, sample.tMs, nowMs)
  for (const judge of context.engine.judges) judge(observation)
  const decisions: Decision[] = []
  const view = viewAt(page, i, nowMs, context)
  decide(view, cause, decisions)
  notify(view, observation, cause, decisions)
  schedule(page, i, context)
  return decisions.length === 0 ? NOTHING : decisions
}

/** Applies the result of a poll that gave no sample. One that is not newer than what was heard before changes nothing. */
export function applyFailedPoll(
  page: WorkerPage,
  i: number,
  poll: FailedPoll,
  origin: Origin,
  place: Place,
  context: WorkerContext,
): readonly Decision[] {
  if (!isCommissioned(page, i)) return NOTHING
  if (!isCurrent(poll.tMs, valueAt(page.status.heardMs, i), place.nowMs)) return NOTHING
  return wholly(page.undo, i, () => {
    hearFailure(page, i, poll, place.nowMs)
    return settle(page, i, place.nowMs, context, { by: 'poll', origin, place, tMs: poll.tMs })
  })
}

/**
 * Fires what is due of one worker until `nowMs`, in order, each timer as of its due time. `contextAt` gives the versions
 * valid at a time, of those that are known at this place of the log.
 */
export function fireTimers(
  page: WorkerPage,
  i: number,
  nowMs: number,
  contextAt: (atMs: number) => WorkerContext,
): readonly Decision[] {
  if (!isCommissioned(page, i)) return NOTHING
  let decisions: Decision[] | null = null
  for (let fired = 0; fired < TIMERS_PER_CALL_MAX; fired++) {
    const timer = nextTimer(page, i, contextAt(valueAt(page.status.decidedMs, i)))
    page.status.dueMs[i] = timer.dueMs
    if (timer.dueMs > nowMs) break
    decisions ??= []
    fire(page, i, timer, contextAt(timer.dueMs), decisions)
  }
  return decisions ?? NOTHING
}

function fire(
  page: WorkerPage,
  i: number,
  { dueMs, kind }: Timer,
  context: WorkerContext,
  out: Decision[],
): void {
  wholly(page.undo, i, () =>
    decide(viewAt(page, i, dueMs, context), { by: 'timer', timer: kind, dueMs }, out),
  )
}

/** Sets when `fireTimers` has to be called for a worker, after something in its context has changed. */
export function schedule(page: WorkerPage, i: number, context: WorkerContext): void {
  page.status.dueMs[i] = isCommissioned(page, i)
    ? nextTimer(page, i, context).dueMs
    : Number.POSITIVE_INFINITY
}

/**
 * Decides anew as of a record that changed a worker's context, such as a conflict, or a repair that begins at once: no
 * timer may be due for it.
 */
export function reconsider(
  page: WorkerPage,
  i: number,
  place: Place,
  context: WorkerContext,
): readonly Decision[] {
  if (!isCommissioned(page, i)) return NOTHING
  return wholly(page.undo, i, () => settle(page, i, place.nowMs, context, { by: 'command', place }))
}

/** Lets `fireTimers` look at a worker at `atMs`: what it heard of its node may make something due. */
export function wake({ status }: WorkerPage, i: number, atMs: number): void {
  status.dueMs[i] = Math.min(valueAt(status.dueMs, i), atMs)
}

/** Marks a worker as broken by hand, or takes such a mark, or a latch of the rules, away. */
export function markBroken(
  page: WorkerPage,
  i: number,
  isBroken: boolean,
  place: Place,
  context: WorkerContext,
): readonly Decision[] {
  if (!isCommissioned(page, i)) return NOTHING
  return wholly(page.undo, i, () => {
    unlatchBroken(page, i)
    if (isBroken) latchBroken(page, i, 'broken_manual')
    return settle(page, i, place.nowMs, context, { by: 'command', place })
  })
}

function settle(
  page: WorkerPage,
  i: number,
  atMs: number,
  context: WorkerContext,
  cause: Cause,
): readonly Decision[] {
  const decisions: Decision[] = []
  decide(viewAt(page, i, atMs, context), cause, decisions)
  schedule(page, i, context)
  return decisions
}

/** Whether a worker stands at an index of a page. */
export function isCommissioned({ status }: WorkerPage, i: number): boolean {
  return valueAt(status.status, i) !== STATUS.none
}
