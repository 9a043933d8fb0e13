import type { Clock } from '../../../pipelines/clock.ts'

/** Aborts after `timeoutMs`, or with `outer`. Disposing it ends the wait. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

export function deadline(clock: Clock, timeoutMs: number, outer: AbortSignal): Deadline {
  const over = new AbortController()
  const isNotNeeded = new AbortController()
  const end = (): void => over.abort()
  if (outer.aborted) end()
  outer.addEventListener('abort', end, { once: true })
  void clock.delay(timeoutMs, isNotNeeded.signal).then(() => {
    if (!isNotNeeded.signal.aborted) end()
  })
  return {
    signal: over.signal,
    [Symbol.dispose]: () => {
      outer.removeEventListener('abort', end)
      isNotNeeded.abort()
    },
  }
}
