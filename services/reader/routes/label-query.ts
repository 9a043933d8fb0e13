import { EVENTS_KEPT_DAYS, LABEL_GROUPS_MAX } from '../../../schemas/http/usage.ts'
import { DAY_MS } from '../../../schemas/units.ts'
import type { LabelFilter, LabelledWindow } from '../../../pipelines/clickhouse/queries/labelled-usage.ts'
import type { UsageGroup } from '../../../pipelines/clickhouse/queries/usage-windows.ts'
import { Problem } from '../../http/problem.ts'
import { invalidParameter } from '../../http/refusal.ts'
import { formatTime } from '../../http/times.ts'

const PREFIX = 'label.'

/** What a request asks for by `group_by` and by the parameters of labels. */
export interface RequestedGroups {
  readonly groupBy: readonly UsageGroup[]
  readonly groupLabel: string | null
  readonly labels: LabelFilter
}

/** The parameters `label.NAME` of a request. */
export function labelsOf(query: object): LabelFilter {
  const given = Object.entries(query).filter(([name]) => name.startsWith(PREFIX))
  return Object.fromEntries(given.map(([name, value]) => [name.slice(PREFIX.length), String(value)]))
}

/** Throws a Problem (422) for more than one label to group by. */
export function groupsOf(query: { readonly group_by?: string }): RequestedGroups {
  const given = new Set(query.group_by?.split(','))
  const [groupLabel = null, ...more] = [...given].filter((name) => name.startsWith(PREFIX))
  if (more.length > 0) throw invalidParameter('group_by', '"group_by" takes one label.')
  return {
    groupBy: [...given].filter((name): name is UsageGroup => !name.startsWith(PREFIX)),
    groupLabel: groupLabel?.slice(PREFIX.length) ?? null,
    labels: labelsOf(query),
  }
}

/** Whether labels are requested; only single events have them. */
export function wantsLabels({ groupLabel, labels }: RequestedGroups): boolean {
  return groupLabel !== null || Object.keys(labels).length > 0
}

/** Throws a Problem (422) where single events of the range are no longer kept. */
export function assertKept(fromMs: number, nowMs: number): void {
  const keptFromMs = nowMs - EVENTS_KEPT_DAYS * DAY_MS
  if (fromMs >= keptFromMs) return
  throw new Problem(
    'windows_expired',
    `Labels stand on single events, which are kept ${EVENTS_KEPT_DAYS} days: ask for a "from" at or after ${formatTime(keptFromMs)}.`,
  )
}

/** Throws a Problem (422) for more groups than one answer has. */
export function assertGroups(windows: readonly LabelledWindow[]): void {
  const groups = new Set(
    windows.map(({ modelId, taskSource, label }) => JSON.stringify([modelId, taskSource, label])),
  )
  if (groups.size <= LABEL_GROUPS_MAX) return
  throw new Problem(
    'too_many_groups',
    `That is more than ${LABEL_GROUPS_MAX} groups. Filter by a label, or group by one of fewer values.`,
  )
}
