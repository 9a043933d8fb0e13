import { setTimeout as wait } from 'node:timers/promises'
import type { Engine } from './engine.ts'

/** How often a client gets its statement's progress unless it sets another time: a server's own default. */
const PROGRESS_MS = 100
/** Sending it more often would cost a statement more than it is worth. */
const PROGRESS_MIN_MS = 50

/** How often a request wants to get its progress; undefined where it does not want it. */
export function progressIntervalMs(query: URLSearchParams): number | undefined {
  if (query.get('send_progress_in_http_headers') !== '1') return undefined
  const requested = query.get('http_headers_progress_interval_ms') ?? ''
  return /^\d+$/.test(requested) ? Math.max(Number(requested), PROGRESS_MIN_MS) : PROGRESS_MS
}

/** Reports the progress of the statement whose log_comment is `tag`, repeatedly until `ended` aborts. Never rejects. */
export async function tellProgress(
  engine: Engine,
  tag: string,
  intervalMs: number,
  tell: (progress: string) => void,
  ended: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      await wait(intervalMs, undefined, { signal: ended })
      const progress = await engine.progressOf(tag)
      if (progress !== undefined && !ended.aborted) tell(progress)
    }
  } catch (error) {
    if (!ended.aborted) console.error(`The progress of a statement could not be told: ${String(error)}`)
  }
}
