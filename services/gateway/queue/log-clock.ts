import type { Clock } from '../../../pipelines/clock.ts'

/**
 * How far the machine's clock may have been set since the last acknowledgement: enough for a clock that is slewed
 * overnight, and far below the 10 minutes by which the task's bounds are wider than the gateway's.
 */
const CLOCK_STEP_MS_MAX = 30_000

/**
 * The log's clock, as far as the gateway can know it: the machine's clock, corrected by the LogAppendTime that each
 * acknowledgement returns. Receipts are judged by it, so that all gateways and tasks judge by one clock.
 */
export class LogClock {
  readonly #clock: Clock
  #offsetMs: number | null = null
  #wallMs = 0
  #monotonicMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The broker stamped a record with `logAppendTimeMs` between `sentAtMs` (machine's clock) and now. */
  acknowledged(logAppendTimeMs: number, sentAtMs: number): void {
    this.#wallMs = this.#clock.nowMs()
    this.#monotonicMs = this.#clock.monotonicMs()
    this.#offsetMs = logAppendTimeMs - Math.round((sentAtMs + this.#wallMs) / 2)
  }

  /**
   * Now, by the log's clock. Null before the first acknowledgement, and after the machine's clock was set or the machine
   * slept: only another acknowledgement gives the time then.
   */
  receiptMs(): number | null {
    if (this.#offsetMs === null) return null
    const wallMs = this.#clock.nowMs()
    const stepMs = wallMs - this.#wallMs - (this.#clock.monotonicMs() - this.#monotonicMs)
    return Math.abs(stepMs) > CLOCK_STEP_MS_MAX ? null : wallMs + this.#offsetMs
  }
}
