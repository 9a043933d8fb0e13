import type { Span } from '../live/listening.ts'
import { CELL_MS } from '../slots/slot.ts'

/**
 * The parts of a worker's holes that lie in these spans of a node, in the times in which it was the worker's own. A worker
 * changes its node on edges of 5 minutes.
 */
export function partsOf(
  holes: readonly Span[],
  spans: readonly Span[],
  isOwn: (atMs: number) => boolean,
): Span[] {
  const parts: Span[] = []
  for (const hole of holes) {
    for (const span of spans) {
      const endMs = Math.min(hole.toMs, span.toMs)
      for (let fromMs = Math.max(hole.fromMs, span.fromMs); fromMs < endMs; ) {
        const toMs = Math.min(endMs, (Math.floor(fromMs / CELL_MS) + 1) * CELL_MS)
        if (isOwn(fromMs)) parts.push({ fromMs, toMs })
        fromMs = toMs
      }
    }
  }
  return parts
}
