import type { HeardSpan } from '../../../schemas/fleet/page-records.ts'
import { withSpan } from '../live/listening.ts'
import type { Span } from '../live/listening.ts'
import type { NodeHearing } from '../status/context.ts'

/** Deaf spans of a node, or of the gateways, that a decision looks back on; older ones are too long ago to matter. */
export const DEAF_SPANS_MAX = 64

/** What is known at a place in the log. */
interface Known {
  readonly to: number
  readonly silent: HeardSpan | null
  readonly deaf: readonly Span[]
}

/** Just before a record is this much before its offset: that is where what is due is decided. */
const BEFORE = 0.5

/** The place in the log just before a record. What is known after it is known at its offset. */
export function justBefore(offset: number): number {
  return offset - BEFORE
}

/**
 * What was heard of a node, or of the gateways, as versions: spans that begin just before a record, since time alone begins
 * them, and end with one. A page asks for the state at its own place in the log, and gets the same before a crash and
 * after it.
 *
 *     deaf    90 s after a contact until the next one: silences do not count in it
 *     silent  from when the node counts as unavailable until its next contact
 */
export class Hearing {
  /** In the order in which they began. */
  readonly #spans: HeardSpan[]
  /** The state that was asked for last, and for which place. */
  #known: Known | null = null
  /** The newest record with which anything changed. */
  #newest = -1

  constructor(spans: readonly HeardSpan[] = []) {
    this.#spans = spans.map((span) => ({ ...span }))
    for (const { from_offset, to_offset } of spans) {
      this.#changed(Math.max(justBefore(from_offset), to_offset ?? -1))
    }
  }

  get spans(): readonly HeardSpan[] {
    return this.#spans
  }

  /** A span begins, known just before the record at `offset`. */
  begin(kind: HeardSpan['kind'], fromMs: number, offset: number): void {
    this.#spans.push({ kind, from: fromMs, from_offset: offset, to: null, to_offset: null })
    this.#changed(justBefore(offset))
  }

  /** The spans that have not ended end with the record at `offset`. False where there are none. */
  end(toMs: number, offset: number): boolean {
    let hasEnded = false
    for (const span of this.#spans) {
      if (span.to !== null) continue
      span.to = toMs
      span.to_offset = offset
      hasEnded = true
    }
    if (hasEnded) this.#changed(offset)
    return hasEnded
  }

  isOpen(kind: HeardSpan['kind']): boolean {
    return this.#spans.some((span) => span.kind === kind && span.to === null)
  }

  /** The deaf spans that are known at a place in the log, as far back as they matter; disjoint and in order. */
  deaf(knownTo: number): readonly Span[] {
    return this.#at(knownTo).deaf
  }

  /** The newest silence that is known there, its end only if that is known, too. */
  silence(knownTo: number): { readonly fromMs: number; readonly toMs: number } | null {
    const { silent } = this.#at(knownTo)
    return silent === null ? null : { fromMs: silent.from, toMs: endOf(silent, knownTo) }
  }

  /** Forgets what no page can ask for any more: all of them are at `offset` or behind it. */
  forgetBefore(offset: number): void {
    for (const kind of ['deaf', 'silent'] as const) {
      const kept = kind === 'deaf' ? DEAF_SPANS_MAX : 1
      for (;;) {
        const old = this.#spans.filter((span) => span.kind === kind && span.from_offset < offset)
        const [first] = old
        if (old.length <= kept || first === undefined) break
        this.#spans.splice(this.#spans.indexOf(first), 1)
        this.#known = null
      }
    }
  }

  #changed(offset: number): void {
    this.#newest = Math.max(this.#newest, offset)
    this.#known = null
  }

  #at(knownTo: number): Known {
    const to = Math.min(knownTo, this.#newest)
    if (this.#known !== null && this.#known.to === to) return this.#known
    const known = this.#spans.filter(({ from_offset }) => justBefore(from_offset) <= to)
    const deaf = known
      .filter(({ kind }) => kind === 'deaf')
      .slice(-DEAF_SPANS_MAX)
      .map((span) => ({ fromMs: span.from, toMs: endOf(span, to) }))
    const silent = known.findLast(({ kind }) => kind === 'silent') ?? null
    this.#known = { to, silent, deaf: deaf.reduce<readonly Span[]>(withSpan, []) }
    return this.#known
  }
}

function endOf({ to, to_offset }: HeardSpan, knownTo: number): number {
  return to !== null && to_offset !== null && to_offset <= knownTo ? to : Number.POSITIVE_INFINITY
}

/** What a worker's status asks of its node, as is known at a place in the log: of the node itself, and of the gateways. */
export function hearingOf(node: Hearing | null, gateways: Hearing, knownTo: number): NodeHearing {
  const silence = node?.silence(knownTo) ?? null
  const blind = gateways.deaf(knownTo)
  const deaf = node?.deaf(knownTo) ?? []
  const isSilent = silence !== null && silence.toMs === Number.POSITIVE_INFINITY
  return {
    silentAtMs: isSilent ? silence.fromMs : Number.POSITIVE_INFINITY,
    returnedAtMs: silence === null || isSilent ? 0 : silence.toMs,
    deaf: deaf.length === 0 ? blind : blind.reduce(withSpan, deaf),
  }
}
