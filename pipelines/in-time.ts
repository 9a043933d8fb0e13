import type { Clock } from './clock.ts'

/** What comes of the work; rejects with what `late` gives where it has not ended within `timeoutMs`. The work itself goes on. */
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
    // Nobody waits for it any more.
    return work
  })
  timeout.catch(() => {})
  return await Promise.race([work, timeout]).finally(() => over.abort())
}
