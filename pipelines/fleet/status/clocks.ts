/** What a sample says of a condition. Unknown, and times without samples, neither prove nor disprove it. */
export type Verdict = 'holds' | 'gone' | 'unknown'

const CLOCK_MAX = 65_535

/**
 * A clock of a condition: 0 while it does not hold, else 1 + the seconds for which it has held in samples that follow
 * each other. It moves with current samples only, by the whole seconds of observation time between them, and stops at
 * 18 hours. What is unknown lets it stand: a silence is no evidence, and does not undo any.
 */
export function moved(clock: number, verdict: Verdict, stepS: number): number {
  if (verdict === 'unknown') return clock
  if (verdict === 'gone') return 0
  return clock === 0 ? 1 : Math.min(clock + stepS, CLOCK_MAX)
}

/** Whether the condition has held for `sustainS`: at 0, as soon as it holds. */
export function hasHeld(clock: number, sustainS: number): boolean {
  return clock > sustainS
}

/** How long it has held. */
export function heldS(clock: number): number {
  return Math.max(0, clock - 1)
}
