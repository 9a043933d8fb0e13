import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../../../pipelines/clock.ts'

/** The machine's clock, in which everything takes a part of its time: the waits of a test over real sockets are short. */
export function quickClock(times: number): Clock {
  const startMs = Date.now()
  const monotonicMs = (): number => performance.now() * times
  const begunMs = monotonicMs()
  return {
    nowMs: () => startMs + (monotonicMs() - begunMs),
    monotonicMs,
    delay: async (timeoutMs, signal) => {
      try {
        await delay(timeoutMs / times, undefined, signal === undefined ? {} : { signal })
      } catch (error) {
        if (signal?.aborted !== true) throw error
      }
    },
  }
}
