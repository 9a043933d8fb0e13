import type { Clock } from '../../pipelines/clock.ts'
import { Shares } from './shares.ts'
import { MIB } from '../../schemas/units.ts'

/** Requests with a body that may be under way at once in a server; one credential alone may have half of them. */
export const REQUESTS_MAX = 1_000

/** Bytes of all their bodies, as far as they have arrived and again as far as they are unpacked; one credential: half. */
export const REQUEST_BYTES_MAX = 128 * MIB

/** Of these, as much as may be under way whatever was answered before: half of it holds two of the largest bodies. */
export const REQUEST_BYTES_MIN = 32 * MIB

/** Beyond that, no more than was answered in so long: what is let in is answered about as soon. */
export const ANSWERED_WITHIN_MS = 2_000

/** What was answered is added up in steps. */
const STEP_MS = 250
const STEPS = ANSWERED_WITHIN_MS / STEP_MS

/**
 * The one bound for all bodies of a server, whatever route they are for: what is under way, so that many clients at once meet
 * an early 503 and not a process without memory, nor an answer that comes when they have given up. Bytes let in wait for those
 * before them, so there may be as many as were answered of late, and no more; each credential has its share of them.
 */
export class InFlight {
  readonly requests = new Shares(REQUESTS_MAX)
  readonly bytes: Shares
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #answered = new Float64Array(STEPS)
  #step = 0

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
    this.bytes = new Shares(() => this.#bytesMax())
  }

  /** What a body of so many bytes asked for was done. */
  answered(sizeBytes: number): void {
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
