import { valueAt } from '../../live/memory.ts'
import { evidenceOf } from '../decisions.ts'
import type { Cause, Decision } from '../decisions.ts'
import { NOTICE_PLACES } from '../memory.ts'
import { reasonOf, STATUS } from '../statuses.ts'
import { isExcused } from '../view.ts'
import type { View } from '../view.ts'
import { NOTICE_KINDS } from './kinds.ts'
import type { Severity } from './kinds.ts'

const PLACE = NOTICE_KINDS.indexOf('status')

/** By status code; the record's level is the status that it tells of. */
const SEVERITIES: readonly Severity[] = ['info', 'info', 'critical', 'critical', 'warning', 'info']

/**
 * Tells of a worker that is not working: one record from its first such status until it works again. Windows and repairs
 * are silent, and what is wrong after them is told then. A node's silence is told once for the node, and a machine that
 * has never been seen is not missed.
 */
export function tellStatus(view: View, cause: Cause, out: Decision[]): void {
  const { page, i } = view
  const status = valueAt(page.status.status, i)
  const reason = reasonOf(valueAt(page.status.reason, i))
  if (isExcused(view) || reason === 'node_unavailable' || reason === 'never_seen') return
  const place = i * NOTICE_PLACES + PLACE
  const told = valueAt(page.notices.level, place)
  const next = status === STATUS.working ? 0 : status
  if (next === told) return
  page.notices.level[place] = next
  out.push({
    type: 'notice',
    i,
    atMs: view.atMs,
    action: told === 0 ? 'open' : next === 0 ? 'close' : 'change',
    kind: 'status',
    severity: SEVERITIES[next === 0 ? told : next] ?? 'info',
    value: null,
    threshold: null,
    evidence: evidenceOf(view, cause, reason),
  })
}
