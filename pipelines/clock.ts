import { setTimeout as delay } from 'node:timers/promises'

/** Time as a parameter: the code that decides never asks the machine, so tests and the simulation can. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. May jump when the machine's clock is set. */
  nowMs(): number
  /** Milliseconds since an arbitrary start; never falls. For durations and deadlines. */
  monotonicMs(): number
  /** Resolves after `timeoutMs`, or as soon as `signal` aborts. Never rejects: the caller looks at its signal. */
  delay(timeoutMs: number, signal?: AbortSignal): Promise<void>
}

/** The machine's clock: the one place outside adapters that asks it. */
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
