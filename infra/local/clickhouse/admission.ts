import { ClickhouseError } from './errors.ts'

/** Requests inside the server at once, including those that wait; further ones are refused with code 202. */
const REQUESTS_MAX = 512

/**
 * Bounds what runs at once. Every running statement occupies a libuv thread, and a full pool would leave none for KILL
 * QUERY, for spool files and for compression.
 */
export class Admission {
  readonly #runningMax: number
  readonly #waiting = new Set<() => void>()
  readonly #whenIdle = new Set<() => void>()
  #requests = 0
  #running = 0

  /** @param threads size of the libuv pool; three of them are kept free. */
  constructor(threads: number) {
    this.#runningMax = Math.max(1, threads - 3)
  }

  /** Waits until every request is answered and no statement runs. @returns false if that takes longer. */
  async idle(timeoutMs: number): Promise<boolean> {
    if (this.#isIdle()) return true
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const onIdle = (): void => resolve(true)
    const timer = setTimeout(() => resolve(false), timeoutMs)
    this.#whenIdle.add(onIdle)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#whenIdle.delete(onIdle)
    }
  }

  /** Counts a request in. @returns the function that counts it out. @throws ClickhouseError 202 above the bound. */
  enter(): () => void {
    if (this.#requests >= REQUESTS_MAX) {
      throw new ClickhouseError(
        202,
        'TOO_MANY_SIMULTANEOUS_QUERIES',
        `More than ${REQUESTS_MAX} requests at once.`,
      )
    }
    this.#requests += 1
    return () => {
      this.#requests -= 1
      this.#tellIdle()
    }
  }

  /**
   * Waits, first come first served, until a statement may run.
   * @returns the function that gives the place back. Rejects with the signal's reason when it aborts while waiting.
   */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#running < this.#runningMax) this.#running += 1
    else await this.#turn(signal)
    return () => this.#release()
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = (): void => {
      this.#waiting.delete(start)
      reject(signal.reason)
    }
    const start = (): void => {
      signal.removeEventListener('abort', leave)
      resolve()
    }
    this.#waiting.add(start)
    signal.addEventListener('abort', leave, { once: true })
    return promise
  }

  /** A freed place goes to the longest waiting statement; `running` does not change then. */
  #release(): void {
    const [first] = this.#waiting
    if (!first) {
      this.#running -= 1
      this.#tellIdle()
      return
    }
    this.#waiting.delete(first)
    first()
  }

  /** A statement whose client left still runs, and one that has run still has to be answered. */
  #isIdle(): boolean {
    return this.#requests === 0 && this.#running === 0
  }

  #tellIdle(): void {
    if (this.#isIdle()) for (const onIdle of this.#whenIdle) onIdle()
  }
}
