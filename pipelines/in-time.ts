import type { Clock } from './clock.ts'

/**
 * Returns the result of the work. Rejects with the error that `late` creates where the work has not ended within
 * `timeoutMs`; the work itself continues.
 */
export async function inTime<T>(
  work: Promise<T>,
  timeoutMs: number,
  clock: Clock,
  late: () => Error,
): Promise<T> {
  const over = new AbortController()
  work.catch(() => {})
  const timeout = clock.delay(timeoutMs, over.signal).then(() => {
    if (!over.signal.aborted) throw late()
    // Nothing waits for it any more.
    return work
  })
  timeout.catch(() => {})
  return await Promise.race([work, timeout]).finally(() => over.abort())
}
