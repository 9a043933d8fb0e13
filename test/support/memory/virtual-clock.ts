import type { Clock } from '../../../pipelines/clock.ts'

interface Timer {
  readonly dueMs: number
  readonly resolve: () => void
}

/**
 * Time that passes only when every caller waits: the earliest timer is due as soon as all promises have settled. Hours of
 * waiting take no time, and always pass in the same way.
 */
export class VirtualClock implements Clock {
  #nowMs: number
  #timers: Timer[] = []
  #pumping = false

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  /** Lets time pass; timers that are due by then fire with the next wait. */
  pass(durationMs: number): void {
    this.#nowMs += durationMs
  }

  async delay(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = { dueMs: this.#nowMs + timeoutMs, resolve }
    this.#timers.push(timer)
    signal?.addEventListener('abort', () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
      resolve()
    })
    this.#pump()
    await promise
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    setImmediate(() => {
      this.#pumping = false
      const [earliest] = this.#timers.toSorted((left, right) => left.dueMs - right.dueMs)
      if (earliest === undefined) return
      this.#timers = this.#timers.filter((timer) => timer !== earliest)
      this.#nowMs = Math.max(this.#nowMs, earliest.dueMs)
      earliest.resolve()
      this.#pump()
    })
  }
}
