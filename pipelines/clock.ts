import { setTimeout as delay } from 'node:timers/promises'

/** Time as a parameter: the code that decides never reads the machine's clock, so tests and the simulation can set it. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. May jump when the machine's clock is set. */
  nowMs(): number
  /** Milliseconds since an arbitrary start; never falls. For durations and deadlines. */
  monotonicMs(): number
  /** Resolves after `timeoutMs`, or as soon as `signal` aborts. Never rejects: the caller checks its signal. */
  delay(timeoutMs: number, signal?: AbortSignal): Promise<void>
}

/** The machine's clock: the only place outside adapters that reads it. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  delay: async (timeoutMs, signal) => {
    try {
      await delay(timeoutMs, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      if (signal?.aborted !== true) throw error
    }
  },
}
