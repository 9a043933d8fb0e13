import { UNKNOWN, valueAt } from '../live/memory.ts'
import { meanOfR5 } from '../live/rates.ts'
import { POWER_SOURCES } from '../live/sample.ts'
import type { Origin, Place, PowerSource } from '../live/sample.ts'
import { deliveredPct, workOf } from '../live/shares.ts'
import type { Versions } from './context.ts'
import type { NoticeKind, Severity } from './notices/kinds.ts'
import type { Reason, Status } from './statuses.ts'
import type { TimerKind } from './timers.ts'
import type { View } from './view.ts'

/**
 * What led to a decision. A timer names no place in the log: which record happened to come after it is an accident, and
 * the due time alone decides.
 */
export type Cause =
  | { readonly by: 'sample' | 'poll'; readonly origin: Origin; readonly place: Place; readonly tMs: number }
  | { readonly by: 'timer'; readonly timer: TimerKind; readonly dueMs: number }
  | { readonly by: 'command'; readonly place: Place }

/** The numbers that rules compared. Null: not known, and the rules that need it were off. */
export interface Values {
  readonly r5Hs: number | null
  readonly r10Hs: number | null
  readonly intendedHs: number | null
  readonly deliveredPct: number | null
  readonly shares: number
  readonly powerW: number | null
  readonly powerSource: PowerSource
  readonly intendedW: number | null
  /** Percent of H* and W* that the windows leave. */
  readonly targetPct: number
  /** When the event began whose windows are active; null without one. */
  readonly windowFromMs: number | null
  /** Observation time of the worker's last current sample; null: there was none. */
  readonly sampleMs: number | null
}

/** Why a decision is as it is: enough to take it again. */
export interface Evidence {
  readonly cause: Cause
  /** The reason of the rule that matched, or the kind of a notification. */
  readonly rule: string
  readonly values: Values
  readonly engine: number
  readonly versions: Versions
}

/** A worker's status, reason, or whether anything is known of it, has changed. */
export interface StatusChange {
  readonly type: 'status'
  readonly i: number
  /** Log time as of which it changed: of the sample, or when the timer was due. */
  readonly atMs: number
  readonly was: { readonly status: Status | null; readonly reason: Reason; readonly isUnknown: boolean }
  readonly status: Status
  readonly reason: Reason
  /** Nothing is known of it now: its node is silent, it is unreadable, or two machines claim to be it. */
  readonly isUnknown: boolean
  readonly statusSinceMs: number
  readonly reasonSinceMs: number
  /** Counts a worker's changes from 1. */
  readonly version: number
  readonly evidence: Evidence
}

/** A record about a worker opens, becomes more severe (or the status that it tells of changes), or closes. */
export interface NoticeChange {
  readonly type: 'notice'
  readonly i: number
  readonly atMs: number
  readonly action: 'open' | 'change' | 'close'
  readonly kind: NoticeKind
  readonly severity: Severity
  readonly value: number | null
  readonly threshold: number | null
  readonly evidence: Evidence
}

export type Decision = StatusChange | NoticeChange

/** The evidence of a decision that is taken now. */
export function evidenceOf(view: View, cause: Cause, rule: string): Evidence {
  const { engine, versions } = view.context
  return { cause, rule, values: valuesOf(view), engine: engine.version, versions }
}

function valuesOf({ page, i, context, intendedHs, intendedW, window }: View): Values {
  const { live } = page
  const work = workOf(page, i)
  const powerSource = POWER_SOURCES[valueAt(live.powerSource, i)] ?? 'none'
  return {
    r5Hs: known(valueAt(live.r5Hs, i)),
    r10Hs: known(meanOfR5(page, i, context.intervalMs)),
    intendedHs: intendedHs === 0 ? null : intendedHs,
    deliveredPct: deliveredPct(work, context.model.shareMultiplier),
    shares: work.accepted + work.refused,
    powerW: powerSource === 'none' ? null : valueAt(live.powerW, i),
    powerSource,
    intendedW: intendedW === 0 ? null : intendedW,
    targetPct: window.targetPct,
    windowFromMs: window.eventFromMs === 0 ? null : window.eventFromMs,
    sampleMs: valueAt(live.sampleMs, i) || null,
  }
}

function known(value: number): number | null {
  return value === UNKNOWN ? null : value
}
