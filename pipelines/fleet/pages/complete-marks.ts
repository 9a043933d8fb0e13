import type { CompleteMark } from '../../../schemas/fleet/page-records.ts'
import type { Span as SentSpan } from '../../../schemas/fleet/records.ts'
import { MINUTE_MS } from '../../../schemas/units.ts'
import { withSpan } from '../live/listening.ts'
import type { Span } from '../live/listening.ts'
import { AHEAD_MS_MAX, SLOT_MS } from '../slots/slot.ts'

/**
 * What a node says to be complete is remembered for so long by log time: until every slot before it has settled, which
 * takes ten minutes at most, and a full minute more.
 */
export const MARK_AGE_MS_MAX = 12 * MINUTE_MS

/** Marks of a node in that time. What it says beyond them is not taken: what is missing there stays unknown. */
export const MARKS_MAX = 256

/**
 * What a node has said to be complete, as versions: who asks gets what was known at a place of the log and was said in the
 * last minutes before its time, the same before a crash and after it.
 */
export class CompleteMarks {
  #marks: CompleteMark[]
  /** What was asked for last: all workers of a node ask for the same, one after the other. */
  #asked: { readonly nowMs: number; readonly knownTo: number; readonly spans: readonly Span[] } | null = null

  constructor(marks: readonly CompleteMark[] = []) {
    this.#marks = [...marks]
  }

  get all(): readonly CompleteMark[] {
    return this.#marks
  }

  /** Takes in what the record at `offset`, of log time `nowMs`, says; true where anything is new. */
  tell(spans: readonly SentSpan[], nowMs: number, offset: number): boolean {
    const young = this.#marks.filter(({ at }) => at >= nowMs - MARK_AGE_MS_MAX).length
    const taken = spans.slice(0, Math.max(0, MARKS_MAX - young))
    this.#asked = null
    this.#marks.push(...taken.map(({ from, to }) => ({ from, to, at: nowMs, offset })))
    return taken.length > 0
  }

  /** What is complete, of what is known at a place of the log; disjoint and in order. */
  known(nowMs: number, knownTo: number): readonly Span[] {
    if (this.#asked?.nowMs === nowMs && this.#asked.knownTo === knownTo) return this.#asked.spans
    const spans = this.#marks
      .filter(({ at, offset }) => offset <= knownTo && at >= nowMs - MARK_AGE_MS_MAX)
      .map(({ from, to }) => ({ fromMs: from, toMs: Math.min(to, nowMs + AHEAD_MS_MAX) }))
      .reduce<readonly Span[]>(withSpan, [])
    this.#asked = { nowMs, knownTo, spans }
    return spans
  }

  /** Whether all of a slot of 30 s is complete. */
  hasSlot(slot: number, nowMs: number, knownTo: number): boolean {
    const [fromMs, toMs] = [slot * SLOT_MS, (slot + 1) * SLOT_MS]
    return this.known(nowMs, knownTo).some((span) => span.fromMs <= fromMs && span.toMs >= toMs)
  }

  /**
   * What the record at `offset` has made complete, in whole slots: a slot that it completes together with what was said
   * before is in it.
   */
  saidWith(offset: number, nowMs: number): readonly Span[] {
    const known = this.known(nowMs, offset)
    const said = this.#marks.filter((mark) => mark.offset === offset)
    return said.flatMap(({ from, to }) => {
      const fromMs = Math.floor(from / SLOT_MS) * SLOT_MS
      const toMs = Math.ceil(to / SLOT_MS) * SLOT_MS
      return known
        .map((span) => ({ fromMs: Math.max(span.fromMs, fromMs), toMs: Math.min(span.toMs, toMs) }))
        .filter((span) => span.fromMs < span.toMs)
    })
  }

  /** Forgets what no page can ask for any more: all of them are at `offset` and at log time `nowMs`, or behind that. */
  forgetBefore(offset: number, nowMs: number): void {
    this.#marks = this.#marks.filter((mark) => mark.offset >= offset || mark.at >= nowMs - MARK_AGE_MS_MAX)
  }
}
