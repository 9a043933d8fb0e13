import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../../../pipelines/clock.ts'

/** A turn of the process: it looks at its sockets and files at least once in each. */
const TURN_MS = 2
/** What passes in one turn: ten times faster than on a wall, where the machine is idle. */
const PASSES_MS = 20

interface Timer {
  readonly dueMs: number
  readonly resolve: () => void
}

/**
 * Time for tests over real sockets, in which the other side is in this process: it passes by the turns that the process gets, each
 * the same, and only while somebody waits for it. So waits are short, and a machine that is busy with other things stretches all of
 * them together: a bound of 5 s is always 250 turns, however long they take.
 */
export class QuickClock implements Clock {
  readonly #startMs = Date.now()
  #passedMs = 0
  #timers: Timer[] = []
  #isPassing = false

  readonly nowMs = (): number => this.#startMs + this.#passedMs
  readonly monotonicMs = (): number => this.#passedMs

  readonly delay = async (timeoutMs: number, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted === true) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = { dueMs: this.#passedMs + timeoutMs, resolve }
    this.#timers.push(timer)
    const onAbort = (): void => {
      this.#timers = this.#timers.filter((other) => other !== timer)
      resolve()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    void this.#pass()
    await promise
    signal?.removeEventListener('abort', onAbort)
  }

  async #pass(): Promise<void> {
    if (this.#isPassing) return
    this.#isPassing = true
    while (this.#timers.length > 0) {
      await pause(TURN_MS)
      this.#passedMs += PASSES_MS
      const due = this.#timers.filter(({ dueMs }) => dueMs <= this.#passedMs)
      this.#timers = this.#timers.filter((timer) => !due.includes(timer))
      for (const { resolve } of due.toSorted((left, right) => left.dueMs - right.dueMs)) resolve()
    }
    this.#isPassing = false
  }
}
