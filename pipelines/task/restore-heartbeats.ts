import type { Clock } from '../clock.ts'
import { TASK_BOUNDS } from './task.ts'

/** The group rebalances while a task restores: the handler must end, and kafkajs must see the reason. */
export class RebalanceDuringRestore extends Error {}

/**
 * Sends heartbeats until the work ends: a long restore must not lose the session. Where the group rebalances, the signal
 * tells the work to end, and its end is awaited: nothing of it continues on a state that was discarded.
 */
export async function withHeartbeats(
  work: (signal: AbortSignal) => Promise<void>,
  heartbeat: () => Promise<void>,
  clock: Clock,
): Promise<void> {
  const over = new AbortController()
  const beat = async (): Promise<void> => {
    for (;;) {
      await clock.delay(TASK_BOUNDS.heartbeatIntervalMs, over.signal)
      if (over.signal.aborted) return
      try {
        await heartbeat()
      } catch (error) {
        over.abort()
        throw new RebalanceDuringRestore('The group rebalances.', { cause: error })
      }
    }
  }
  const [beaten, worked] = await Promise.allSettled([beat(), work(over.signal).finally(() => over.abort())])
  if (beaten.status === 'rejected') throw beaten.reason
  if (worked.status === 'rejected') throw worked.reason
}
