import { MINUTE_MS, SECOND_MS } from '../../schemas/units.ts'

/**
 * The longest time since access.keys was read to its end. After it /readyz says so, and no more requests should come here.
 */
export const READY_WITHIN_MS = MINUTE_MS

/** After this time keys are no longer believed: one of them may have been revoked. */
export const BELIEVED_WITHIN_MS = 300_000

/** How fresh a table of keys is: a revocation that could not be read must not count as none. */
export class Freshness {
  #currentAtMs: number

  /** @param nowMs on the monotonic clock. */
  constructor(nowMs: number) {
    this.#currentAtMs = nowMs
  }

  /** At this time the table had everything that the log held. */
  current(atMs: number): void {
    if (atMs > this.#currentAtMs) this.#currentAtMs = atMs
  }

  /** What to wait for, in words; empty while the table is followed. */
  waitingFor(nowMs: number): string[] {
    const ageMs = nowMs - this.#currentAtMs
    return ageMs > READY_WITHIN_MS
      ? [`access.keys to be read to its end; it was so ${Math.round(ageMs / SECOND_MS)} s ago`]
      : []
  }

  /** Whether a key may still be believed. */
  isBelieved(nowMs: number): boolean {
    return nowMs - this.#currentAtMs <= BELIEVED_WITHIN_MS
  }
}
