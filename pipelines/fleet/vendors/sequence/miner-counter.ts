/** A counter of 32 bits that wraps falls from somewhere near 2^32 to somewhere near 0. */
const WRAP = 2 ** 32
const WRAP_FROM = 2 ** 31

/** What a step of a counter is: what was added, and why it is not the plain difference. */
export interface Step {
  readonly delta: number | null
  readonly kind: 'first' | 'plain' | 'restart' | 'wrap' | 'decreased' | 'missing'
}

/** What the uptime says of the time since the sample before: it grew, or fell, or is not known. */
export type Uptime = 'grown' | 'restart' | 'unknown'

/**
 * The steps of one counter that begins anew when the mining process starts. A sample without a value leaves the baseline
 * where it is, and the next value counts from there.
 */
export class MinerCounterSteps {
  #last: number | null = null
  #hasRestarted = false

  /** The next sample's value; null where it has none. */
  next(value: number | null, uptime: Uptime): Step {
    this.#hasRestarted ||= uptime === 'restart'
    if (value === null) return { delta: null, kind: 'missing' }
    const step = this.#stepTo(value, uptime)
    this.#last = value
    this.#hasRestarted = false
    return step
  }

  #stepTo(value: number, uptime: Uptime): Step {
    const last = this.#last
    if (last === null) return { delta: null, kind: 'first' }
    if (this.#hasRestarted) return { delta: value, kind: 'restart' }
    if (value >= last) return { delta: value - last, kind: 'plain' }
    // With growing uptime a fall from so high is a wrap; of any other fall nobody knows what it is.
    if (uptime === 'grown' && last > WRAP_FROM && last < WRAP)
      return { delta: value + WRAP - last, kind: 'wrap' }
    return { delta: null, kind: 'decreased' }
  }
}
