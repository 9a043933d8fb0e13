import { SECOND_MS } from '../../../schemas/units.ts'

/** The log's time at one moment of the node's own monotonic clock, which counts from the start of its machine. */
export interface Anchor {
  readonly bootMs: number
  readonly logMs: number
  /** How wrong it may be: the acknowledgement was under way for twice as long. */
  readonly errorMs: number
}

/** How much a quartz may go wrong: 50 millionths. */
const DRIFT_PER_MS = 0.000_05
/** Anchors that differ by more than this cannot both be right: the log's newest word holds. */
const STEP_MS_MAX = 5 * SECOND_MS

/** What one acknowledgement says: the log gave its time between the sending and the arrival of the answer. */
export function anchorOf(sentMs: number, arrivedMs: number, logMs: number): Anchor {
  return { bootMs: (sentMs + arrivedMs) / 2, logMs, errorMs: (arrivedMs - sentMs) / 2 }
}

/** The better one of two: the one that is less wrong by now, unless the log's time has jumped. */
export function betterAnchor(kept: Anchor | null, next: Anchor): Anchor {
  if (kept === null) return next
  const ageMs = next.bootMs - kept.bootMs
  const errorMs = kept.errorMs + Math.abs(ageMs) * DRIFT_PER_MS
  const differenceMs = Math.abs(kept.logMs + ageMs - next.logMs)
  return next.errorMs <= errorMs || differenceMs > STEP_MS_MAX ? next : kept
}

/** The log's time at a moment of the monotonic clock. */
export function logTimeAt({ bootMs, logMs }: Anchor, atBootMs: number): number {
  return Math.round(logMs + (atBootMs - bootMs))
}
