import type { Clock } from '../../pipelines/clock.ts'

/** Requests with a body that may be under way at once. */
export const REQUESTS_MAX = 1_000

/** Bytes of their bodies, as received. */
export const REQUEST_BYTES_MAX = 128 * 1_048_576

/** Of these, as much as may be under way whatever was answered before. */
export const REQUEST_BYTES_MIN = 16 * 1_048_576

/** Beyond that, no more than was answered in so long: what is let in is answered about as soon. */
export const ANSWERED_WITHIN_MS = 2_000

/** What was answered is added up in steps. */
const STEP_MS = 250
const STEPS = ANSWERED_WITHIN_MS / STEP_MS

/**
 * What is under way, so that many clients at once meet an early 503 and not a process without memory, nor an answer that
 * comes when they have given up: bytes let in wait for those before them, so there may be as many as the log has taken of
 * late, and no more.
 */
export class InFlight {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #answered = new Float64Array(STEPS)
  #step = 0
  #requests = 0
  #sizeBytes = 0

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** Takes room for a request, or answers false. */
  enter(sizeBytes: number): boolean {
    if (this.#requests >= REQUESTS_MAX || this.#sizeBytes + sizeBytes > this.#bytesMax()) return false
    this.#requests += 1
    this.#sizeBytes += sizeBytes
    return true
  }

  /** `isTaken`: its events are in the log. */
  leave(sizeBytes: number, isTaken: boolean): void {
    this.#requests -= 1
    this.#sizeBytes -= sizeBytes
    if (!isTaken) return
    this.#forgetOld()
    const at = this.#step % STEPS
    this.#answered[at] = (this.#answered[at] ?? 0) + sizeBytes
  }

  #bytesMax(): number {
    this.#forgetOld()
    const answered = this.#answered.reduce((sum, bytes) => sum + bytes, 0)
    return Math.min(REQUEST_BYTES_MAX, Math.max(REQUEST_BYTES_MIN, answered))
  }

  #forgetOld(): void {
    const step = Math.floor(this.#clock.monotonicMs() / STEP_MS)
    const passed = Math.min(STEPS, step - this.#step)
    for (let back = 0; back < passed; back++) this.#answered[(step - back) % STEPS] = 0
    this.#step = step
  }
}
