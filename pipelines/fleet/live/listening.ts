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
 * The time between two contacts in which nothing was heard: what is beyond `LISTENING_MS` after the first one. It begins
 * there and not at the first contact, since what was due within that time has been decided by then, or has not, as it
 * happens: whether it counts must not depend on that. `nextMs` is Infinity while there is no second contact.
 */
export function deafBetween(contactMs: number, nextMs: number): Span | null {
  const fromMs = contactMs + LISTENING_MS
  return nextMs > fromMs ? { fromMs, toMs: nextMs } : null
}

/** For how many milliseconds of `[fromMs, toMs)` we could hear. `deaf` is disjoint and in order. */
export function heardBetween(fromMs: number, toMs: number, deaf: readonly Span[]): number {
  let heardMs = Math.max(0, toMs - fromMs)
  for (const span of deaf) {
    heardMs -= Math.max(0, Math.min(span.toMs, toMs) - Math.max(span.fromMs, fromMs))
  }
  return heardMs
}
