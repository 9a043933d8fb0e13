import { valueAt } from '../../live/memory.ts'
import { workOf } from '../../live/shares.ts'
import { forgetWarmth, riseC } from '../../live/warmth.ts'
import { hasHeld, moved } from '../clocks.ts'
import { evidenceOf } from '../decisions.ts'
import type { Cause, Decision, NoticeChange } from '../decisions.ts'
import { NOTICE_PLACES, SEVERE_KINDS, SEVERE_PLACES } from '../memory.ts'
import type { Observation } from '../observe.ts'
import { STATUS } from '../statuses.ts'
import { isExcused } from '../view.ts'
import type { View } from '../view.ts'
import { NOTICE_KINDS } from './kinds.ts'
import { LEVEL } from './rule.ts'
import type { Level, NoticeRule, Sight } from './rule.ts'

/** How a record may change with one sample. */
interface Move {
  readonly sight: Sight
  readonly rule: NoticeRule
  readonly found: Level
  /** Where the rule's level and clock stand. */
  readonly place: number
}

/**
 * Moves the records of one worker with a current sample, and adds those that open, become more severe or close to `out`.
 * `view` is the worker at the time of the decision, `observation` the sample with the windows of its own time: a rule is
 * silent if either is excused.
 */
export function notify(view: View, observation: Observation, cause: Cause, out: Decision[]): void {
  const { page, i } = view
  const isSilent =
    isExcused(view) || isExcused(observation.view) || valueAt(page.status.status, i) === STATUS.inMaintenance
  const sight = sightOf(observation)
  for (const rule of view.context.engine.notices) {
    const place = i * NOTICE_PLACES + NOTICE_KINDS.indexOf(rule.kind)
    if (isSilent && !rule.isSafety && rule.isOfWindow !== true) {
      // What a window showed is no evidence after it; an open record waits for its end.
      if (valueAt(page.notices.level, place) === LEVEL.gone) page.notices.clock[place] = 0
      continue
    }
    const move = { sight, rule, found: rule.judge(sight), place }
    if (move.found === LEVEL.unknown) continue
    const action = valueAt(page.notices.level, place) === LEVEL.gone ? openOf(move) : closeOf(move)
    if (action !== null) out.push(changeOf(view, move, action, cause))
  }
}

function sightOf(observation: Observation): Sight {
  const { view, sample, comesUp, isIntended } = observation
  const { page, i } = view
  const before = valueAt(page.status.poolsDigest, i)
  if (sample.poolsDigest !== null) page.status.poolsDigest[i] = sample.poolsDigest
  const warms = comesUp || !isIntended || view.window.isRamping
  if (warms) forgetWarmth(page, i)
  return {
    ...observation,
    work: workOf(page, i),
    riseC: warms || sample.chipMaxC === null ? null : riseC(page, i, sample.tMs, sample.chipMaxC),
    arePoolsNew: before !== 0 && sample.poolsDigest !== null && sample.poolsDigest !== before,
  }
}

/** Opens a record when its condition has held long enough: at the severe level, if that has. */
function openOf(move: Move): NoticeChange['action'] | null {
  const { sight, rule, found, place } = move
  const { notices } = sight.view.page
  const timing = sight.view.context.thresholds.notices[rule.kind]
  const clock = moved(valueAt(notices.clock, place), found >= LEVEL.mild ? 'holds' : 'gone', sight.stepS)
  notices.clock[place] = clock
  const isSevere = hasBeenSevere(move)
  if (!isSevere && !hasHeld(clock, timing.sustainS)) return null
  notices.level[place] = isSevere ? LEVEL.severe : LEVEL.mild
  // From now on the clock says for how long the condition is gone.
  notices.clock[place] = 0
  return 'open'
}

/** Keeps an open record, makes it more severe, or closes it when its condition has been gone long enough. */
function closeOf(move: Move): NoticeChange['action'] | null {
  const { sight, rule, found, place } = move
  const { notices } = sight.view.page
  const timing = sight.view.context.thresholds.notices[rule.kind]
  const clock = moved(valueAt(notices.clock, place), found === LEVEL.gone ? 'holds' : 'gone', sight.stepS)
  notices.clock[place] = clock
  if (hasBeenSevere(move) && valueAt(notices.level, place) === LEVEL.mild) {
    notices.level[place] = LEVEL.severe
    return 'change'
  }
  if (!hasHeld(clock, timing.cooldownS)) return null
  notices.clock[place] = 0
  return 'close'
}

function hasBeenSevere({ sight, rule, found }: Move): boolean {
  const which = SEVERE_KINDS.indexOf(rule.kind)
  if (which < 0) return false
  const { page, i, context } = sight.view
  const place = i * SEVERE_PLACES + which
  const clock = moved(
    valueAt(page.severe.clock, place),
    found === LEVEL.severe ? 'holds' : 'gone',
    sight.stepS,
  )
  page.severe.clock[place] = clock
  return hasHeld(clock, context.thresholds.notices[rule.kind].severeSustainS)
}

function changeOf(
  view: View,
  { sight, rule, place }: Move,
  action: NoticeChange['action'],
  cause: Cause,
): NoticeChange {
  const { notices } = view.page
  const level = valueAt(notices.level, place) === LEVEL.severe ? LEVEL.severe : LEVEL.mild
  if (action === 'close') notices.level[place] = LEVEL.gone
  return {
    type: 'notice',
    i: view.i,
    atMs: view.atMs,
    action,
    kind: rule.kind,
    severity: level === LEVEL.severe ? (rule.severeSeverity ?? rule.severity) : rule.severity,
    value: rule.value(sight),
    threshold: rule.threshold(sight, level),
    evidence: evidenceOf(view, cause, rule.kind),
  }
}
