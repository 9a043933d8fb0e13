import { SECOND_MS } from '../../../schemas/units.ts'

/** Half-open, log time; `toMs` is Infinity while it lasts. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** After a contact of a node, or a tick of a gateway, we listen for so long; without another one we hear nothing. */
export const LISTENING_MS = 90 * SECOND_MS

/**
 * When `lengthMs` of listening time have passed since `fromMs`: log time, Infinity while a deaf span lasts that begins
 * before. `deaf` is disjoint and in order.
 */
export function listenedAt(fromMs: number, lengthMs: number, deaf: readonly Span[]): number {
  let dueMs = fromMs + lengthMs
  for (const span of deaf) {
    if (span.toMs <= fromMs) continue
    if (span.fromMs >= dueMs) break
    dueMs += span.toMs - Math.max(span.fromMs, fromMs)
  }
  return dueMs
}

/** Adds a span to disjoint spans in order, and gives the like: spans that overlap or touch become one. */
export function withSpan(spans: readonly Span[], added: Span): readonly Span[] {
  if (added.fromMs >= added.toMs) return spans
  const apart = spans.filter((span) => span.toMs < added.fromMs || span.fromMs > added.toMs)
  const joined = spans.filter((span) => !apart.includes(span))
  const whole = {
    fromMs: Math.min(added.fromMs, ...joined.map(({ fromMs }) => fromMs)),
    toMs: Math.max(added.toMs, ...joined.map(({ toMs }) => toMs)),
  }
  return [...apart, whole].toSorted((left, right) => left.fromMs - right.fromMs)
}

/**
 * The time between two contacts in which nothing was heard: none if they are at most `LISTENING_MS` apart, else all of
 * it, since nobody can say how long after the first contact somebody still listened. While the second is missing,
 * `nextMs` is Infinity and `nowMs` is the log time.
 */
export function deafBetween(contactMs: number, nextMs: number, nowMs: number): Span | null {
  if (Math.min(nextMs, nowMs) - contactMs <= LISTENING_MS) return null
  return { fromMs: contactMs, toMs: nextMs }
}
