import type { Intent } from '../live/intended.ts'
import type { Span } from '../live/listening.ts'
import type { Window } from '../live/windows.ts'
import type { Engine } from './engine.ts'
import type { Thresholds } from './thresholds.ts'

/** A time in which people work on a machine: a ticket in one of these states, or a mark that somebody set. */
export interface Repair {
  readonly state: 'diagnosing' | 'waiting_parts' | 'rma' | 'manual'
  /** Log time, half-open; Infinity while it lasts. */
  readonly fromMs: number
  readonly toMs: number
}

/** What is known of the node through which a worker is heard. */
export interface NodeHearing {
  /**
   * Log time from which on the node counts as unavailable unless it is heard before: in the past if it is, in the future
   * while it is there, Infinity for one that was never connected.
   */
  readonly silentAtMs: number
  /** Log time of its last return from that; 0 if it never was away. */
  readonly returnedAtMs: number
  /** When nothing could be heard through this node, or by us at all; disjoint, in order. See `listening.ts`. */
  readonly deaf: readonly Span[]
}

/** What the catalogue of models says, as far as rules need it. */
export interface ModelRules {
  /** How long the model needs after a start until it can be judged. */
  readonly rampMs: number
  /** Whether the device's own five minutes are believed. */
  readonly isDevice5mTrusted: boolean
  /** See `deliveredPct`. */
  readonly shareMultiplier: number | null
  readonly chipLimitC: number | null
}

/** Numbers of the versions of what the inventory says; they are passed on as evidence and not looked at. */
export type Versions = Readonly<Record<string, number>>

/**
 * All that may decide about a worker besides its own page: the versions that are valid at the time that is asked for, of
 * those known at that place in the log. What the node is, and whether there is a conflict, is as it stands at that place.
 * Windows and repairs are given with their times, coming ones too, and past ones as long as their ramp lasts: a sample is
 * judged by the windows of its own time, and a status by those of the time of the decision, or a sample of before an
 * edge that comes after it would undo what the edge did.
 */
export interface WorkerContext {
  readonly engine: Engine
  readonly thresholds: Thresholds
  readonly model: ModelRules
  readonly intent: Intent
  readonly powerCapW: number | null
  readonly intervalMs: number
  readonly node: NodeHearing
  readonly windows: readonly Window[]
  readonly repairs: readonly Repair[]
  /** Whether two machines claim to be this worker. */
  readonly isConflict: boolean
  /** Log time at which another version of any of these begins; Infinity if none is known. */
  readonly changesAtMs: number
  readonly versions: Versions
}
