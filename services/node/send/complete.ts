import type { Span } from '../../../schemas/fleet/records.ts'
import { COMPLETE_SPANS_MAX } from '../../../schemas/fleet/bounds.ts'
import { HOUR_MS, SECOND_MS } from '../../../schemas/units.ts'
import { difference, withRange } from '../spool/ranges.ts'
import type { Range } from '../spool/ranges.ts'
import type { Lost } from '../spool/losses.ts'

/** Older spans are of no use: what belongs there would be too old. */
const SPAN_AGE_MS_MAX = 80 * HOUR_MS
/** Spans of each kind that are remembered; beyond them the oldest are forgotten, and never said to be complete. */
const SPANS_MAX = 256
/** Two polled spans that are this close are one: the log's clock was set between them, and nothing else happened. */
const JOIN_MS_MAX = SECOND_MS

/** What outlives the process. */
export interface KeptSpans {
  readonly polled: readonly Range[]
  readonly told: readonly Range[]
}

/**
 * In which spans of time the node has polled, UTC, what it has said of them, and what was lost. Pure. A span is complete when the
 * node polled in it and holds nothing of it back any more; one of which something was lost never is.
 */
export class CompleteSpans {
  #polled: readonly Range[]
  #told: readonly Range[]
  #lost: readonly Range[] = []
  #sinceBootMs: number
  /** UTC end of what this process has polled without a break; null where there is none. */
  #endMs: number | null = null

  constructor(kept: KeptSpans | null, startBootMs: number) {
    this.#polled = kept?.polled ?? []
    this.#told = kept?.told ?? []
    this.#sinceBootMs = startBootMs
  }

  /** Of what an earlier process has left, this was lost. */
  loseEarlier({ spans, isUnknown }: Lost): void {
    this.#polled = isUnknown ? [] : difference(this.#polled, spans)
  }

  lose({ spans, isUnknown }: Lost, bootMs: number): void {
    for (const span of spans) this.#lost = withRange(this.#lost, span)
    if (!isUnknown) return
    this.#polled = []
    this.#sinceBootMs = bootMs
    this.#endMs = null
  }

  /** The node has polled up to here, and everything from before is in the spool; `offsetMs` makes UTC of a time since the boot. */
  polledUntil(bootMs: number, offsetMs: number): void {
    if (bootMs <= this.#sinceBootMs) return
    const startMs = Math.ceil(this.#sinceBootMs + offsetMs)
    const isNext = this.#endMs !== null && Math.abs(startMs - this.#endMs) <= JOIN_MS_MAX
    const to = Math.floor(bootMs + offsetMs)
    this.#polled = withRange(this.#polled, { from: isNext ? (this.#endMs ?? startMs) : startMs, to })
    this.#sinceBootMs = bootMs
    this.#endMs = to
    this.#trim(to)
  }

  /** What can be said to be complete and was not yet, while these are held; the oldest first. */
  due(held: readonly Range[]): Span[] {
    const taken = [...held, ...this.#lost, ...this.#told]
    return difference(this.#polled, taken).slice(0, COMPLETE_SPANS_MAX)
  }

  /** The log has it. */
  told(spans: readonly Span[]): void {
    for (const span of spans) this.#told = withRange(this.#told, span)
  }

  kept(): KeptSpans {
    return { polled: difference(this.#polled, this.#lost), told: this.#told }
  }

  #trim(nowMs: number): void {
    // A loss that is forgotten must not be said to be complete: it leaves what was polled for good.
    this.#polled = difference(this.#polled, this.#lost)
    const young = ({ to }: Range): boolean => to >= nowMs - SPAN_AGE_MS_MAX
    this.#polled = this.#polled.filter(young).slice(-SPANS_MAX)
    this.#told = this.#told.filter(young).slice(-SPANS_MAX)
    this.#lost = this.#lost.filter(young).slice(-SPANS_MAX)
  }
}
