import { SECOND_MS } from '../../../../schemas/units.ts'

/** Half-open, UTC. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** The same time as spans that neither overlap nor touch, oldest first; empty ones are left out. */
export function merged(spans: readonly Span[]): Span[] {
  const result: { fromMs: number; toMs: number }[] = []
  for (const { fromMs, toMs } of spans.toSorted((left, right) => left.fromMs - right.fromMs)) {
    if (toMs <= fromMs) continue
    const last = result.at(-1)
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else result.push({ fromMs, toMs })
  }
  return result
}

/** How much of a cell lies in spans that `merged` made, in whole seconds. */
export function overlapS(spans: readonly Span[], { fromMs, toMs }: Span): number {
  let overlapMs = 0
  for (const span of spans) {
    overlapMs += Math.max(0, Math.min(span.toMs, toMs) - Math.max(span.fromMs, fromMs))
  }
  return Math.floor(overlapMs / SECOND_MS)
}
