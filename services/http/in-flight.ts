import type { Clock } from '../../pipelines/clock.ts'
import { Shares } from './shares.ts'
import { MIB } from '../../schemas/units.ts'

/** Requests with a body that may be under way at once in a server; one credential alone may have half of them. */
export const REQUESTS_MAX = 1_000

/** Bytes of all their bodies, those that have arrived plus those that are unpacked; one credential may have half. */
export const REQUEST_BYTES_MAX = 128 * MIB

/**
 * Of these, the bytes that may always be under way, whatever was answered before: half of it holds two of the largest bodies.
 */
export const REQUEST_BYTES_MIN = 32 * MIB

/** Beyond that, only as many bytes as were answered in this time: what is let in is then answered in about the same time. */
export const ANSWERED_WITHIN_MS = 2_000

/** The bytes that were answered are added up in steps of this length. */
const STEP_MS = 250
const STEPS = ANSWERED_WITHIN_MS / STEP_MS

/**
 * The one bound for all bodies of a server, whatever route they are for. It limits what is under way, so that many
 * clients at once get an early 503; the process does not run out of memory, and no answer comes after its client has
 * given up. Bytes that are let in wait for those before them, so there may be as many as were answered of late, and no
 * more; each credential has its share of them.
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

  /** The request with a body of this size was carried out. */
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
