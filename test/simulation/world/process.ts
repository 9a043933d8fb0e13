import type { Clock } from '../../../pipelines/clock.ts'
import type { Fate, FateEnd, RequestKind } from './fate.ts'
import type { Timeline } from './timeline.ts'

/** No answer in time, or no connection: whether the request was done is unknown. */
export class NoAnswer extends Error {
  /** How the request ended at the server, as far as the schedule says; `answered` where only the broker was silent. */
  readonly end: FateEnd
  /** False: no byte of it was sent. */
  readonly wasSent: boolean
  /** The connection is gone. */
  readonly isCut: boolean

  constructor(
    message: string,
    {
      end = 'answered',
      wasSent = true,
      isCut = false,
    }: { end?: FateEnd; wasSent?: boolean; isCut?: boolean } = {},
  ) {
    super(message)
    this.end = end
    this.wasSent = wasSent
    this.isCut = isCut
  }
}

/** An answer comes, good or bad. */
const ANSWERED: ReadonlySet<FateEnd> = new Set(['answered', 'left-out', 'retriable', 'doubtful'])

/** A connection: requests arrive in the order in which they were sent, also where the answer of one was given up. */
export interface Line {
  freeAtMs: number
}

/** What a process needs from the world around it. */
export interface Surroundings {
  readonly timeline: Timeline
  /** The fate of the next request. */
  readonly fateOf: (process: SimProcess, kind: RequestKind) => Fate
  readonly trace: (who: string, what: string) => void
}

/**
 * A process of a service as the world sees it: its timers and the answers to its requests. It may die (nothing in it goes
 * on, but requests that it sent are under way) or freeze (everything that reaches it waits until it thaws; then it goes
 * on as before).
 */
export class SimProcess {
  readonly name: string
  readonly clock: Clock
  readonly #surroundings: Surroundings
  #isAlive = true
  #frozen: (() => void)[] | undefined

  /** `skewMs`: how far its clock is off. */
  constructor(name: string, surroundings: Surroundings, skewMs: number) {
    this.name = name
    this.#surroundings = surroundings
    const { timeline } = surroundings
    this.clock = {
      nowMs: () => timeline.nowMs + skewMs,
      monotonicMs: () => timeline.nowMs + skewMs,
      delay: (timeoutMs, signal) => this.#delay(timeoutMs, signal),
    }
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined
  }

  trace(what: string): void {
    this.#surroundings.trace(this.name, what)
  }

  /** `kill -9`. */
  die(): void {
    this.#isAlive = false
    this.#frozen = undefined
    this.trace('dies')
  }

  /** `SIGSTOP`, and `SIGCONT` after a while. */
  freeze(forMs: number): void {
    if (!this.#isAlive || this.#frozen !== undefined) return
    this.#frozen = []
    this.trace(`freezes for ${forMs} ms`)
    this.#surroundings.timeline.after(forMs, () => this.#thaw())
  }

  #thaw(): void {
    const waiting = this.#frozen
    this.#frozen = undefined
    if (waiting === undefined) return
    this.trace('thaws')
    // One by one, as the event loop would: each runs to its end before the next.
    for (const run of waiting) this.#surroundings.timeline.after(0, () => this.reach(run))
  }

  /** Something from outside reaches the process. */
  reach(run: () => void): void {
    if (!this.#isAlive) return
    if (this.#frozen === undefined) run()
    else this.#frozen.push(run)
  }

  /**
   * A request to a server: `apply` runs there, once or never, and its result or error comes back; else the request
   * rejects with `NoAnswer` after `timeoutMs`, or when the connection is cut. Requests of one `line` arrive in their
   * order.
   */
  async request<T>(
    kind: RequestKind,
    apply: (end: FateEnd) => T | Promise<T>,
    { timeoutMs = 4_000, line }: { timeoutMs?: number; line?: Line } = {},
  ): Promise<T> {
    const { timeline } = this.#surroundings
    const fate = this.#surroundings.fateOf(this, kind)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    if (fate.end !== 'answered') this.trace(`${kind}: ${fate.end} ${fate.holdMs || ''}`)
    const { end, isCut } = fate
    const silence = { end, isCut, wasSent: end !== 'refused' }
    const noAnswer = (): void => this.reach(() => reject(new NoAnswer(`${kind} was not answered`, silence)))
    if (fate.end === 'refused') {
      timeline.after(fate.sendMs, noAnswer)
      return await promise
    }
    const deadline = timeline.after(
      isCut && !ANSWERED.has(end) ? fate.sendMs + fate.replyMs : timeoutMs,
      noAnswer,
    )
    if (fate.end === 'lost') return await promise
    let sendMs = fate.sendMs + (fate.end === 'late' ? fate.holdMs : 0)
    if (line !== undefined) {
      sendMs = Math.max(sendMs, line.freeAtMs - timeline.nowMs)
      line.freeAtMs = timeline.nowMs + sendMs
    }
    const answer = (deliver: () => void): void => {
      if (!ANSWERED.has(fate.end)) return
      timeline.after(fate.replyMs, () => {
        deadline.isCancelled = true
        this.reach(deliver)
      })
    }
    timeline.after(sendMs, () => {
      try {
        const result = apply(fate.end)
        if (result instanceof Promise) {
          result.then(
            (value) => answer(() => resolve(value)),
            (error: unknown) => answer(() => reject(error)),
          )
        } else answer(() => resolve(result))
      } catch (error) {
        answer(() => reject(error))
      }
    })
    return await promise
  }

  #delay(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#surroundings.timeline.after(timeoutMs, () => {
      this.reach(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      })
    })
    const stop = (): void => {
      timer.isCancelled = true
      resolve()
    }
    signal?.addEventListener('abort', stop, { once: true })
    return promise
  }
}
