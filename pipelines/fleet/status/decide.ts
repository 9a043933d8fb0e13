import { valueAt } from '../live/memory.ts'
import { secondsOf } from '../live/start.ts'
import { unlatchBroken } from './broken.ts'
import { evidenceOf } from './decisions.ts'
import type { Cause, Decision } from './decisions.ts'
import { SILENCE, silenceAt } from './hearing.ts'
import { FACT, setFact } from './memory.ts'
import { tellStatus } from './notices/status-notice.ts'
import { reasonBeforeResuming } from './rules.ts'
import type { Rule } from './rules.ts'
import { codeOf, REASONS, reasonOf, STATUS, statusOf } from './statuses.ts'
import { forgetUnder } from './underperforming.ts'
import type { View } from './view.ts'

const NODE_UNAVAILABLE = codeOf('node_unavailable')
const TICKETS = new Set(REASONS.flatMap((reason, code) => (reason.startsWith('ticket_') ? [code] : [])))

/** Whether a silence means that nothing is known of the worker. Of an unreachable one we know that it does not answer. */
export function isUnknownBy(silence: number): boolean {
  return silence !== SILENCE.none && silence !== SILENCE.unreachable
}

/**
 * Decides the worker's status as of the view's time, from its columns and the context alone, and adds what changes to
 * `out`. What samples prove has been noted in the columns before.
 */
export function decide(view: View, cause: Cause, out: Decision[]): void {
  const { page, i, atMs, context } = view
  const { status } = page
  const was = {
    status: valueAt(status.status, i),
    reason: valueAt(status.reason, i),
    isUnknown: isUnknownBy(valueAt(status.silence, i)),
  }
  status.silence[i] = silenceAt(view)
  leaveNodeSilence(view)
  if (TICKETS.has(was.reason) && !isTicket(view)) unlatchBroken(page, i)
  const current = valueAt(status.status, i)
  const isAway = valueAt(status.silence, i) === SILENCE.node
  if ((current === STATUS.stopped && !isAway) || current === STATUS.inMaintenance) forgetUnder(page, i)
  setFact(page, i, FACT.nominalUnknown, view.intendedHs === 0)
  const rule = firstOf(context.engine.rules, view)
  const next = nextOf(rule, view)
  enter(view, rule, next.status)
  status.status[i] = next.status
  status.reason[i] = next.reason
  status.decidedMs[i] = atMs
  const isUnknown = isUnknownBy(valueAt(status.silence, i))
  if (next.status !== was.status) status.statusSinceMs[i] = atMs
  if (next.status !== was.status || next.reason !== was.reason) status.reasonSinceMs[i] = atMs
  else if (isUnknown === was.isUnknown) {
    tellStatus(view, cause, out)
    return
  }
  status.version[i] = valueAt(status.version, i) + 1
  out.push({
    type: 'status',
    i,
    atMs,
    was: { status: statusOf(was.status), reason: reasonOf(was.reason), isUnknown: was.isUnknown },
    status: statusOf(next.status) ?? 'working',
    reason: reasonOf(next.reason),
    isUnknown,
    statusSinceMs: valueAt(status.statusSinceMs, i),
    reasonSinceMs: valueAt(status.reasonSinceMs, i),
    version: valueAt(status.version, i),
    evidence: evidenceOf(view, cause, reasonOf(next.reason)),
  })
  tellStatus(view, cause, out)
}

function isTicket({ repair }: View): boolean {
  return repair !== null && repair.state !== 'manual'
}

function firstOf(rules: readonly Rule[], view: View): Rule {
  const rule = rules.find(({ holds }) => holds(view))
  if (rule === undefined) {
    throw new Error(`Engine ${view.context.engine.version} has no rule that holds always: its last one must.`)
  }
  return rule
}

/** After its node's silence a worker has the status that it had before, and the rules go on from there. */
function leaveNodeSilence({ page: { status }, i }: View): void {
  if (valueAt(status.reason, i) !== NODE_UNAVAILABLE || valueAt(status.silence, i) === SILENCE.node) return
  status.status[i] = valueAt(status.statusBefore, i)
  status.reason[i] = valueAt(status.reasonBefore, i)
}

/** Between Underperforming and Working a worker changes at most once in the dwell; a timer comes back to it then. */
function nextOf(rule: Rule, view: View): { readonly status: number; readonly reason: number } {
  const { page, i, atMs, context } = view
  const status = STATUS[rule.status]
  const current = valueAt(page.status.status, i)
  const isBetween = status !== current && isHashing(status) && isHashing(current)
  const dwells = isBetween && atMs - valueAt(page.status.statusSinceMs, i) < context.thresholds.dwellMs
  setFact(page, i, FACT.dwells, dwells)
  if (dwells) return { status: current, reason: valueAt(page.status.reason, i) }
  return { status, reason: rule.reason === 'as_before' ? reasonBeforeResuming(view) : codeOf(rule.reason) }
}

function isHashing(status: number): boolean {
  return status === STATUS.underperforming || status === STATUS.working
}

/** What a status needs to be remembered of the one before. */
function enter({ page, i }: View, rule: Rule, next: number): void {
  const { status, live } = page
  const current = valueAt(status.status, i)
  const reason = valueAt(status.reason, i)
  if (rule.reason === 'node_unavailable' && reason !== NODE_UNAVAILABLE) {
    status.statusBefore[i] = current
    status.reasonBefore[i] = reason
  }
  if (rule.status === 'stopped' && rule.reason !== 'as_before') status.goodSinceS[i] = 0
  if (current === STATUS.stopped && isHashing(next)) {
    // It comes up anew, also where its process never stopped.
    live.resumedS[i] = secondsOf(valueAt(live.sampleMs, i))
    setFact(page, i, FACT.comesUp, true)
  }
}
